"""Stories of things that go wrong: taking back, a carrier that is down, forgets or repeats itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broadcast.model import DeliveryState, ReachState
from channels.simulator.handsets import CallBehaviour
from tests.stories.rig import LISTENS, PRESSES_1, World

pytestmark = pytest.mark.asyncio(loop_scope="package")
SQLITE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
NINE = 9


async def test_a_recall_stops_ringing_phones_and_what_was_not_handed_over(world: World) -> None:
    village = await world.village()
    phones = [world.landline() for _ in range(NINE)]
    for phone in phones:
        await village.resident("주민", phone, call=CallBehaviour(ring_s=20, keys="1"))
    id = await village.says()
    await world.passes(seconds=10)
    rung = await world.contacts(*phones)
    await village.does(id, "recall")
    found = await village.settled(id)
    assert 0 < len(rung) < NINE
    assert await world.contacts(*phones) == rung
    ended = [call for phone in phones for call in await world.calls(phone)]
    assert {call["status"] for call in ended} == {"canceled"}
    assert {one.state for one in found.deliveries} == {DeliveryState.CANCELLED}
    assert set((await village.states(id)).values()) == {ReachState.CLOSED}
    assert await village.state(id) == "recalled"


async def test_who_heard_it_before_the_recall_stays_heard(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=LISTENS)
    id = await village.says()
    await world.passes(minutes=2)
    await village.does(id, "recall")
    await village.settled(id)
    assert (await village.states(id))[she] is ReachState.HEARD
    assert len(await world.calls(phone)) == 1


async def test_receipts_twice_late_and_out_of_order_change_nothing(world: World) -> None:
    village = await world.village()
    phones = [world.landline() for _ in range(5)]
    for phone in phones:
        await village.resident("주민", phone, call=PRESSES_1)
    await world.carrier(callbacks={"twice": 0.5, "out_of_order": 0.5, "late": 0.2, "late_s": 25})
    found = await village.settled(id := await village.says())
    assert set((await village.states(id)).values()) == {ReachState.CONFIRMED}
    assert [len(await world.calls(phone)) for phone in phones] == [1] * 5
    assert {one.state for one in found.deliveries} == {DeliveryState.CONFIRMED}


async def test_a_carrier_that_is_down_for_a_while_loses_nobody(world: World) -> None:
    village = await world.village()
    phones = [world.landline() for _ in range(5)]
    for phone in phones:
        await village.resident("주민", phone, call=PRESSES_1)
    await world.carrier(faults=[{"kind": "500", "count": 12, "accepts": False}])
    await village.settled(id := await village.says())
    assert set((await village.states(id)).values()) == {ReachState.CONFIRMED}
    assert [len(await world.calls(phone)) for phone in phones] == [1] * 5


async def test_a_throttled_call_is_made_later_and_uses_no_try(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    await world.carrier(faults=[{"kind": "429", "count": 4, "accepts": False}])
    found = await village.settled(id := await village.says())
    assert (await village.states(id))[she] is ReachState.CONFIRMED
    assert len(await world.calls(phone)) == 1
    assert await world.rung_at(phone) == ["1 10:00"]
    assert len(found.deliveries[0].attempts) == 5


@SQLITE
@pytest.mark.parametrize("accepts", [True, False])
async def test_a_lost_reply_rings_nobody_twice(world: World, accepts: bool) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    await world.carrier(faults=[{"kind": "cut", "count": 1, "accepts": accepts}])
    await village.settled(id := await village.says())
    assert len(await world.calls(phone)) == 1
    assert (await village.states(id))[she] is ReachState.CONFIRMED


@SQLITE
async def test_a_call_of_which_nothing_more_is_heard_is_given_up(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.mobile(), call=LISTENS)
    await world.carrier(callbacks={"lost": 1.0})
    await village.says()
    await world.passes(minutes=14)
    await world.carrier()
    await world.passes(hours=3)
    assert "messages" in await world.contacts(phone)
    assert she


@SQLITE
async def test_a_cancelled_broadcast_of_tomorrow_reaches_nobody(world: World) -> None:
    village = await world.village()
    await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    tomorrow = world.clock.now() + timedelta(days=1)
    id = await village.says(scheduled_at=tomorrow.isoformat())
    await world.passes(hours=1)
    await village.does(id, "cancel")
    await world.until_next("12:00")
    assert await world.contacts(phone) == []
    assert await village.state(id) == "cancelled"
