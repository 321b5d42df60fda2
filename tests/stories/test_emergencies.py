"""Stories of emergencies: only the resident's own sign ends the ladder, and nothing waits for the day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broadcast.model import Channel, ReachState
from channels.simulator.handsets import HEARD_BUTTON, CallBehaviour, ChatBehaviour, Handset
from tests.stories.rig import FIRE, LISTENS, NEVER_ANSWERS, PRESSES_1, World

pytestmark = [
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.parametrize("world", ["sqlite"], indirect=True),
]
TAPS = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=20, taps=HEARD_BUTTON))
NEVER_LOOKS = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=None))
PLANNED = ["1 10:00", "1 10:03", "1 10:08", "1 10:20", "1 10:50", "1 11:20"]


async def test_hearing_alone_does_not_end_it_a_key_does(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=LISTENS)
    id = await village.warns()
    await world.passes(minutes=7)
    assert await world.rung_at(phone) == ["1 10:00", "1 10:03"]
    assert (await village.states(id))[she] is ReachState.HEARD
    await world.behaves(phone, Handset(call=PRESSES_1))
    await village.settled(id)
    assert await world.rung_at(phone) == ["1 10:00", "1 10:03", "1 10:08"]
    assert (await village.states(id))[she] is ReachState.CONFIRMED


async def test_who_hears_and_presses_nothing_is_rung_as_often_as_planned(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=LISTENS)
    await village.settled(id := await village.warns())
    assert await world.rung_at(phone) == PLANNED
    assert (await village.states(id))[she] is ReachState.HEARD


async def test_key_9_confirms_and_opens_one_help_request(world: World) -> None:
    village = await world.village()
    asks = CallBehaviour(ring_s=5, keys="9")
    she = await village.resident("윤말례", phone := world.landline(), call=asks, cannot_walk=True)
    await village.settled(id := await village.warns())
    reach = await village.reach(id, she)
    assert (reach.state, reach.needs_help, reach.has_asked_for_help) == (ReachState.CONFIRMED, True, True)
    assert reach.on_door_list
    assert len(await world.calls(phone)) == 1


async def test_key_9_in_a_routine_call_asks_nobody_for_help(world: World) -> None:
    village = await world.village()
    asks = CallBehaviour(ring_s=5, keys="9")
    she = await village.resident("윤말례", world.landline(), call=asks)
    await village.settled(id := await village.says())
    reach = await village.reach(id, she)
    assert (reach.state, reach.needs_help) == (ReachState.CONFIRMED, False)


async def test_a_tap_in_the_chat_spares_the_telephone(world: World) -> None:
    village = await world.village()
    chat, phone = world.chat(), world.landline()
    he = await village.resident("김수진", chat, phone, handset=TAPS)
    await village.settled(id := await village.warns())
    assert (await village.states(id))[he] is ReachState.CONFIRMED
    assert await world.contacts(phone) == []


async def test_who_does_not_look_at_the_chat_is_called_after_two_minutes(world: World) -> None:
    village = await world.village()
    chat, phone = world.chat(), world.landline()
    he = await village.resident("김수진", chat, phone, handset=NEVER_LOOKS)
    await world.behaves(phone, Handset(call=PRESSES_1))
    await village.settled(id := await village.warns())
    assert await world.rung_at(phone) == ["1 10:02"]
    assert (await village.states(id))[he] is ReachState.CONFIRMED


async def test_who_never_answers_is_rung_as_often_as_planned(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", phone := world.mobile(), call=NEVER_ANSWERS)
    found = await village.settled(id := await village.warns())
    assert await world.rung_at(phone) == PLANNED
    texts = await world.texts(phone)
    assert len(texts) == 1
    assert FIRE in texts[0]
    assert (await village.states(id))[she] is ReachState.MISSED
    assert sum(len(one.attempts) for one in found.deliveries if one.channel is Channel.VOICE) == len(PLANNED)


async def test_an_evacuation_rings_at_night(world: World) -> None:
    village = await world.village(at="03:00")
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    await village.settled(id := await village.warns())
    assert await world.rung_at(phone) == ["1 03:00"]
    assert (await village.states(id))[she] is ReachState.CONFIRMED


async def test_an_emergency_that_needs_nobody_to_move_lets_telephones_sleep(world: World) -> None:
    village = await world.village(at="03:00")
    await village.resident("박순자", phone := world.mobile(), call=PRESSES_1)
    id = await village.warns(urgency="Expected", response_type="Prepare", lasts=timedelta(hours=12))
    await village.settled(id)
    assert await world.contacts(phone) == ["messages", "calls"]
    assert await world.rung_at(phone) == ["1 07:00"]


async def test_the_flagged_are_rung_first(world: World) -> None:
    village = await world.village()
    phones = [world.landline() for _ in range(7)]
    for phone in phones:
        await village.resident("주민", phone, call=PRESSES_1)
    await village.resident("윤말례", flagged := world.landline(), call=PRESSES_1, cannot_walk=True)
    await village.settled(await village.warns())
    log = (await world.ask("GET", "/simulator/control/log"))["entries"]
    order = [entry["to"] for entry in log if entry["to"] in (*phones, flagged)]
    assert order[0] == flagged


async def test_an_exercise_reaches_only_those_enrolled_and_says_so(world: World) -> None:
    village = await world.village()
    enrolled, other = world.mobile(), world.mobile()
    await village.resident("박순자", enrolled, call=PRESSES_1, in_drills=True)
    await village.resident("이만수", other, call=PRESSES_1)
    await village.settled(await village.warns(cap_status="Exercise"))
    assert await world.contacts(other) == []
    texts = await world.texts(enrolled)
    assert all("훈련" in text for text in texts)
    assert texts


async def test_a_help_button_in_the_chat_opens_a_help_request(world: World) -> None:
    village = await world.village()
    asks = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=20, taps="도움 요청"))
    he = await village.resident("김수진", world.chat(), handset=asks, cannot_walk=True)
    await village.settled(id := await village.warns())
    reach = await village.reach(id, he)
    assert (reach.state, reach.has_asked_for_help) == (ReachState.CONFIRMED, True)


async def test_an_officers_emergency_waits_for_a_second_person(world: World) -> None:
    village = await world.village()
    she = await village.resident("박순자", phone := world.landline(), call=PRESSES_1)
    id = await village.warns(token=world.officer_token)
    await world.passes(minutes=1)
    assert await village.state(id) == "awaiting_approval"
    assert await world.contacts(phone) == []
    await village.does(id, "approve", world.county_token)
    await village.settled(id)
    assert await world.rung_at(phone) == ["1 10:01"]
    assert (await village.states(id))[she] is ReachState.CONFIRMED


async def test_a_heads_third_emergency_within_the_hour_waits_for_approval(world: World) -> None:
    village = await world.village()
    await village.resident("박순자", world.landline(), call=PRESSES_1)
    first, second, third = [await village.warns() for _ in range(3)]
    await world.passes(seconds=1)
    assert await village.state(third) == "awaiting_approval"
    await village.settled(first)
    await village.settled(second)
    await village.does(third, "recall" if await village.state(third) == "sending" else "cancel")


async def test_an_urgent_broadcast_climbs_from_call_to_text_to_guardian(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", phone := world.mobile(), call=NEVER_ANSWERS)
    await village.guardian(she, told := world.mobile())
    await village.settled(id := await village.says(priority="URGENT"))
    assert await world.rung_at(phone) == ["1 10:00", "1 10:05", "1 10:20"]
    assert sorted(await world.contacts(phone)) == ["calls", "calls", "calls", "messages"]
    assert any("닿지 않았습니다" in text for text in await world.texts(told))
    assert (await village.states(id))[she] is ReachState.MISSED
    assert len(await world.texts(village.head_phone)) == 1
