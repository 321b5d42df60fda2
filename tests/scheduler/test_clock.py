"""The clocks: time never goes back, and jumps only when nobody works."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.clock import JumpClock, SystemClock
from tests.builders import MORNING

HOUR = timedelta(hours=1)


async def wait_and_tell(clock: JumpClock, hours: int, told: list[tuple[int, datetime]]) -> None:
    await clock.sleep_until(MORNING + hours * HOUR)
    told.append((hours, clock.now()))


async def test_the_system_s_time_is_aware_and_never_goes_back() -> None:
    clock = SystemClock()
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(moments)
    assert moments[0].tzinfo is UTC
    await clock.sleep_until(clock.now() - HOUR)  # what is past is not waited for
    soon = clock.now() + timedelta(milliseconds=5)
    await clock.sleep_until(soon)
    assert clock.now() >= soon


async def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    clock, told = JumpClock(MORNING), list[tuple[int, datetime]]()
    async with asyncio.TaskGroup() as group:
        for hours in (30, 1, 2, 1):
            group.create_task(wait_and_tell(clock, hours, told))
        await clock.run(until=MORNING + 30 * HOUR)
    assert [hours for hours, _ in told] == [1, 1, 2, 30]
    assert all(moment == MORNING + hours * HOUR for hours, moment in told)


async def test_time_stands_while_somebody_works() -> None:
    clock, told = JumpClock(MORNING), list[tuple[int, datetime]]()
    sleeper = asyncio.create_task(wait_and_tell(clock, 1, told))
    jumping = asyncio.create_task(clock.run())
    with clock.working():
        for _ in range(3):
            await asyncio.sleep(0.02)
            assert clock.now() == MORNING
        assert not sleeper.done()
    await sleeper
    assert clock.now() == MORNING + HOUR
    jumping.cancel()


async def test_work_that_begins_in_the_quiet_holds_the_jump() -> None:
    """A message is handed from one task to the next without a moment's rest between."""
    clock, told = JumpClock(MORNING), list[tuple[int, datetime]]()
    sleeper = asyncio.create_task(wait_and_tell(clock, 1, told))
    jumping = asyncio.create_task(clock.run())
    for _ in range(20):
        with clock.working():
            await asyncio.sleep(0.002)
        await asyncio.sleep(0)
        assert clock.now() == MORNING
    await sleeper
    jumping.cancel()


async def test_who_gave_up_sleeping_is_not_jumped_to() -> None:
    clock, told = JumpClock(MORNING), list[tuple[int, datetime]]()
    gone = asyncio.create_task(wait_and_tell(clock, 1, told))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    stays = asyncio.create_task(wait_and_tell(clock, 5, told))
    await asyncio.sleep(0)
    assert await clock.step()
    await stays
    assert told == [(5, MORNING + 5 * HOUR)]
    assert not await clock.step()  # nobody sleeps


async def test_a_run_ends_at_its_moment_not_at_the_next_sleeper_s() -> None:
    clock, told = JumpClock(MORNING), list[tuple[int, datetime]]()
    sleeper = asyncio.create_task(wait_and_tell(clock, 10, told))
    await asyncio.sleep(0)
    await clock.run(until=MORNING + 2 * HOUR)
    assert (clock.now(), told) == (MORNING + 2 * HOUR, [])
    sleeper.cancel()
