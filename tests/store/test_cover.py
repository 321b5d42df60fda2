"""Who has heard is not asked again: on every channel, for everybody behind one telephone."""

from __future__ import annotations

from broadcast.model import Channel, Deferred, Priority, Reason, ReceiptKind, Unclear
from tests.builders import a_guardian, a_resident
from tests.store.works import Works

LANDLINE = "033-481-1234"


async def test_one_key_of_a_couple_counts_for_both(works: Works) -> None:
    for name in ("남편", "아내"):
        await a_resident(works.office, name=name, phone=LANDLINE)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.keyed(attempt)
    assert await works.reaches() == ["confirmed", "confirmed"]
    deadlines = await works.rows("SELECT deadline_at, ended_at FROM reach")
    assert all(row.deadline_at is None and row.ended_at is not None for row in deadlines)


async def test_confirming_on_one_channel_ends_all_others(works: Works) -> None:
    """A text waits in the queue, a call rings, the chat is answered."""
    await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast(Priority.EMERGENCY)
    (chat,) = await works.hand_over(Channel.KAKAO)
    await works.pass_(minutes=2)
    (call,) = await works.hand_over(Channel.VOICE)
    assert await works.deliveries() == [("kakao", "sent"), ("sms", "queued"), ("voice", "sent")]
    await works.receive(chat, ReceiptKind.TAPPED)
    assert await works.deliveries() == [("kakao", "confirmed"), ("sms", "cancelled"), ("voice", "sent")]
    assert [stop.reference for stop in works.stops] == [f"ref-{call}"]
    await works.receive(call, ReceiptKind.STOPPED)
    assert (await works.deliveries())[2] == ("voice", "cancelled")
    for _ in range(10):
        await works.pass_(minutes=10)
    assert [state for _, state in await works.deliveries()] == ["confirmed", "cancelled", "cancelled"]


async def test_hearing_is_enough_but_for_an_emergency(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast(Priority.EMERGENCY)
    (call,) = await works.hand_over(Channel.VOICE)
    await works.heard(call)
    assert await works.reaches() == ["heard"]
    assert ("sms", "queued") in await works.deliveries()
    assert await works.deadline() is not None
    for _ in range(8):
        await works.pass_(minutes=1)
    assert await works.deliveries("round = 2") == [("voice", "queued")]  # asked again, in a new round
    (again,) = await works.hand_over(Channel.VOICE)
    await works.keyed(again)
    assert await works.reaches() == ["confirmed"]
    assert ("sms", "cancelled") in await works.deliveries()


async def test_one_of_two_does_not_end_the_call_of_the_other(works: Works) -> None:
    """The wife read it in the chat; the landline still rings for her husband."""
    await a_resident(works.office, phone=LANDLINE, name="남편")
    await a_resident(works.office, phone=LANDLINE, kakao="wife", name="아내")
    await works.broadcast(Priority.URGENT)
    (chat,) = await works.hand_over(Channel.KAKAO)
    await works.pass_(minutes=10)  # her next rung shares his call
    shared = await works.rows(
        "SELECT 1 FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id WHERE d.channel = 'voice'"
    )
    assert len(shared) == 2
    await works.receive(chat, ReceiptKind.TAPPED)
    assert sorted(await works.reaches()) == ["confirmed", "open"]
    assert await works.deliveries("channel = 'voice'") == [("voice", "queued")]
    (call,) = await works.hand_over(Channel.VOICE)
    await works.heard(call)
    assert sorted(await works.reaches()) == ["confirmed", "heard"]


async def test_cover_while_the_request_is_on_the_wire_stops_it_afterwards(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast(Priority.URGENT)
    (chat,) = await works.hand_over(Channel.KAKAO)
    await works.pass_(minutes=10)
    begun = await works.turn_over(await works.claim(Channel.VOICE))
    await works.receive(chat, ReceiptKind.TAPPED)
    assert works.stops == []  # its reference is not known yet
    assert await works.deliveries("channel = 'voice'") == [("voice", "sending")]
    await works.turn_over(finished={pair: Deferred(Reason.THROTTLED) for pair in begun.items()})
    assert await works.deliveries("channel = 'voice'") == [("voice", "cancelled")]


async def test_what_is_unconfirmed_ends_when_its_people_have_heard(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast(Priority.URGENT)
    (chat,) = await works.hand_over(Channel.KAKAO)
    await works.pass_(minutes=10)
    await works.hand_over(Channel.VOICE, Unclear("reset"))
    await works.receive(chat, ReceiptKind.HEARD)
    assert await works.deliveries() == [("kakao", "heard"), ("voice", "cancelled")]
    await works.pass_(minutes=10)
    assert works.carriers[Channel.VOICE].asked == []


async def test_a_guardian_is_not_told_of_somebody_who_confirmed(works: Works) -> None:
    person = await a_resident(works.office, phone=LANDLINE)
    await a_guardian(works.office, person)
    await works.broadcast(Priority.EMERGENCY)
    (call,) = await works.hand_over(Channel.VOICE)
    for minute in (2, 1, 3):
        await works.pass_(minutes=minute)
    assert await works.deliveries("purpose = 'guardian_told'") == [("sms", "queued")]
    await works.keyed(call)
    assert await works.deliveries("purpose = 'guardian_told'") == [("sms", "cancelled")]


async def test_what_a_guardian_hears_does_not_count_for_the_resident(works: Works) -> None:
    person = await a_resident(works.office, phone=LANDLINE)
    await a_guardian(works.office, person)
    await works.broadcast()
    (along,) = await works.hand_over(Channel.SMS)
    await works.receive(along, ReceiptKind.HEARD)
    assert await works.reaches() == ["open"]
    assert await works.deliveries("purpose = 'announcement'") == [("voice", "queued")]


async def test_late_news_of_the_missed_and_closed_is_good_news(works: Works) -> None:
    for phone in ("033-481-1111", "033-481-2222"):
        await a_resident(works.office, phone=phone)
    broadcast = await works.broadcast()
    first, second = await works.hand_over(Channel.VOICE)
    await works.write(
        "UPDATE reach SET state = 'missed', deadline_at = NULL WHERE id = (SELECT MIN(id) FROM reach)"
    )
    await works.composer.recall(broadcast, works.head)
    assert await works.reaches() == ["closed", "closed"]
    await works.heard(first)
    await works.keyed(second)
    assert sorted(await works.reaches()) == ["confirmed", "heard"]
