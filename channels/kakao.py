"""KakaoTalk: pushes by the Event API, conversations by the skill webhook of a chatbot.

API: https://kakaobusiness.gitbook.io/main/tool/chatbot/main_notions/event-api
Limits: 100 users a push, none twice; no idempotency key and no look-up; skill answers within 5 s. The
event's block in the bot must be answered by our skill: that is how a push gets its buttons, and how we learn
that it was shown.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Self
from urllib.parse import quote

import aiohttp
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcast.errors import NotFound
from broadcast.model import (
    Accepted,
    Channel,
    Deferred,
    Message,
    Outcome,
    Reason,
    Receipt,
    ReceiptKind,
    Unclear,
)
from broadcast.ports import ChatInput, ChatReply, Conversation, HookReply, HookRequest
from channels._http import BASE_URL, Answer, Limits, exchange, refusal
from channels._kakao_render import skill_response
from channels._kakao_skill import ATTEMPT, SkillRequest
from channels._kakao_tasks import TaskResult, receipts_of
from channels.registry import expect, register

SKILL_SECRET_HEADER = "x-maeul-skill-secret"  # noqa: S105 - the header's name, entered at Kakao
# What the heard button says; typed by hand it counts only with the button's attempt id.
HEARD_WORDS = frozenset({"들었습니다", "들었어요", "확인", "확인했어요"})
# The help button of an emergency: the same sign as key 9 in a call.
HELP_WORDS = frozenset({"도움 요청"})
HELP_KEY = "9"
SAME_PUSH = ("broadcast_id", "purpose", "title", "text")


class KakaoSettings(BaseSettings):
    """MAEUL_KAKAO_…: one chatbot."""

    model_config = SettingsConfigDict(
        env_prefix="MAEUL_KAKAO_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    bot_id: str = Field(min_length=1, description="The chatbot's id, as the Event API's address has it")
    rest_key: SecretStr = Field(description="REST API key of the Kakao application behind the bot")
    skill_secret: SecretStr = Field(
        min_length=16, description="Our own secret, long and random; Kakao sends it with every skill request"
    )
    event_name: str = Field(default="village_broadcast", description="The event that the bot's block takes")
    api_base_url: str = Field(
        default="https://bot-api.kakao.com", pattern=BASE_URL, description="Where Kakao's bot API is"
    )
    timeout_s: float = Field(default=15.0, gt=0, description="Seconds that one request may take")


@register
class Kakao:
    name: ClassVar[str] = "kakao"
    channel: ClassVar[Channel] = Channel.KAKAO
    batch_size: ClassVar[int] = 100
    settings_model: ClassVar[type[BaseSettings]] = KakaoSettings

    def __init__(self, settings: KakaoSettings, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._event_name = settings.event_name
        self._limits = Limits(connect=min(5.0, settings.timeout_s), total=settings.timeout_s)
        base = settings.api_base_url.rstrip("/")
        self._talk = f"{base}/v2/bots/{quote(settings.bot_id, safe='!')}/talk"
        self._tasks = f"{base}/v1/tasks"
        self._headers = {"Authorization": f"KakaoAK {settings.rest_key.get_secret_value()}"}
        self._secret = settings.skill_secret.get_secret_value().encode()

    @classmethod
    def from_settings(cls, settings: BaseSettings, http: aiohttp.ClientSession, public_url: str) -> Self:
        """Kakao is told in its own console where our skill is, so `public_url` has no use here."""
        return cls(expect(KakaoSettings, settings), http)

    async def close(self) -> None:
        """Nothing of our own: the session belongs to the process."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        pushes = list(_pushes(messages, self.batch_size))
        answers = await asyncio.gather(*(self._push([messages[i] for i in push]) for push in pushes))
        outcomes = {i: answer for push, answer in zip(pushes, answers, strict=True) for i in push}
        return [outcomes[i] for i in range(len(messages))]

    async def poll(self, reference: str) -> Sequence[Receipt]:
        """The users whom a push did not reach, as far as Kakao names them; [] while nothing is known."""
        url = f"{self._tasks}/{quote(reference, safe='')}"
        answer = await exchange(self._http, "GET", url, headers=self._headers, limits=self._limits)
        if not isinstance(answer, Answer) or not answer.is_good:
            return []
        try:
            result = TaskResult.model_validate_json(answer.body)
        except ValidationError:
            return []
        at = answer.provider_time or datetime.now(UTC)
        return list(receipts_of(result, self.name, reference, at))

    async def answer(self, request: HookRequest, conversation: Conversation) -> HookReply:
        if request.method != "POST":
            return HookReply(status=405)
        secret = request.headers.get(SKILL_SECRET_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(secret, self._secret):
            return HookReply(status=403)
        if request.path.strip("/") != "skill":
            return HookReply(status=404)
        try:
            said = SkillRequest.model_validate_json(request.body).said(self.name, request.at)
        except ValidationError:
            return HookReply(status=400)
        return await self._talk_with(said, request, conversation)

    async def _talk_with(
        self, said: ChatInput, request: HookRequest, conversation: Conversation
    ) -> HookReply:
        try:
            reply = await conversation.chat_turn(said)
        except NotFound:
            return HookReply(status=404)
        return HookReply(
            receipts=list(_shown(said, reply, request)),
            body=json.dumps(skill_response(reply)).encode(),
            content_type="application/json; charset=utf-8",
        )

    async def _push(self, messages: Sequence[Message]) -> Outcome:
        answer = await exchange(
            self._http,
            "POST",
            self._talk,
            headers={**self._headers, "Content-Type": "application/json"},
            limits=self._limits,
            body=json.dumps(self._event(messages)).encode(),
        )
        return _read_pushed(answer) if isinstance(answer, Answer) else answer

    def _event(self, messages: Sequence[Message]) -> Mapping[str, object]:
        first = messages[0]
        return {
            "event": {"name": self._event_name, "data": {"title": first.title, "text": first.text}},
            "user": [
                {"type": "botUserKey", "id": message.to, "properties": {ATTEMPT: str(message.attempt_id)}}
                for message in messages
            ],
            "params": {"broadcastId": str(first.broadcast_id)},
        }


def _pushes(messages: Sequence[Message], most: int) -> Iterator[Sequence[int]]:
    """Indexes of the messages that may share a request: the same words, no user twice, at most `most`."""
    groups: dict[object, list[dict[str, int]]] = {}
    for index, message in enumerate(messages):
        key = tuple(getattr(message, name) for name in SAME_PUSH)
        pushes = groups.setdefault(key, [])
        free = next((push for push in pushes if len(push) < most and message.to not in push), None)
        if free is None:
            free = {}
            pushes.append(free)
        free[message.to] = index
    for pushes in groups.values():
        yield from (list(push.values()) for push in pushes)


def _read_pushed(answer: Answer) -> Outcome:
    if not answer.is_good:
        return refusal(answer)
    task = answer.document.get("taskId") or answer.document.get("taskID")
    match answer.document.get("status"):
        case "SUCCESS" if isinstance(task, str):
            return Accepted(task)
        case "FAIL" | "ERROR":
            return Deferred(Reason.PROVIDER_ERROR)
        case _:
            return Unclear("no task in the answer")


def _shown(said: ChatInput, reply: ChatReply | None, request: HookRequest) -> Iterator[Receipt]:
    """A push that is answered is shown; one that is answered with nothing is dropped by Kakao."""
    if said.attempt_id is None:
        return
    if said.is_push and reply is None:
        yield _receipt(said, request, ReceiptKind.STOPPED, Reason.STOPPED)
    elif said.is_push:
        yield _receipt(said, request, ReceiptKind.DELIVERED)
    elif said.words in HEARD_WORDS:
        yield _receipt(said, request, ReceiptKind.TAPPED)
    elif said.words in HELP_WORDS:
        yield replace(_receipt(said, request, ReceiptKind.KEYED), key=HELP_KEY)


def _receipt(
    said: ChatInput, request: HookRequest, kind: ReceiptKind, reason: Reason | None = None
) -> Receipt:
    return Receipt(
        provider=said.provider,
        kind=kind,
        dedupe_key=f"{kind.value}:{said.attempt_id}",
        at=request.at,
        attempt_id=said.attempt_id,
        user=said.user,
        reason=reason,
        raw=request.body,
    )
