"""Lists of calls and messages, newest first, in Twilio's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from channels.simulator.exchange import Exchange
from channels.simulator.records import Call, Sms
from channels.simulator.twilio_ask import Refused, bounds, check_account
from channels.simulator.twilio_json import VERSION, call_json, sms_json
from channels.simulator.wire import JsonResponse

Kept = TypeVar("Kept")

MOST = 1000
USUAL = 50


async def list_calls(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        query = dict(request.query_params)
        to = query.get("To", "")
        found = exchange.calls_to.get(to, ()) if to else exchange.calls.values()
        # A call that is still queued has no start yet; leaving it out would invite a second ring.
        chosen = [call for call in found if _fits(query, call, call.started_at or call.created_at)]
        account = exchange.config.account_sid
        return _page(account, "calls", query, [*reversed(chosen)], lambda call: call_json(account, call))
    except Refused as refused:
        return refused.response()


async def list_messages(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    try:
        check_account(request, exchange)
        query = dict(request.query_params)
        found: Iterable[Sms] = exchange.messages.values()
        if query.get("To"):
            found = exchange.messages_to.get(query["To"], ())
        chosen = [sms for sms in found if _fits_sms(query, sms)]
        account = exchange.config.account_sid
        return _page(account, "messages", query, [*reversed(chosen)], lambda sms: sms_json(account, sms))
    except Refused as refused:
        return refused.response()


def _fits(query: Mapping[str, str], call: Call, started_at: datetime) -> bool:
    if query.get("From", call.caller) != call.caller or query.get("Status", call.status) != call.status:
        return False
    return query.get("To", call.to) == call.to and _within(query, "StartTime", started_at)


def _fits_sms(query: Mapping[str, str], sms: Sms) -> bool:
    return query.get("From", sms.sender) == sms.sender and _within(
        query, "DateSent", sms.sent_at or sms.created_at
    )


def _within(query: Mapping[str, str], name: str, at: datetime) -> bool:
    low, high = bounds(query, name)
    # Twilio compares whole seconds.
    return (low is None or at.replace(microsecond=0) >= low.replace(microsecond=0)) and (
        high is None or at <= high
    )


def _page(
    account: str,
    name: str,
    query: Mapping[str, str],
    found: list[Kept],
    shown: Callable[[Kept], dict[str, object]],
) -> Response:
    size = min(_count(query, "PageSize", USUAL), MOST)
    page = _count(query, "Page", 0)
    start = page * size
    items = found[start : start + size]
    rest = {key: text for key, text in query.items() if key not in ("Page", "PageToken", "PageSize")}

    def uri(number: int) -> str:
        asked = urlencode(rest | {"PageSize": str(size), "Page": str(number)})
        return f"/{VERSION}/Accounts/{account}/{name.title()}.json?{asked}"

    body = {
        name: [shown(item) for item in items],
        "end": start + max(len(items) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if start + size < len(found) else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "start": start,
        "uri": uri(page),
    }
    return JsonResponse(body)


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not given.isdigit():
        raise Refused(400, 20001, f"Invalid {name}")
    return int(given)
