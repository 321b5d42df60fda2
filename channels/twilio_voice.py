"""Phone calls by Twilio: rings, plays the rendition, listens for a key, tells who or what picked up.

API: https://www.twilio.com/docs/voice/api/call-resource
Limit: inline TwiML is 4,000 characters, so we pass a URL, never the text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import aiohttp
from pydantic_settings import BaseSettings
from twilio.twiml.voice_response import Gather, VoiceResponse

from broadcast.errors import NotFound
from broadcast.model import Channel, Message, Outcome, Reason, Receipt, ReceiptKind
from broadcast.ports import CallTurn, Conversation, HookReply, HookRequest
from channels._twilio import TwilioAccount, TwilioSettings, look_up
from channels._twilio_hooks import MALFORMED, NOT_THERE, Callback, Door
from channels.registry import expect, register

RING_S = 40
# The step that Twilio asks for when the first full reading has ended, or a key was pressed during it.
READ = "read"
KEYS = frozenset("0123456789*#")
# SIP answers that say there is no such number: not found, gone, incomplete, does not exist anywhere.
NO_SUCH_NUMBER = frozenset({"404", "410", "484", "604"})

STATUS = {
    "ringing": ReceiptKind.RINGING,
    "in-progress": ReceiptKind.ANSWERED,
    "completed": ReceiptKind.COMPLETED,
    "busy": ReceiptKind.BUSY,
    "no-answer": ReceiptKind.NO_ANSWER,
    "failed": ReceiptKind.FAILED,
    "canceled": ReceiptKind.STOPPED,
}
SAYS_NOTHING = frozenset({"queued", "initiated"})
WHY_NOT = {
    ReceiptKind.BUSY: Reason.BUSY,
    ReceiptKind.NO_ANSWER: Reason.NO_ANSWER,
    ReceiptKind.STOPPED: Reason.STOPPED,
}
PICKED_UP_BY = {
    "human": ReceiptKind.HUMAN,
    "machine_start": ReceiptKind.MACHINE,
    "machine_end_beep": ReceiptKind.MACHINE,
    "machine_end_silence": ReceiptKind.MACHINE,
    "machine_end_other": ReceiptKind.MACHINE,
    "fax": ReceiptKind.MACHINE,
    "unknown": ReceiptKind.NOT_KNOWN,
}


@register
class TwilioVoice:
    name: ClassVar[str] = "twilio_voice"
    channel: ClassVar[Channel] = Channel.VOICE
    batch_size: ClassVar[int] = 1
    settings_model: ClassVar[type[BaseSettings]] = TwilioSettings

    def __init__(self, settings: TwilioSettings, http: aiohttp.ClientSession, public_url: str) -> None:
        self._account = TwilioAccount(settings, http)
        self._door = Door(settings.auth_token, "CallSid")
        self._caller = settings.caller
        self._hooks = f"{public_url.rstrip('/')}/hooks/{self.name}"

    @classmethod
    def from_settings(cls, settings: BaseSettings, http: aiohttp.ClientSession, public_url: str) -> Self:
        return cls(expect(TwilioSettings, settings), http, public_url)

    async def close(self) -> None:
        """Nothing of our own: the session belongs to the process."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return await asyncio.gather(*(self._account.create("Calls", self._form(m)) for m in messages))

    async def look_up(self, message: Message) -> Outcome:
        caller = message.caller or self._caller
        return await look_up(self._account, "Calls", message, lambda call: call.get("from") == caller)

    async def stop(self, reference: str) -> bool:
        """`completed` ends a call that is queued, ringing or answered; one that is over is 21220: False."""
        return await self._account.update("Calls", reference, [("Status", "completed")])

    async def answer(self, request: HookRequest, conversation: Conversation) -> HookReply:
        callback = self._door.open(request)
        if isinstance(callback, HookReply):
            return callback
        match callback.kind:
            case "turn":
                return await self._turn(callback, request, conversation)
            case "status":
                return self._status(callback, request)
            case _:
                return self._picked_up(callback, request)

    def _form(self, message: Message) -> list[tuple[str, str]]:
        attempt = message.attempt_id
        return [
            ("To", message.to),
            ("From", message.caller or self._caller),
            ("Url", f"{self._hooks}/turn/{attempt}"),
            ("Method", "POST"),
            ("StatusCallback", f"{self._hooks}/status/{attempt}"),
            ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", str(RING_S)),
            ("MachineDetection", "Enable"),
            ("AsyncAmd", "true"),  # the verdict never delays or cuts the reading
            ("AsyncAmdStatusCallback", f"{self._hooks}/amd/{attempt}"),
            ("AsyncAmdStatusCallbackMethod", "POST"),
        ]

    async def _turn(self, callback: Callback, request: HookRequest, conversation: Conversation) -> HookReply:
        key = callback.form.get("Digits", "")
        key = key if key in KEYS else ""  # "hangup" and the like are no keys
        try:
            turn = await conversation.call_turn(callback.attempt_id, callback.step, key)
        except NotFound:
            return NOT_THERE
        return HookReply(
            receipts=_heard_in(callback, key, request),
            body=str(self._twiml(turn, callback)).encode(),
            content_type="application/xml; charset=utf-8",
        )

    def _twiml(self, turn: CallTurn, callback: Callback) -> VoiceResponse:
        response = VoiceResponse()
        if turn.pause_s:
            response.pause(length=turn.pause_s)
        if not turn.next_step:
            _play(response, turn.play)
            response.hangup()
            return response
        action = f"{self._hooks}/turn/{callback.attempt_id}/{turn.next_step}?turn={callback.turn + 1}"
        gather = Gather(
            num_digits=1,
            timeout=max(1, turn.wait_s),  # Twilio takes positive numbers only
            finish_on_key="",
            action_on_empty_result=True,
            action=action,
            method="POST",
        )
        _play(gather, turn.play)
        response.append(gather)
        return response

    def _status(self, callback: Callback, request: HookRequest) -> HookReply:
        status = callback.form.get("CallStatus", "")
        if status in SAYS_NOTHING:
            return HookReply()
        kind = STATUS.get(status)
        if kind is None:
            return MALFORMED
        reason = WHY_NOT.get(kind)
        if kind is ReceiptKind.FAILED:
            kind, reason = self._why_it_failed(callback.form)
        seconds = _seconds(callback.form) if kind is ReceiptKind.COMPLETED else None
        return HookReply([_receipt(callback, request, kind, status, reason=reason, seconds=seconds)])

    def _why_it_failed(self, form: Mapping[str, str]) -> tuple[ReceiptKind, Reason]:
        if form.get("SipResponseCode", "") in NO_SUCH_NUMBER:
            return ReceiptKind.REFUSED, Reason.BAD_ADDRESS
        return self._account.why_not(form.get("ErrorCode", ""), otherwise=Reason.PROVIDER_ERROR)

    def _picked_up(self, callback: Callback, request: HookRequest) -> HookReply:
        kind = PICKED_UP_BY.get(callback.form.get("AnsweredBy", ""))
        if kind is None:
            return MALFORMED
        reason = Reason.VOICEMAIL if kind is ReceiptKind.MACHINE else None
        return HookReply([_receipt(callback, request, kind, "amd", reason=reason)])


