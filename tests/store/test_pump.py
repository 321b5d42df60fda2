"""The pump of one channel: what it takes on, what leaves, what it gives back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from broadcast.buffer import Buffer
from broadcast.dispatch import Limits, Pump
from broadcast.model import Accepted, Channel, Deferred, Priority, Reason
from broadcast.store.columns import to_us
from broadcast.store.queries.dispatch import DispatchQueries
from tests.builders import MORNING, a_resident
from tests.store.post import Post
from tests.store.works import Works

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])  # its SQL is tried on both elsewhere


def a_pump(works: Works, post: Post, store: DispatchQueries | None = None, **limits: Any) -> Pump:
    sender: Any = post  # its name and channel are the instance's, an adapter's are its class's
    return Pump(
        sender,
        store or works.queries,
        works.clock,
        works.decider,
        works.letters.compose,
        "w1",
        Limits(**limits),
    )


@asynccontextmanager
async def at_work(pump: Pump) -> AsyncIterator[None]:
    """Pumping inside the block; drained at its end."""
    task = asyncio.create_task(pump.run())
    try:
        yield
    finally:
        pump.drain()
        await task


async def people(works: Works, n: int) -> None:
    for _ in range(n):
        await a_resident(works.office)


async def states(works: Works) -> list[str]:
    return sorted(state for _, state in await works.deliveries())


# --- the ordinary way -------------------------------------------------------------------------


async def test_everybody_is_sent_one_message_each(works: Works) -> None:
    await people(works, 70)
    await works.broadcast()
    post = Post(Channel.VOICE)
    async with at_work(a_pump(works, post)):
        await post.receives(70)
    assert len({message.to for message in post.sent}) == 70
    assert await states(works) == ["sent"] * 70


async def test_a_wake_up_is_enough(works: Works) -> None:
    """No poll, no time that passes: the clock of this test stands still."""
    await people(works, 1)
    post = Post(Channel.VOICE)
    pump = a_pump(works, post)
    async with at_work(pump):
        for priority in (Priority.ROUTINE, Priority.URGENT):
            await works.broadcast(priority)
            pump.wake(priority)
            await post.receives(1)
            await works.write("UPDATE delivery SET state = 'failed' WHERE state IN ('sending', 'sent')")


async def test_draining_writes_back_what_is_on_the_wire_and_gives_back_the_rest(works: Works) -> None:
    await people(works, 5)
    await works.broadcast()
    post = Post(Channel.VOICE)
    post.gate.clear()
    pump = a_pump(works, post, concurrency=2, reserved=0)
    task = asyncio.create_task(pump.run())
    await post.receives(2)
    pump.drain()
    await asyncio.sleep(0)
    assert not task.done()
    post.gate.set()
    await task
    assert await states(works) == ["queued", "queued", "queued", "sent", "sent"]
    owners = await works.rows("SELECT 1 FROM delivery WHERE lease_owner IS NOT NULL")
    assert owners == []


async def test_an_emergency_finds_a_way_past_a_provider_that_hangs(works: Works) -> None:
    await people(works, 6)
    await works.broadcast()
    post = Post(Channel.VOICE)
    post.gate.clear()
    pump = a_pump(works, post, concurrency=3, reserved=1)
    async with at_work(pump):
        await post.receives(2)  # all but the reserved place hang
        await people(works, 1)
        await works.broadcast(Priority.EMERGENCY)
        pump.wake(Priority.EMERGENCY)
        await post.receives(1)
        assert post.sent[-1].priority is Priority.EMERGENCY
        post.gate.set()


async def test_calls_never_exceed_the_lines(works: Works) -> None:
    await people(works, 6)
    await works.broadcast()
    post = Post(Channel.VOICE)
    pump = a_pump(works, post, lines=2)
    async with at_work(pump):
        for _ in range(3):
            await post.receives(2)
            await asyncio.sleep(0)
            assert await works.queries.open_calls() == 2
            for row in await works.rows("SELECT attempt_id FROM delivery WHERE state IN ('sending', 'sent')"):
                await works.keyed(row.attempt_id)
            pump.wake()
    assert await states(works) == ["confirmed"] * 6


# --- what must not leave ----------------------------------------------------------------------


async def test_what_is_recalled_after_its_begin_does_not_leave_this_process(works: Works) -> None:
    await people(works, 2)
    await works.broadcast()
    post = Post(Channel.VOICE)
    pump = a_pump(works, post)
    pump.halt(works.last)
    async with at_work(pump):
        pass
    assert post.sent == []


async def test_quiet_hours_hold_a_whole_backlog(works: Works) -> None:
    """More than one group: the pump goes on until all of it is held."""
    await people(works, 12)
    await works.broadcast()
    works.clock.moment = MORNING + 10 * HOUR  # 20:00
    post = Post(Channel.VOICE)
    pump = a_pump(works, post, group=5)
    task = asyncio.create_task(pump.run())
    while await states(works) != ["held"] * 12:  # noqa: ASYNC110  (the table is what tells)
        await asyncio.sleep(0.001)
    pump.drain()
    await task
    assert post.sent == []
    morning = await works.rows("SELECT 1 FROM delivery WHERE due_at = :at", at=to_us(MORNING + 22 * HOUR))
    assert len(morning) == 12


async def test_a_buffer_older_than_its_lease_sends_nothing_twice(works: Works) -> None:
    """The provider hangs for longer than the lease of what waits behind it."""
    await people(works, 4)
    await works.broadcast()
    post = Post(Channel.SMS)
    await works.write("UPDATE delivery SET channel = 'sms'")
    post.gate.clear()
    pump = a_pump(works, post, concurrency=1, reserved=0, lease=timedelta(seconds=60))
    async with at_work(pump):
        await post.receives(1)
        await works.pass_(seconds=61)  # the reaper gives the three that wait back
        pump.wake()
        post.gate.set()
        await post.receives(3)
    assert sorted(message.to for message in post.sent) == sorted({message.to for message in post.sent})
    assert len(await works.rows("SELECT 1 FROM attempt")) == 4


async def test_a_buffer_holds_a_renewed_claim_once(works: Works) -> None:
    await people(works, 3)
    await works.broadcast()
    claimed = await works.claim(Channel.VOICE)
    buffer, now = Buffer(), works.clock.now()
    buffer.put(claimed, now + timedelta(seconds=60))
    buffer.put(claimed[:2], now + timedelta(seconds=90))
    assert len(buffer) == 3
    buffer.forget(now + timedelta(seconds=60))
    assert [one.id for one in buffer.take(9)] == [one.id for one in claimed[:2]]
    assert (len(buffer), buffer.lane) == (0, None)


# --- failures ---------------------------------------------------------------------------------


class Broken(DispatchQueries):
    """A database that is away for a moment, once."""

    away = 1

    async def turn_over(self, *args: Any, **kwargs: Any) -> Any:
        if self.away:
            self.away -= 1
            raise ConnectionError("the database is away")
        return await super().turn_over(*args, **kwargs)


async def test_a_database_that_was_away_loses_nothing(works: Works) -> None:
    await people(works, 3)
    await works.broadcast()
    post = Post(Channel.VOICE)
    pump = a_pump(works, post, Broken(works.office.database, works.office.vault))
    with pytest.raises(ConnectionError):
        await pump.run()
    async with at_work(pump):  # as the worker begins it again
        await post.receives(3)
    assert await states(works) == ["sent"] * 3
    assert len(await works.rows("SELECT 1 FROM attempt")) == 3


async def test_an_answer_is_not_forgotten_while_the_database_is_away(works: Works) -> None:
    await people(works, 1)
    await works.broadcast()
    post, store = Post(Channel.VOICE), Broken(works.office.database, works.office.vault)
    post.gate.clear()
    store.away = 0
    pump = a_pump(works, post, store)
    task = asyncio.create_task(pump.run())
    await post.receives(1)
    store.away = 1
    post.gate.set()
    with pytest.raises(ConnectionError):
        await task
    async with at_work(pump):
        pass
    assert await states(works) == ["sent"]


async def test_a_bug_in_sending_leaves_the_hand_over_unconfirmed(works: Works) -> None:
    def breaks(_: object) -> Accepted:
        raise ZeroDivisionError

    await people(works, 1)
    await works.broadcast()
    post = Post(Channel.VOICE)
    post.answers = breaks
    async with at_work(a_pump(works, post)):
        await post.receives(1)
    assert await states(works) == ["unconfirmed"]


async def test_what_was_put_off_is_told_to_whom_watches_the_moments(works: Works) -> None:
    await people(works, 1)
    await works.broadcast()
    post, told = Post(Channel.VOICE), asyncio.Event()
    post.answers = lambda _: Deferred(Reason.THROTTLED, timedelta(seconds=1))
    pump = a_pump(works, post)
    pump.on_later = told.set
    async with at_work(pump):
        await told.wait()
    assert await works.leases.next_moment() == MORNING + timedelta(seconds=1)
