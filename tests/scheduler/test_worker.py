"""The worker: what fails is begun again, what hangs holds nobody up, and a wake-up is enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from broadcast.dispatch import Pump
from broadcast.fan_out import FanOut
from broadcast.model import Channel, Deferred, Message, Outcome, Priority, Reason, Unclear
from scheduler.clock import JumpClock
from scheduler.ticks import Tick
from scheduler.worker import Worker
from tests.builders import MORNING, StillClock, a_resident
from tests.store.post import Post
from tests.store.works import CLIPS, ZONE, Works, opened

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


class Mute:
    """These broadcasts have their sound already."""

    def wake(self) -> None: ...

    async def run(self) -> None:
        await asyncio.Event().wait()


class Inquiring(Post):
    """A carrier whose look-up hangs until it is let go."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.asked = asyncio.Event()
        self.release = asyncio.Event()

    async def look_up(self, message: Message) -> Outcome:
        self.asked.set()
        await self.release.wait()
        return Unclear("hung")


class HeldClock(StillClock):
    """Stands until the test moves it, also for who sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = asyncio.Event()

    async def sleep_until(self, moment: datetime) -> None:
        while self.moment < moment:
            await self._moved.wait()

    def pass_(self, **time: float) -> None:
        super().pass_(**time)
        self._moved.set()
        self._moved = asyncio.Event()


@pytest.fixture
async def works(migrated_database_url: str) -> AsyncIterator[Works]:
    async with opened(migrated_database_url) as made:
        yield with_clock(made, HeldClock())


def with_clock(works: Works, clock: Any) -> Works:
    works.office.clock = clock
    works.__post_init__()
    return works


def a_worker(works: Works, posts: list[Post], more: list[Tick] | None = None) -> Worker:
    """As `attach` composes one, over posts that the test plays."""
    clock = works.clock
    fan_out = FanOut(works.course, clock, ZONE, lambda priority: worker.wake(priority))
    senders: dict[str, Any] = {post.name: post for post in posts}
    works.reaper.inquiries._senders = senders
    pumps = [
        Pump(sender, works.queries, clock, works.decider, works.letters.compose, "w1")
        for sender in senders.values()
    ]
    ticks = [
        *(more or []),
        Tick("fan_out", fan_out.run_due, "fan_out"),
        Tick("release", works.reaper.release_due),
        Tick("reap", works.reaper.run_due),
        Tick("escalate", works.escalator.run_due),
        Tick("finish", works.finisher.run_due),
    ]
    mute: Any = Mute()
    worker = Worker(clock, pumps, mute, ticks, works.leases, inquiries=works.reaper.inquiries)
    return worker


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110  (what is waited for is in the tables)
        await asyncio.sleep(0.002)


async def compose(works: Works, worker: Worker, priority: Priority = Priority.ROUTINE) -> None:
    """As the API does it: kept, voiced, and the worker woken. No fan-out of the test's own."""
    works.last = await works.submit(priority, who=works.head)
    await works.course.rendered(works.last, CLIPS)
    worker.wake(priority)


async def test_a_broadcast_leaves_without_any_poll(works: Works) -> None:
    """The clock stands still: only the wake-ups move anything."""
    await a_resident(works.office)
    post = Post(Channel.VOICE)
    worker = a_worker(works, [post])
    async with worker.running():
        for priority in (Priority.ROUTINE, Priority.EMERGENCY):
            await compose(works, worker, priority)
            await post.receives(1)
            await works.write("UPDATE delivery SET state = 'failed' WHERE state IN ('sending', 'sent')")
    assert [message.priority for message in post.sent] == [Priority.ROUTINE, Priority.EMERGENCY]


async def test_a_tick_that_fails_for_ever_stops_no_other(
    works: Works, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("scheduler.worker.RESTART_S", 0.001)
    await a_resident(works.office)
    post = Post(Channel.VOICE)
    worker = a_worker(works, [post], [Tick("broken", breaks), Tick("broken too", breaks, "fan_out")])
    with caplog.at_level(logging.CRITICAL, "scheduler.worker"):
        async with worker.running():
            await compose(works, worker)
            await post.receives(1)
            await until(lambda: has(works, "sent"))
            works.clock.pass_(minutes=15)
            worker.wake()
            await until(lambda: has(works, "failed"))  # given up by the reaper


async def has(works: Works, state: str) -> bool:
    return state in {one for _, one in await works.deliveries()}


async def test_a_pump_that_failed_is_begun_again(
    works: Works, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is away for a moment while the pump wants to claim."""
    monkeypatch.setattr("scheduler.worker.RESTART_S", 0.001)
    await a_resident(works.office)
    post = Post(Channel.VOICE)
    worker = a_worker(works, [post])
    await works.write("ALTER TABLE attempt RENAME TO elsewhere")
    with caplog.at_level(logging.ERROR, "scheduler.worker"):
        async with worker.running():
            await compose(works, worker)
            await until(lambda: logged(caplog, "loop_failed"))
            assert post.sent == []
            await works.write("ALTER TABLE elsewhere RENAME TO attempt")
            await post.receives(1)


async def logged(caplog: pytest.LogCaptureFixture, event: str) -> bool:
    return any(record.getMessage() == event for record in caplog.records)


async def test_a_provider_that_hangs_when_asked_holds_no_emergency_up(works: Works) -> None:
    await a_resident(works.office)
    post = Inquiring(Channel.VOICE)
    post.answers = lambda message: Unclear("reset")
    worker = a_worker(works, [post])
    async with worker.running():
        await compose(works, worker)
        await post.receives(1)
        await until(lambda: has(works, "unconfirmed"))
        works.clock.pass_(seconds=6)
        worker.wake()
        await post.asked.wait()
        await works.write("UPDATE delivery SET address_id = address_id, channel = 'sms'")  # another telephone
        await compose(works, worker, Priority.EMERGENCY)
        await post.receives(1)
        assert post.sent[-1].priority is Priority.EMERGENCY
        post.release.set()


async def test_the_end_waits_for_what_is_on_the_wire(works: Works) -> None:
    for _ in range(2):
        await a_resident(works.office)
    post = Post(Channel.VOICE)
    post.gate.clear()
    worker = a_worker(works, [post])

    begun = asyncio.Event()

    async def serve() -> None:
        async with worker.running():
            await compose(works, worker)
            await post.receives(2)
            begun.set()

    serving = asyncio.create_task(serve())
    await begun.wait()
    await asyncio.sleep(0)
    assert not serving.done()
    post.gate.set()
    await serving
    assert {state for channel, state in await works.deliveries() if channel == "voice"} == {"sent"}


async def test_a_short_deferral_is_not_left_to_the_slow_poll(works: Works) -> None:
    """On a clock that jumps: one second later it is tried again, and an hour later nobody has forgotten it."""
    clock = JumpClock(MORNING)
    with_clock(works, clock)
    await a_resident(works.office)
    post = Post(Channel.VOICE)
    waits = [timedelta(seconds=1), timedelta(minutes=1)]
    sent_at = []

    def answers(message: Message) -> Outcome:
        sent_at.append(clock.now() - MORNING)
        return Deferred(Reason.THROTTLED, waits.pop(0)) if waits else Unclear("reset")

    post.answers = answers
    worker = a_worker(works, [post])
    jumping = asyncio.create_task(clock.run())
    async with worker.running():
        await compose(works, worker)
        await post.receives(3)
    jumping.cancel()
    assert sent_at == [timedelta(0), timedelta(seconds=1), timedelta(seconds=61)]
