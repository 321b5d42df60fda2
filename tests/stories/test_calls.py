"""Stories of telephones: who is rung when and how often, and what counts as heard."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from broadcast.model import Channel, DeliveryState, ReachState
from channels.simulator.handsets import CallBehaviour, Handset
from tests.stories.rig import LISTENS, NEVER_ANSWERS, PRESSES_1, VOICEMAIL, World

pytestmark = [
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.parametrize("world", ["sqlite"], indirect=True),
]
TWO_DAYS = timedelta(days=2)


async def test_busy_twice_then_she_answers_and_presses_1(world: World) -> None:
    village = await world.village()
    busy = CallBehaviour(results=("busy", "busy", "answer"), ring_s=5, keys="1")
    she = await village.resident("김영자", phone := world.landline(), call=busy)
    found = await village.settled(id := await village.says(lasts=TWO_DAYS))
    assert await world.rung_at(phone) == ["1 10:00", "1 11:30", "2 11:30"]
    assert (await village.states(id))[she] is ReachState.CONFIRMED
    assert await world.contacts(phone) == ["calls"] * 3
    assert [attempt.keys for attempt in found.deliveries[0].attempts] == ["", "", "1"]


async def test_who_never_answers_is_texted_after_the_third_call(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", phone := world.mobile(), call=NEVER_ANSWERS)
    await village.settled(id := await village.says(lasts=TWO_DAYS))
    assert await world.contacts(phone) == ["calls", "calls", "calls", "messages"]
    assert await world.rung_at(phone) == ["1 10:00", "1 11:30", "2 11:30"]
    assert (await village.states(id))[she] is ReachState.MISSED


async def test_voicemail_is_not_counted_as_heard(world: World) -> None:
    village = await world.village()
    she = await village.resident("정복순", phone := world.mobile(), call=VOICEMAIL)
    found = await village.settled(id := await village.says(lasts=TWO_DAYS))
    answered = [attempt.answered_by for attempt in found.deliveries[0].attempts]
    assert answered == ["machine"] * 3
    assert await world.contacts(phone) == ["calls", "calls", "calls", "messages"]
    assert (await village.states(id))[she] is ReachState.MISSED


async def test_a_key_overrules_a_machine_verdict(world: World) -> None:
    village = await world.village()
    mistaken = CallBehaviour(ring_s=5, keys="1", amd="machine_start")
    she = await village.resident("박순자", phone := world.landline(), call=mistaken)
    await village.settled(id := await village.says())
    assert (await village.states(id))[she] is ReachState.CONFIRMED
    assert len(await world.calls(phone)) == 1


async def test_played_without_a_verdict_is_presumed_but_not_heard(world: World) -> None:
    village = await world.village()
    unsure = CallBehaviour(ring_s=5, amd="unknown")
    she = await village.resident("박순자", phone := world.mobile(), call=unsure)
    found = await village.settled(id := await village.says(lasts=TWO_DAYS))
    assert found.deliveries[0].state is DeliveryState.DELIVERED
    assert (await village.states(id))[she] is not ReachState.HEARD
    assert (await world.contacts(phone))[0] == "calls"


async def test_hanging_up_early_is_not_hearing(world: World) -> None:
    village = await world.village()
    hasty = CallBehaviour(ring_s=5, hangs_up_after_s=2)
    she = await village.resident("이만수", phone := world.landline(), call=hasty)
    found = await village.settled(id := await village.says(lasts=TWO_DAYS))
    assert [attempt.reason for attempt in found.deliveries[0].attempts] == ["hung_up_early"] * 3
    assert len(await world.calls(phone)) == 3
    assert (await village.states(id))[she] is ReachState.MISSED


async def test_hearing_it_again_by_2_leaves_it_heard(world: World) -> None:
    village = await world.village()
    again = CallBehaviour(ring_s=5, keys="2")
    she = await village.resident("박순자", phone := world.landline(), call=again)
    await village.settled(id := await village.says())
    assert (await village.states(id))[she] is ReachState.HEARD
    assert len(await world.calls(phone)) == 1
    assert len((await world.calls(phone))[0]["played"]) >= 4


async def test_a_wrong_number_dies_and_the_next_one_is_tried(world: World) -> None:
    village = await world.village()
    wrong, right = world.landline(), world.mobile()
    unallocated = CallBehaviour(results=("unallocated",))
    she = await village.resident("최말순", wrong, right, call=unallocated, born_in=1940)
    await village.settled(id := await village.says(lasts=TWO_DAYS))
    assert await world.contacts(wrong) == ["calls"]
    assert (await world.contacts(right))[:1] == ["calls"]
    await world.until_next("10:00")
    await village.settled(await village.says(lasts=TWO_DAYS))
    assert await world.contacts(wrong) == ["calls"]
    seen = await world.ask("GET", f"/api/v1/residents/{she}", village.token)
    assert [one["is_dead"] for one in seen["addresses"]] == [True, False]
    assert id


async def test_a_wrong_number_does_not_cost_the_young_their_call(world: World) -> None:
    village = await world.village()
    wrong, right = world.landline(), world.landline()
    he = await village.resident("최젊은", wrong, right, call=CallBehaviour(results=("unallocated",)))
    await world.behaves(right, Handset(call=PRESSES_1))
    await village.settled(id := await village.says())
    assert await world.rung_at(right) == ["1 10:00"]
    assert (await village.states(id))[he] is ReachState.CONFIRMED


async def test_the_first_calls_of_all_come_before_anyones_second(world: World) -> None:
    village = await world.village()
    phones = [world.landline() for _ in range(8)]
    for phone in phones:
        await village.resident("주민", phone, call=CallBehaviour(results=("busy", "answer"), ring_s=5))
    await village.settled(await village.says(lasts=TWO_DAYS))
    log = (await world.ask("GET", "/simulator/control/log"))["entries"]
    order = [entry["to"] for entry in log if entry["to"] in phones]
    assert sorted(order[:8]) == sorted(phones)
    assert len(order) == 16


async def test_a_number_rings_for_routine_twice_a_day_at_most(world: World) -> None:
    village = await world.village(at="08:30")
    await village.resident("김영자", phone := world.mobile(), call=NEVER_ANSWERS)
    first = await village.says(lasts=timedelta(days=3))
    second = await village.says(title="총회", text="내일 총회가 있습니다.", lasts=timedelta(days=3))
    await village.settled(first)
    await village.settled(second)
    days = [moment.partition(" ")[0] for moment in await world.rung_at(phone)]
    assert len(days) >= 4
    assert max(days.count(day) for day in days) <= 2


async def test_two_broadcasts_never_ring_one_number_at_once(world: World) -> None:
    village = await world.village()
    await village.resident("박순자", phone := world.landline(), call=LISTENS)
    first = await village.says()
    second = await village.says(title="총회", text="내일 총회가 있습니다.")
    await village.settled(first)
    await village.settled(second)
    calls = await world.calls(phone)
    assert [call["status"] for call in calls] == ["completed", "completed"]
    ended, created = (datetime.fromisoformat(m) for m in (calls[0]["ended_at"], calls[1]["created_at"]))
    assert ended <= created


async def test_a_routine_crowd_leaves_lines_for_an_emergency(world: World) -> None:
    village = await world.village()
    neighbours = await world.next_village()
    phones = [world.landline() for _ in range(12)]
    for phone in phones:
        await neighbours.resident("이웃", phone, call=LISTENS)
    await village.resident("윤말례", own := world.landline(), call=PRESSES_1)
    routine = await neighbours.says()
    await world.passes(seconds=8)
    emergency = await village.warns()
    await world.passes(seconds=1)
    assert [call["status"] for call in await world.calls(own)] == ["ringing"]
    waiting = len(phones) - len(await world.contacts(*phones))
    assert waiting >= 7
    await village.settled(emergency)
    await neighbours.settled(routine)
    log = (await world.ask("GET", "/simulator/control/log"))["entries"]
    order = [entry["to"] for entry in log if entry["to"] in (*phones, own)]
    assert order.index(own) == 12 - waiting


async def test_quiet_hours_hold_calls_until_eight(world: World) -> None:
    village = await world.village(at="22:00")
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    friend = await village.resident("김수진", chat := world.chat())
    id = await village.says()
    await world.passes(minutes=30)
    assert await world.contacts(phone, chat) == []
    await village.settled(id)
    assert (await world.rung_at(phone))[0] == "1 08:00"
    states = await village.states(id)
    assert states[she] is ReachState.CONFIRMED
    assert friend in states


async def test_midday_rest_holds_routine_calls_until_two(world: World) -> None:
    village = await world.village(at="13:00")
    await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    await village.settled(await village.says())
    assert await world.rung_at(phone) == ["1 14:00"]


async def test_what_has_expired_by_morning_rings_nobody(world: World) -> None:
    village = await world.village(at="21:30")
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    id = await village.says(lasts=timedelta(hours=3))
    await world.until_next("12:00")
    assert await world.contacts(phone) == []
    assert await village.state(id) in ("done", "expired")
    assert (await village.states(id))[she] in (ReachState.CLOSED, ReachState.MISSED)


async def test_a_retry_that_would_come_after_expiry_is_not_made(world: World) -> None:
    village = await world.village()
    await village.resident("김영자", phone := world.landline(), call=NEVER_ANSWERS)
    await village.settled(await village.says(lasts=timedelta(hours=1)))
    await world.until_next("12:00")
    assert await world.rung_at(phone) == ["1 10:00"]


async def test_the_couples_shared_chatless_landline_rings_once(world: World) -> None:
    village = await world.village()
    phone = world.landline()
    he = await village.resident("박영호", phone, call=PRESSES_1)
    she = await village.resident("최순이", phone)
    found = await village.settled(id := await village.says())
    assert len(await world.calls(phone)) == 1
    assert [(one.channel, len(one.serves)) for one in found.deliveries] == [(Channel.VOICE, 2)]
    states = await village.states(id)
    assert (states[he], states[she]) == (ReachState.CONFIRMED, ReachState.CONFIRMED)
