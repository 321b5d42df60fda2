"""Nobody is lost: at no step of a random walk, and when it comes to rest everything has ended."""

from __future__ import annotations

import random

import pytest

from broadcast.model import Channel, Priority
from tests.builders import a_resident
from tests.store.walk import ENDED, Walk
from tests.store.works import Works

STEPS = 120


async def test_the_lost_are_found(works: Works) -> None:
    """The query itself: whom it names, and whom it does not."""
    await a_resident(works.office)
    await works.broadcast(Priority.EMERGENCY)
    assert await works.health.lost_reaches() == []
    await works.write("UPDATE reach SET deadline_at = NULL")
    assert await works.health.lost_reaches() == []  # its deliveries live
    await works.write("UPDATE delivery SET state = 'failed'")
    assert await works.health.lost_reaches() == [1]
    await works.write("UPDATE reach SET state = 'heard'")
    assert await works.health.lost_reaches() == [1]  # rungs are left, and it is an emergency
    await works.write("UPDATE reach SET state = 'confirmed'")
    assert await works.health.lost_reaches() == []


async def test_the_stuck_are_found(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    await works.hand_over(Channel.VOICE)
    assert await works.health.stuck_deliveries() == []
    await works.write("UPDATE delivery SET lease_until = NULL")
    assert await works.health.stuck_deliveries() == [1]
    await works.write("UPDATE delivery SET state = 'held', due_at = NULL")
    assert await works.health.stuck_deliveries() == [1]


@pytest.mark.parametrize("seed", [1, 2])
async def test_nobody_is_lost_on_a_random_walk(works: Works, seed: int) -> None:
    walk = Walk(works, random.Random(seed))
    await walk.settle_in()
    await walk.compose()
    for _ in range(STEPS):
        await walk.step()
        await walk.check()
    await walk.come_to_rest()
    states = [row.state for row in await works.rows("SELECT state FROM broadcast")]
    assert set(states) <= set(ENDED)
    assert len(await works.rows("SELECT 1 FROM attempt")) > 10
    assert await works.rows("SELECT 1 FROM reach WHERE state = 'open'") == []
