"""The ladder over the tables: reminders, further channels, guardians told, patience with calls that are owed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from broadcast.model import Channel, Deferred, Priority, Reason, ReceiptKind, Rejected
from broadcast.store.columns import to_us
from tests.builders import a_guardian, a_resident
from tests.store.works import Works

LANDLINE = "033-481-1234"


async def told(works: Works) -> list[tuple[str, str]]:
    return await works.deliveries("purpose = 'guardian_told'")


async def test_an_unheard_chat_is_reminded_once_and_then_texted(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast()
    for minutes in (0, 60, 60):
        works.clock.pass_(minutes=minutes)
        for attempt in [*await works.hand_over(Channel.KAKAO), *await works.hand_over(Channel.SMS)]:
            await works.receive(attempt, ReceiptKind.DELIVERED)
        await works.tick()
    rows = await works.rows("SELECT channel, round FROM delivery ORDER BY id")
    assert [tuple(row) for row in rows] == [("kakao", 1), ("kakao", 2), ("sms", 1)]
    assert await works.deliveries("channel = 'voice'") == []


async def test_a_guardian_is_told_at_the_second_miss(works: Works) -> None:
    """Not while the second call still rings, and not only after six minutes."""
    person = await a_resident(works.office, phone=LANDLINE, name="김영자")
    await a_guardian(works.office, person)
    await works.broadcast(Priority.EMERGENCY)
    await works.hand_over(Channel.SMS)  # the guardian's own copy
    (first,) = await works.hand_over(Channel.VOICE)
    await works.receive(first, ReceiptKind.NO_ANSWER)
    await works.pass_(minutes=3)
    (second,) = await works.hand_over(Channel.VOICE)
    await works.pass_(seconds=30)
    assert await told(works) == []
    await works.receive(second, ReceiptKind.NO_ANSWER)
    await works.tick()
    assert await told(works) == [("sms", "queued")]
    (errand,) = [one for one in await works.claim(Channel.SMS) if one.purpose == "guardian_told"]
    assert "김○자" in errand.text
    (row,) = await works.rows("SELECT on_door_list FROM reach")
    assert row.on_door_list


async def test_a_failed_rung_does_not_wait_for_its_deadline(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast(Priority.URGENT)
    await works.hand_over(Channel.KAKAO, Rejected(Reason.BAD_ADDRESS))
    await works.tick()
    assert await works.deliveries() == [("kakao", "failed"), ("voice", "queued")]


async def test_the_text_waits_for_the_calls_that_are_owed(works: Works) -> None:
    """Routine: rung at ten, at midday, and only then a text; at once after the last call."""
    await a_resident(works.office, phone="010-1234-5678")
    await works.broadcast()
    (first,) = await works.hand_over(Channel.VOICE)
    await works.receive(first, ReceiptKind.NO_ANSWER)
    await works.pass_(minutes=90)
    assert await works.deliveries() == [("voice", "queued")]
    (second,) = await works.hand_over(Channel.VOICE)
    await works.receive(second, ReceiptKind.NO_ANSWER)  # a third would ring after it has expired
    await works.tick()
    assert await works.deliveries() == [("voice", "failed"), ("sms", "queued")]


async def test_a_carrier_that_is_down_does_not_hold_the_next_channel_back(works: Works) -> None:
    person = await a_resident(works.office, phone="010-1234-5678")
    await a_guardian(works.office, person)
    await works.broadcast(Priority.URGENT)
    for _ in range(35):
        await works.hand_over(Channel.VOICE, Deferred(Reason.PROVIDER_DOWN))
        await works.pass_(minutes=1)
    announcements = await works.rows(
        "SELECT channel FROM delivery WHERE purpose = 'announcement' ORDER BY id"
    )
    assert [row.channel for row in announcements] == ["voice", "sms"]
    assert len(await told(works)) == 1


async def test_a_number_that_is_shared_is_asked_for_once(works: Works) -> None:
    """Both come to their call at the same moment; so do two workers."""
    for name in ("남편", "아내"):
        await a_resident(works.office, phone=LANDLINE, kakao=name, name=name)
    await works.broadcast(Priority.URGENT)
    await works.hand_over(Channel.KAKAO)
    works.clock.pass_(minutes=10)
    await asyncio.gather(works.escalator.run_due(), works.escalator.run_due())
    assert await works.deliveries("channel = 'voice'") == [("voice", "queued")]
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.keyed(attempt)
    assert await works.reaches() == ["confirmed", "confirmed"]


async def test_a_rung_at_night_waits_with_its_clock_for_morning(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE, kakao="granny")
    works.clock.pass_(hours=14)  # midnight
    morning = works.clock.now() + timedelta(hours=7)
    await works.broadcast(Priority.EMERGENCY, act_now=False)
    (chat,) = await works.hand_over(Channel.KAKAO)
    await works.receive(chat, ReceiptKind.DELIVERED)
    await works.pass_(minutes=2)
    (row,) = await works.rows("SELECT state, due_at FROM delivery WHERE channel = 'voice'")
    assert tuple(row) == ("held", to_us(morning))
    assert await works.deadline() == morning + timedelta(minutes=1)
