"""SMS by Twilio: sends the text, learns whether the handset has it.

API: https://www.twilio.com/docs/messaging/api/message-resource
Limit: 1,600 characters a message; ValidityPeriod 1 to 36,000 seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Self

import aiohttp
from pydantic_settings import BaseSettings

from broadcast.model import Channel, Message, Outcome, Reason, Receipt, ReceiptKind, Rejected
from broadcast.ports import Conversation, HookReply, HookRequest
from channels._twilio import TwilioAccount, TwilioSettings, look_up
from channels._twilio_hooks import MALFORMED, NOT_THERE, Callback, Door
from channels.registry import expect, register

MAX_CHARACTERS = 1_600
LONGEST_VALIDITY_S = 36_000
SAYS_NOTHING = frozenset({"accepted", "scheduled", "queued", "sending", "sent"})


@register
class TwilioSms:
    name: ClassVar[str] = "twilio_sms"
    channel: ClassVar[Channel] = Channel.SMS
    batch_size: ClassVar[int] = 1
    settings_model: ClassVar[type[BaseSettings]] = TwilioSettings

    def __init__(self, settings: TwilioSettings, http: aiohttp.ClientSession, public_url: str) -> None:
        self._account = TwilioAccount(settings, http)
        self._door = Door(settings.auth_token, "MessageSid")
        self._caller = settings.caller
        self._hooks = f"{public_url.rstrip('/')}/hooks/{self.name}"

    @classmethod
    def from_settings(cls, settings: BaseSettings, http: aiohttp.ClientSession, public_url: str) -> Self:
        return cls(expect(TwilioSettings, settings), http, public_url)

    async def close(self) -> None:
        """Nothing of our own: the session belongs to the process."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        if len(messages) == 1:  # the usual case, without a task of its own
            return [await self._send_one(messages[0])]
        return await asyncio.gather(*(self._send_one(message) for message in messages))

    async def look_up(self, message: Message) -> Outcome:
        """As for calls, and the text must be the same (trial accounts get words put in front of it)."""
        text = message.text.strip()
        return await look_up(
            self._account, "Messages", message, lambda sms: str(sms.get("body")).strip().endswith(text)
        )

    async def answer(self, request: HookRequest, conversation: Conversation) -> HookReply:
        callback = self._door.open(request)
        if isinstance(callback, HookReply):
            return callback
        return self._status(callback, request) if callback.kind == "status" else NOT_THERE

    async def _send_one(self, message: Message) -> Outcome:
        if len(message.text) > MAX_CHARACTERS:
            return Rejected(Reason.TOO_LONG, f"{len(message.text)} characters")
        return await self._account.create("Messages", self._form(message))

    def _form(self, message: Message) -> list[tuple[str, str]]:
        return [
            ("To", message.to),
            ("From", message.caller or self._caller),
            ("Body", message.text),
            ("StatusCallback", f"{self._hooks}/status/{message.attempt_id}"),
            ("ValidityPeriod", str(_validity_s(message))),
        ]

    def _status(self, callback: Callback, request: HookRequest) -> HookReply:
        status = callback.form.get("MessageStatus", "")
        match status:
            case "delivered" | "read":
                return HookReply([_receipt(callback, request, ReceiptKind.DELIVERED, status)])
            case "undelivered" | "failed":
                code = callback.form.get("ErrorCode", "")
                kind, reason = self._account.why_not(code, otherwise=Reason.UNDELIVERED)
                return HookReply([_receipt(callback, request, kind, status, reason)])
            case "canceled":
                return HookReply([_receipt(callback, request, ReceiptKind.STOPPED, status, Reason.STOPPED)])
            case _:
                return HookReply() if status in SAYS_NOTHING else MALFORMED


def _validity_s(message: Message) -> int:
    """Seconds after which Twilio is not to send any more: nothing goes out after `expires_at`."""
    left = int((message.expires_at - message.begun_at).total_seconds())
    return min(max(left, 1), LONGEST_VALIDITY_S)


def _receipt(
    callback: Callback, request: HookRequest, kind: ReceiptKind, event: str, reason: Reason | None = None
) -> Receipt:
    return Receipt(
        provider=TwilioSms.name,
        kind=kind,
        dedupe_key=f"{callback.sid}:{event}",
        at=request.at,
        attempt_id=callback.attempt_id,
        reference=callback.sid,
        reason=reason,
        raw=request.body,
    )