def _play(verb: VoiceResponse | Gather, urls: Sequence[str]) -> None:
    for url in urls:
        verb.play(url)


def _heard_in(callback: Callback, key: str, request: HookRequest) -> list[Receipt]:
    """What a turn proves. A key pressed during the reading says nothing about its end."""
    if key and callback.step:
        event = f"{callback.turn}:{callback.step}:{key}"
        return [_receipt(callback, request, ReceiptKind.KEYED, event, key=key)]
    # A caller who hangs up may also end a <Gather>; only a call that goes on has come to the end.
    goes_on = callback.form.get("CallStatus", "in-progress") == "in-progress"
    if callback.step == READ and not callback.form.get("Digits") and goes_on:
        return [_receipt(callback, request, ReceiptKind.PLAYED, "played")]
    return []


def _seconds(form: Mapping[str, str]) -> float | None:
    value = form.get("CallDuration", "")
    return float(value) if value.isascii() and value.isdecimal() else None


def _receipt(
    callback: Callback,
    request: HookRequest,
    kind: ReceiptKind,
    event: str,
    *,
    reason: Reason | None = None,
    key: str = "",
    seconds: float | None = None,
) -> Receipt:
    return Receipt(
        provider=TwilioVoice.name,
        kind=kind,
        dedupe_key=f"{callback.sid}:{event}",
        at=request.at,
        attempt_id=callback.attempt_id,
        reference=callback.sid,
        key=key,
        reason=reason,
        seconds=seconds,
        raw=request.body,
    )
