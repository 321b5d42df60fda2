"""A provider on this machine for the adapters' tests: answers as it is told and remembers what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Literal
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic_settings import BaseSettings

from broadcast.model import AttemptId, BroadcastId, Channel, Message, Priority, Purpose
from broadcast.ports import CallTurn, ChatInput, ChatReply, Sender
from channels.registry import build, discover

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PUBLIC_URL = "https://maeul.example.kr"
PHONE = "+821012340078"
SECRET_TEXT = "내일 아홉 시부터 단수됩니다. 물을 받아 두세요."


@dataclass(frozen=True)
class Reply:
    """What the provider does with a request. `then`: how the connection ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Literal["complete", "cut before the answer", "cut in the answer", "never answers"] = "complete"


CUT_OFF = Reply(then="cut before the answer")
CUT_IN_ANSWER = Reply(201, b'{"sid": "CA', then="cut in the answer")
SLOW = Reply(then="never answers")


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)


class Provider:
    """Answers every request with `reply`, or with what `answer_by` makes of the request."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.answer_by: Callable[[Asked], Reply] | None = None
        self.asked: list[Asked] = []
        self.ends = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = Asked(request.method, request.path, dict(request.query), dict(request.headers), body)
        self.asked.append(asked)
        reply = self.answer_by(asked) if self.answer_by else self.reply
        if reply.then == "never answers":
            await self.ends.wait()
        if reply.then == "cut before the answer":
            _cut(request)
        if reply.then == "cut in the answer":
            return await self._half(request, reply)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    async def _half(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers={"Content-Length": "4096"})
        await response.prepare(request)
        await response.write(reply.body)
        _cut(request)
        return response


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def provider(reply: Reply) -> AsyncIterator[Provider]:
    fake = Provider(reply)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        fake.url = str(server.make_url("")).rstrip("/")
        try:
            yield fake
        finally:
            fake.ends.set()


@asynccontextmanager
async def adapter(name: str, settings: BaseSettings) -> AsyncIterator[Sender]:
    async with aiohttp.ClientSession() as http:
        yield build(name, http=http, public_url=PUBLIC_URL, settings=settings)


@asynccontextmanager
async def wired(replies: ModuleType, reply: Reply) -> AsyncIterator[tuple[Sender, Provider]]:
    """The adapter that `replies` is about, and the provider that it talks to."""
    async with provider(reply) as fake:
        limit = 0.2 if reply.then == "never answers" else 15.0
        async with adapter(replies.NAME, replies.settings(fake.url, timeout_s=limit)) as sender:
            yield sender, fake


def a_message(name: str, attempt: int = 41, **changes: object) -> Message:
    channel = discover()[name].channel
    message = Message(
        attempt_id=AttemptId(attempt),
        broadcast_id=BroadcastId(17),
        purpose=Purpose.ANNOUNCEMENT,
        priority=Priority.ROUTINE,
        channel=channel,
        to="226f81aef15e8f58" if channel is Channel.KAKAO else PHONE,
        title="단수 안내",
        text=SECRET_TEXT,
        begun_at=NOW,
        expires_at=NOW + timedelta(hours=24),
    )
    return replace(message, **changes)  # type: ignore[arg-type]  # the fields' names and types are the caller's


class Talk:
    """A conversation that says the same to everyone and remembers what it was told."""

    def __init__(self, turn: CallTurn | None = None, reply: ChatReply | None = None) -> None:
        self.turn = turn or CallTurn()
        self.reply = reply
        self.turns: list[tuple[int, str, str]] = []
        self.said: list[ChatInput] = []

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        self.turns.append((attempt_id, step, key))
        return self.turn

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        self.said.append(said)
        return self.reply
