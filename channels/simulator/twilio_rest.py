"""Twilio's REST interface: create, read and update calls and messages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator import call_life, sms_life
from channels.simulator.carrier import What
from channels.simulator.exchange import Exchange
from channels.simulator.records import Call, Callback, Sms, attempt_in
from channels.simulator.signals import Replaced, Stopped
from channels.simulator.twilio_ask import Form, Refused, callback, check_account, form_of, number, one, whole
from channels.simulator.twilio_json import VERSION, call_json, sms_json
from channels.simulator.twilio_list import list_calls, list_messages
from channels.simulator.twiml import is_web_url
from channels.simulator.wire import JsonResponse, spoiled, strike

MOST_TWIML = 4000
MOST_BODY = 1600
NOT_FOUND = Refused(404, 20404, "The requested resource was not found")
INVALID_TO = (21211, "Invalid 'To' Phone Number")


async def create_call(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        form = await form_of(request)
        call = _call(exchange, form)
        return await _take_call(exchange, call)
    except Refused as refused:
        return refused.response()


async def _take_call(exchange: Exchange, call: Call) -> Response:
    fault = await strike(exchange.carrier, "calls")
    takes_effect = fault is None or fault.takes_effect
    call.n = exchange.journal.next_number()
    kind = fault.kind if fault else ""
    is_dead = takes_effect and _next_result(exchange, call.to) == "invalid"
    accepted = takes_effect and not is_dead
    exchange.witness("calls", call.sid, call.to, call.attempt, n=call.n, accepted=accepted, fault=kind)
    if is_dead:
        exchange.count_try("call", call.to)
        raise Refused(400, *INVALID_TO)
    if takes_effect:
        call_life.begin(exchange, call)
    if fault is not None:
        return spoiled(fault)
    return JsonResponse(call_json(exchange.config.account_sid, call), 201)


def _next_result(exchange: Exchange, address: str) -> str:
    """What the next try would come to; some numbers are refused before anything rings."""
    tries = exchange.tries.get(("call", address), 0)
    results = exchange.call_behaviour(address, tries).results
    return results[min(tries, len(results) - 1)]


def _call(exchange: Exchange, form: Form) -> Call:
    to = number(form, "To", missing=(21201, "No 'To' number is specified"), invalid=INVALID_TO)
    caller = number(
        form,
        "From",
        missing=(21213, "No 'From' number is specified"),
        invalid=(21212, "Invalid 'From' number"),
    )
    url, document = one(form, "Url"), one(form, "Twiml")
    if not url and not document:
        raise Refused(400, 21205, "Url parameter is required.")
    if url and not is_web_url(url):
        raise Refused(400, 21205, "Url is not a valid URL")
    if len(document) > MOST_TWIML:
        raise Refused(400, 21240, "Twiml is longer than 4000 characters")
    report = callback(form, "StatusCallback", 21609)
    now = exchange.clock.now()
    return Call(
        n=0,
        attempt=attempt_in(report.url or url),
        to=to,
        caller=caller,
        url=url,
        method=one(form, "Method", "POST").upper(),
        twiml="" if url else document,
        timeout_s=whole(form, "Timeout", 60, 1, 600),
        callback=report,
        events=tuple(form.get("StatusCallbackEvent", ())) or ("completed",),
        amd=_amd(form),
        amd_is_async=one(form, "AsyncAmd").lower() == "true",
        amd_callback=callback(form, "AsyncAmdStatusCallback", 21609),
        created_at=now,
        updated_at=now,
    )


def _amd(form: Form) -> str:
    wanted = one(form, "MachineDetection")
    # SendDigits makes Twilio ignore the detection.
    return wanted if wanted in ("Enable", "DetectMessageEnd") and not one(form, "SendDigits") else ""


async def read_call(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        call = _found(exchange, request)
        return JsonResponse(call_json(exchange.config.account_sid, call))
    except Refused as refused:
        return refused.response()


async def update_call(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        call = _found(exchange, request)
        _update(exchange, call, await form_of(request))
        return JsonResponse(call_json(exchange.config.account_sid, call))
    except Refused as refused:
        return refused.response()


def _update(exchange: Exchange, call: Call, form: Form) -> None:
    work = exchange.on_line.get(call.sid)
    if call.is_over or work is None:
        raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
    status, url, document = one(form, "Status"), one(form, "Url"), one(form, "Twiml")
    if status not in ("", "canceled", "completed"):
        raise Refused(400, 21218, "Invalid Status")
    if status == "completed" or (status == "canceled" and call.answered_at is None):
        work.tell(Stopped(status))
    elif url or document:
        if call.answered_at is None:
            raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if url and not is_web_url(url):
            raise Refused(400, 21205, "Url is not a valid URL")
        work.tell(Replaced(url, one(form, "Method", "POST").upper(), "" if url else document))


def _found(exchange: Exchange, request: Request) -> Call:
    call = exchange.calls.get(request.path_params["sid"])
    if call is None:
        raise NOT_FOUND
    return call


# --- messages ---


async def create_message(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        sms = _sms(exchange, await form_of(request))
        return await _take_sms(exchange, sms)
    except Refused as refused:
        return refused.response()


async def _take_sms(exchange: Exchange, sms: Sms) -> Response:
    what: What = "messages"
    fault = await strike(exchange.carrier, what)
    takes_effect = fault is None or fault.takes_effect
    sms.n = exchange.journal.next_number()
    result = sms_life.result_for(exchange, sms.to) if takes_effect else ""
    refusal = result if result.startswith("21") else ""
    accepted = takes_effect and not refusal
    kind = fault.kind if fault else ""
    exchange.witness(what, sms.sid, sms.to, sms.attempt, n=sms.n, accepted=accepted, fault=kind)
    if refusal:
        raise Refused(400, int(refusal), "The message cannot be sent to the 'To' number")
    if takes_effect:
        sms_life.begin(exchange, sms, result)
    if fault is not None:
        return spoiled(fault)
    return JsonResponse(sms_json(exchange.config.account_sid, sms), 201)


def _sms(exchange: Exchange, form: Form) -> Sms:
    to = number(form, "To", missing=(21604, "A 'To' phone number is required."), invalid=INVALID_TO)
    sender = one(form, "MessagingServiceSid") or number(
        form,
        "From",
        missing=(21603, "A 'From' phone number is required."),
        invalid=(21212, "The 'From' number is not a valid phone number"),
    )
    body = one(form, "Body")
    if not body.strip():
        raise Refused(400, 21602, "Message body is required.")
    if len(body) > MOST_BODY:
        raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    report: Callback = callback(form, "StatusCallback", 21609)
    now, attempt = exchange.clock.now(), attempt_in(report.url)
    return Sms(
        n=0, attempt=attempt, to=to, sender=sender, body=body, callback=report, created_at=now, updated_at=now
    )


async def read_message(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        sms = exchange.messages.get(request.path_params["sid"])
        if sms is None:
            raise NOT_FOUND
        return JsonResponse(sms_json(exchange.config.account_sid, sms))
    except Refused as refused:
        return refused.response()


async def update_message(request: Request) -> Response:
    """Only a scheduled message can be cancelled at Twilio, and none is here."""
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        if request.path_params["sid"] not in exchange.messages:
            raise NOT_FOUND
        raise Refused(400, 30409, "Message cannot be canceled")
    except Refused as refused:
        return refused.response()


BASE = f"/{VERSION}/Accounts/{{account}}"
ROUTES = [
    Route(f"{BASE}/Calls.json", create_call, methods=["POST"]),
    Route(f"{BASE}/Calls.json", list_calls, methods=["GET"]),
    Route(f"{BASE}/Calls/{{sid}}.json", read_call, methods=["GET"]),
    Route(f"{BASE}/Calls/{{sid}}.json", update_call, methods=["POST"]),
    Route(f"{BASE}/Messages.json", create_message, methods=["POST"]),
    Route(f"{BASE}/Messages.json", list_messages, methods=["GET"]),
    Route(f"{BASE}/Messages/{{sid}}.json", read_message, methods=["GET"]),
    Route(f"{BASE}/Messages/{{sid}}.json", update_message, methods=["POST"]),
]
