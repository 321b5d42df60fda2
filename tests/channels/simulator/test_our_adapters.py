"""Our own adapters, unmodified, against the simulator: what they send, and what comes back to their hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from broadcast.model import Accepted, AttemptId, Message, Outcome, Reason, Receipt, ReceiptKind, Rejected
from broadcast.ports import (
    Button,
    CallTurn,
    ChatInput,
    ChatReply,
    Hooked,
    HookRequest,
    LooksUp,
    Polled,
    Sender,
    Stoppable,
)
from channels._twilio import TwilioSettings
from channels.kakao import KakaoSettings
from channels.registry import build
from channels.simulator import credentials
from channels.simulator.app import create
from channels.simulator.config import Config
from tests.channels.rig import a_message
from tests.channels.simulator.clock import JumpingClock
from tests.channels.simulator.office import READING_S, Office, free_socket, wav
from tests.channels.simulator.stage import ANNA, CALLER, USER, Stage, served

TWILIO = {
    "account_sid": credentials.SIMULATOR_ACCOUNT_SID,
    "auth_token": credentials.SIMULATOR_AUTH_TOKEN,
    "caller": CALLER,
}
KAKAO = {
    "bot_id": credentials.SIMULATOR_BOT_ID,
    "rest_key": credentials.SIMULATOR_KAKAO_KEY,
    "skill_secret": credentials.SIMULATOR_SKILL_SECRET,
}


@dataclass
class Service:
    """The hooks and the clip of a service that has these adapters, and a conversation that reads twice."""

    base: str
    clock: JumpingClock
    adapters: dict[str, Sender] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    async def hook(self, request: web.Request) -> web.Response:
        adapter = self.adapters[request.match_info["name"]]
        assert isinstance(adapter, Hooked)
        asked = HookRequest(
            method=request.method,
            path=request.match_info["path"],
            url=self.base + request.path_qs,
            headers={name.lower(): text for name, text in request.headers.items()},
            body=await request.read(),
            at=self.clock.now(),
        )
        reply = await adapter.answer(asked, self)
        self.receipts.extend(reply.receipts)
        if reply.status >= 400:
            self.refused.append(reply.status)
        headers = {"Content-Type": reply.content_type}
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    async def clip(self, request: web.Request) -> web.Response:
        return web.Response(body=wav(READING_S), content_type="audio/wav")

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        if key or step == "asked":
            return CallTurn()
        sounds = [f"{self.base}/clip.wav"]
        if step == "read":
            return CallTurn(play=sounds, next_step="asked", wait_s=8)
        return CallTurn(play=sounds, pause_s=1, next_step="read")

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        if not said.is_push:
            return ChatReply("고맙습니다.")
        heard = Button("들었어요", says="들었어요", extra={"attemptId": str(said.attempt_id)})
        return ChatReply("내일 단수", title="단수 안내", buttons=[heard])

    @property
    def kinds(self) -> list[ReceiptKind]:
        return [receipt.kind for receipt in self.receipts]


@dataclass
class Both:
    service: Service
    stage: Stage

    async def send(self, name: str) -> tuple[Message, Outcome]:
        to, now = USER if name == "kakao" else ANNA, self.stage.clock.now()
        message = a_message(name, to=to, begun_at=now, expires_at=now + timedelta(days=1))
        with self.stage.clock.working():
            (outcome,) = await self.service.adapters[name].send([message])
        return message, outcome


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        clock = JumpingClock()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        service = await stack.enter_async_context(serving(clock))
        config = Config.for_service(service.base, clock=clock)
        base = await stack.enter_async_context(served(create(config)))
        given = {"twilio_voice": TWILIO, "twilio_sms": TWILIO, "kakao": KAKAO}
        for name, values in given.items():
            model = KakaoSettings if name == "kakao" else TwilioSettings
            settings = model.model_validate({**values, "api_base_url": base})
            service.adapters[name] = build(name, http=http, public_url=service.base, settings=settings)
        yield Both(service, Stage(base, clock, Office(""), http))


@asynccontextmanager
async def serving(clock: JumpingClock) -> AsyncIterator[Service]:
    bound = free_socket()
    service = Service(f"http://127.0.0.1:{bound.getsockname()[1]}", clock)
    app = web.Application()
    app.router.add_route("*", "/hooks/{name}/{path:.*}", service.hook)
    app.router.add_get("/clip.wav", service.clip)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    try:
        yield service
    finally:
        await runner.cleanup()
        bound.close()


async def test_a_call_is_answered_read_and_keyed(both: Both) -> None:
    await both.stage.behaves(ANNA, call={"keys": "1", "key_after_s": 3})
    message, outcome = await both.send("twilio_voice")
    assert isinstance(outcome, Accepted)
    await both.stage.clock.run_out()
    kinds = both.service.kinds
    assert set(kinds) == {
        ReceiptKind.RINGING,
        ReceiptKind.ANSWERED,
        ReceiptKind.HUMAN,
        ReceiptKind.PLAYED,
        ReceiptKind.KEYED,
        ReceiptKind.COMPLETED,
    }
    assert {receipt.attempt_id for receipt in both.service.receipts} == {message.attempt_id}
    assert both.service.refused == []


async def test_voicemail_is_told_as_a_machine(both: Both) -> None:
    await both.stage.behaves(ANNA, call={"results": ["voicemail"]})
    await both.send("twilio_voice")
    await both.stage.clock.run_out()
    assert ReceiptKind.MACHINE in both.service.kinds
    assert ReceiptKind.KEYED not in both.service.kinds


async def test_a_number_that_is_none_is_rejected_for_good(both: Both) -> None:
    await both.stage.behaves(ANNA, call={"results": ["invalid", "unallocated"]})
    _, outcome = await both.send("twilio_voice")
    assert outcome == Rejected(Reason.BAD_ADDRESS, "21211")
    _, outcome = await both.send("twilio_voice")
    assert isinstance(outcome, Accepted)
    await both.stage.clock.run_out()
    assert both.service.kinds == [ReceiptKind.REFUSED]


async def test_a_call_whose_answer_was_lost_is_found_again(both: Both) -> None:
    await both.stage.behaves(ANNA, call={"results": ["no_answer"]})
    await both.stage.carrier(faults=[{"kind": "cut", "count": 1}])
    message, _ = await both.send("twilio_voice")
    adapter = both.service.adapters["twilio_voice"]
    assert isinstance(adapter, LooksUp)
    assert isinstance(adapter, Stoppable)
    found = await adapter.look_up(message)
    assert isinstance(found, Accepted)
    await both.stage.clock.run_for(5)
    assert await adapter.stop(found.reference)
    await both.stage.clock.run_out()
    assert both.service.kinds[-1] is ReceiptKind.STOPPED
    assert not await adapter.stop(found.reference)


async def test_a_call_that_never_left_is_proven_absent(both: Both) -> None:
    await both.stage.carrier(faults=[{"kind": "cut", "count": 1, "accepts": False}])
    message, _ = await both.send("twilio_voice")
    await both.stage.clock.run_for(60)
    adapter = both.service.adapters["twilio_voice"]
    assert isinstance(adapter, LooksUp)
    assert type(await adapter.look_up(message)).__name__ == "Deferred"


async def test_a_text_message_is_delivered_or_its_address_dead(both: Both) -> None:
    await both.stage.behaves(ANNA, sms={"results": ["delivered", "landline"]})
    await both.send("twilio_sms")
    await both.stage.clock.run_out()
    await both.send("twilio_sms")
    await both.stage.clock.run_out()
    assert ReceiptKind.DELIVERED in both.service.kinds
    assert both.service.kinds[-1] is ReceiptKind.REFUSED


async def test_a_push_is_shown_and_its_button_tapped(both: Both) -> None:
    await both.stage.behaves(USER, chat={"taps": "들"})
    message, outcome = await both.send("kakao")
    assert isinstance(outcome, Accepted)
    await both.stage.clock.run_out()
    assert both.service.kinds == [ReceiptKind.DELIVERED, ReceiptKind.TAPPED]
    assert {receipt.attempt_id for receipt in both.service.receipts} == {message.attempt_id}


async def test_a_blocked_chat_is_named_when_asked(both: Both) -> None:
    await both.stage.behaves(USER, chat={"blocked": True})
    _, outcome = await both.send("kakao")
    assert isinstance(outcome, Accepted)
    await both.stage.clock.run_out()
    adapter = both.service.adapters["kakao"]
    assert isinstance(adapter, Polled)
    (receipt,) = await adapter.poll(outcome.reference)
    assert (receipt.kind, receipt.user) == (ReceiptKind.FAILED, USER)
