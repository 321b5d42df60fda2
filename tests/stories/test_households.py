"""Stories of households and those around them, told on both databases: chats, couples, guardians, heads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broadcast.model import Channel, DeliveryState, Purpose, ReachState
from channels.simulator.handsets import HEARD_BUTTON, ChatBehaviour, Handset
from tests.stories.rig import CALL_BACK, LISTENS, NEVER_ANSWERS, PRESSES_1, TEXT, World

pytestmark = pytest.mark.asyncio(loop_scope="package")
TWO_DAYS = timedelta(days=2)
NEVER_LOOKS = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=None))
TAPS = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=20, taps=HEARD_BUTTON))
READS = Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=20))


async def test_the_smartphone_resident_hears_by_chat_and_is_not_rung(world: World) -> None:
    village = await world.village()
    chat, phone = world.chat(), world.mobile()
    he = await village.resident("김수진", chat, phone, handset=READS)
    await village.settled(id := await village.says())
    assert (await village.states(id))[he] is ReachState.HEARD
    assert await world.contacts(phone) == []
    assert TEXT in (await world.chats(chat))[0]


async def test_a_couples_one_telephone_rings_once_and_one_key_confirms_both(world: World) -> None:
    village = await world.village()
    phone = world.landline()
    he = await village.resident("박영호", phone, call=PRESSES_1)
    she = await village.resident("최순이", phone)
    found = await village.settled(id := await village.says())
    assert len(await world.calls(phone)) == 1
    assert [(one.channel, set(one.serves)) for one in found.deliveries] == [(Channel.VOICE, {he, she})]
    states = await village.states(id)
    assert (states[he], states[she]) == (ReachState.CONFIRMED, ReachState.CONFIRMED)


async def test_who_does_not_look_at_the_chat_is_reminded_once(world: World) -> None:
    village = await world.village()
    he = await village.resident("김수진", chat := world.chat(), handset=NEVER_LOOKS)
    found = await village.settled(id := await village.says())
    assert await world.contacts(chat) == ["talks", "talks"]
    assert [one.round for one in found.deliveries if one.channel is Channel.KAKAO] == [1, 2]
    assert (await village.states(id))[he] is ReachState.MISSED


async def test_an_old_resident_who_does_not_look_at_the_chat_is_called(world: World) -> None:
    village = await world.village()
    chat, phone = world.chat(), world.landline()
    he = await village.resident("이노인", chat, phone, handset=NEVER_LOOKS, born_in=1945)
    await world.behaves(phone, Handset(call=PRESSES_1))
    await village.settled(id := await village.says())
    assert await world.rung_at(phone) == ["1 11:00"]
    assert (await village.states(id))[he] is ReachState.CONFIRMED


async def test_the_dead_and_the_withdrawn_are_never_contacted(world: World) -> None:
    village = await world.village()
    phones = [world.mobile() for _ in range(3)]
    gone, away, here = [await village.resident("주민", phone, call=PRESSES_1) for phone in phones]
    await world.ask("POST", f"/api/v1/residents/{gone}/deceased", village.token)
    await world.ask("POST", f"/api/v1/residents/{away}/withdraw", village.token, json={"how": "telephone"})
    await village.settled(id := await village.says())
    await village.settled(fire := await village.warns())
    assert await world.contacts(phones[0], phones[1]) == []
    assert set(await village.states(id)) == set(await village.states(fire)) == {here}


async def test_who_withdraws_while_a_call_is_held_is_not_rung_by_it(world: World) -> None:
    village = await world.village(at="22:00")
    she = await village.resident("최민호", phone := world.landline(), call=PRESSES_1)
    id = await village.says()
    await world.passes(minutes=10)
    await world.ask("POST", f"/api/v1/residents/{she}/withdraw", village.token, json={"how": "telephone"})
    await world.until_next("20:00")
    assert await world.contacts(phone) == []
    assert (await village.states(id))[she] is ReachState.CLOSED


async def test_a_guardian_listens_along_without_hearing_for_the_parent(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", world.landline(), call=NEVER_ANSWERS)
    await village.guardian(she, chat := world.chat())
    await world.behaves(chat, READS)
    found = await village.settled(id := await village.says(lasts=TWO_DAYS))
    along = [one for one in found.deliveries if one.purpose is Purpose.LISTEN_ALONG]
    assert [(one.state, one.serves) for one in along] == [(DeliveryState.HEARD, ())]
    assert (await village.states(id))[she] is ReachState.MISSED


async def test_a_guardian_is_told_in_an_emergency_that_the_parent_is_not_reached(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", world.landline(), call=NEVER_ANSWERS)
    await village.guardian(she, phone := world.mobile())
    id = await village.warns()
    await world.passes(minutes=7)
    told = [text for text in await world.texts(phone) if "대피 전화가 닿지 않았습니다" in text]
    assert len(told) == 1
    assert "김○자 님께" in told[0]
    assert "김영자" not in told[0]
    assert (await village.reach(id, she)).on_door_list
    await village.settled(id)
    assert len([text for text in await world.texts(phone) if "닿지 않았습니다" in text]) == 1


async def test_the_guardian_of_who_answers_is_not_alarmed(world: World) -> None:
    village = await world.village()
    she = await village.resident("김영자", world.landline(), call=PRESSES_1)
    await village.guardian(she, phone := world.mobile())
    await village.settled(await village.warns())
    assert [text for text in await world.texts(phone) if "닿지 않았습니다" in text] == []


async def test_the_head_is_told_of_those_missed_by_veiled_name_and_age(world: World) -> None:
    village = await world.village()
    year = world.clock.now().year
    await village.resident("김영자", world.landline(), call=NEVER_ANSWERS, born_in=year - 82)
    await village.resident("박수", world.landline(), call=NEVER_ANSWERS, born_in=year - 79)
    await village.resident("정복순", world.landline(), call=LISTENS, born_in=year - 77)
    await village.settled(await village.says(lasts=TWO_DAYS))
    lists = await world.texts(village.head_phone)
    assert len(lists) == 1
    assert lists[0].startswith("[마을방송] 못 들으신 분 2명: 김○자(82) 박○(79)")
    assert CALL_BACK in lists[0]


async def test_nobody_missed_sends_the_head_no_list(world: World) -> None:
    village = await world.village()
    await village.resident("정복순", world.landline(), call=LISTENS)
    await village.settled(await village.says())
    await world.passes(hours=2)
    assert await world.texts(village.head_phone) == []


async def test_resend_reaches_only_those_who_did_not_hear(world: World) -> None:
    village = await world.village(at="09:00")
    heard, missed = world.landline(), world.landline()
    await village.resident("박순자", heard, call=PRESSES_1)
    she = await village.resident("김영자", missed, call=NEVER_ANSWERS)
    await village.settled(id := await village.says(lasts=timedelta(days=4)))
    calls = len(await world.calls(missed))
    await world.behaves(missed, Handset(call=PRESSES_1))
    await world.until_next("10:00")
    await village.does(id, "resend-unheard")
    found = await village.settled(id)
    assert len(await world.calls(heard)) == 1
    assert len(await world.calls(missed)) == calls + 1
    assert (await village.states(id))[she] is ReachState.CONFIRMED
    assert max(one.round for one in found.deliveries) == 2


async def test_the_list_of_a_broadcast_that_ended_at_night_comes_in_the_morning(world: World) -> None:
    """Nobody could be asked any more before it expired; the head must hear of it all the same."""
    village = await world.village(at="21:30")
    await village.resident("김영자", world.landline(), call=PRESSES_1, born_in=1944)
    await village.says(lasts=timedelta(hours=3))
    await world.until_next("07:59")
    assert await world.texts(village.head_phone) == []
    await world.until_next("08:10")
    (told,) = await world.texts(village.head_phone)
    assert "김○자(82)" in told
