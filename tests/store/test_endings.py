"""How broadcasts and people's ladders end: cancelled, recalled, expired, done, missed, barred."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from broadcast.errors import Conflict
from broadcast.model import (
    AddressId,
    BroadcastState,
    Category,
    Channel,
    Priority,
    Reason,
    ReceiptKind,
    Rejected,
)
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.endings import EndingQueries
from tests.builders import a_guardian, a_resident
from tests.store.works import Works

LANDLINE = "033-481-1234"


async def state_of(works: Works) -> str:
    (row,) = await works.rows("SELECT state FROM broadcast WHERE id = :id", id=works.last)
    return str(row.state)


# --- taken back -------------------------------------------------------------------------------


async def test_a_recall_holds_back_what_is_not_handed_over(works: Works) -> None:
    """One held, one queued, one claimed, one on the wire, one ringing, one heard."""
    for _ in range(6):
        await a_resident(works.office)
    await works.broadcast(Priority.URGENT)
    rings, hears = await works.hand_over_some(2)
    await works.heard(hears)
    begun = await works.turn_over(await works.claim(Channel.VOICE, 1))
    await works.claim(Channel.VOICE, 1)
    await works.write(
        "UPDATE delivery SET state = 'held' WHERE id = (SELECT MAX(id) FROM delivery WHERE state = 'queued')"
    )
    assert sorted(state for _, state in await works.deliveries()) == [
        "claimed", "heard", "held", "queued", "sending", "sent",
    ]  # fmt: skip
    await works.composer.recall(works.last, works.head)
    assert sorted(state for _, state in await works.deliveries()) == [
        "cancelled", "cancelled", "cancelled", "heard", "sending", "sent",
    ]  # fmt: skip
    assert [stop.reference for stop in works.stops] == [f"ref-{rings}"]
    assert sorted(await works.reaches()) == ["closed"] * 5 + ["heard"]
    (pair,) = begun.items()
    await works.turn_over(finished={pair: Rejected(Reason.TOO_LONG)})
    await works.receive(rings, ReceiptKind.STOPPED)
    for _ in range(5):
        await works.pass_(minutes=20)
        assert await works.hand_over(Channel.VOICE) == []
    assert await state_of(works) == "recalled"
    assert await works.leases.next_moment() is None


async def test_what_was_accepted_after_the_recall_is_stopped(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    begun = await works.turn_over(await works.claim(Channel.VOICE))
    await works.composer.recall(works.last, works.head)
    assert works.stops == []
    await works.accept(begun)
    assert [stop.reference for stop in works.stops] == [f"ref-{attempt}" for attempt in begun.values()]


async def test_a_cancel_comes_before_anything_is_made(works: Works) -> None:
    await a_resident(works.office)
    works.last = await works.submit(Priority.ROUTINE, who=works.head)
    await works.composer.cancel(works.last, works.head)
    await works.pass_(hours=1)
    assert (await state_of(works), await works.reaches()) == ("cancelled", [])


async def test_a_recall_is_not_lost_when_the_broadcast_moves_meanwhile(works: Works) -> None:
    """The last slice comes between the look and the recall."""
    await a_resident(works.office)
    await works.broadcast()
    await works.write("UPDATE broadcast SET state = 'fanning_out'")
    store = ComposeQueries(works.office.database)
    stale = await store.standing(works.last)
    await works.write("UPDATE broadcast SET state = 'sending'")
    looks = [stale]

    async def standing(broadcast_id: object) -> object:
        return looks.pop() if looks else await store.standing(works.last)

    works.composer._store.standing = standing  # type: ignore[method-assign,assignment]  # a look that is old
    await works.composer.recall(works.last, works.head)
    assert await state_of(works) == "recalled"


async def test_a_cancel_that_comes_too_late_holds_nothing_back(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    works.halted.clear()
    with pytest.raises(Conflict):
        await works.composer.cancel(works.last, works.head)
    assert works.halted == []
    assert len(await works.hand_over(Channel.VOICE)) == 1


async def test_a_recall_beside_a_working_ladder_leaves_nothing_behind(works: Works) -> None:
    """At the same moment as a slice of asks and a batch of receipts, in separate transactions."""
    for _ in range(10):
        await a_resident(works.office, phone="", kakao=f"user{_}")
    await works.broadcast(Priority.URGENT)
    attempts = await works.hand_over(Channel.KAKAO)
    works.clock.pass_(minutes=10)
    await asyncio.gather(
        works.composer.recall(works.last, works.head),
        works.escalator.run_due(),
        works.a_book().take([works.receipt(attempts[0], ReceiptKind.TAPPED)]),
        works.finisher.run_due(),
    )
    await works.tick()
    open_or_due = await works.rows("SELECT 1 FROM reach WHERE state = 'open' OR deadline_at IS NOT NULL")
    assert open_or_due == []
    assert {state for _, state in await works.deliveries()} <= {"sent", "confirmed", "cancelled", "failed"}


# --- expired ----------------------------------------------------------------------------------


async def test_nothing_goes_out_from_the_moment_of_expiry(works: Works) -> None:
    for _ in range(2):
        await a_resident(works.office)
    await works.broadcast(expires_in=timedelta(hours=1))
    (rings,) = await works.hand_over_some(1)
    await works.pass_(hours=1)
    assert sorted(state for _, state in await works.deliveries()) == [
        "expired",
        "failed",
    ]  # 15 min unheard of
    assert await works.reaches() == ["closed", "closed"]
    assert await state_of(works) == "expired"
    await works.keyed(rings)
    assert sorted(await works.reaches()) == ["closed", "confirmed"]


async def test_an_expired_emergency_tells_its_head_whom_it_missed(works: Works) -> None:
    """One of an hour ends before its ladder does; the list must go out all the same, though nothing else may."""
    await works.give_head_a_phone()
    await a_resident(works.office, name="김영자", born_in=1944)
    await works.broadcast(priority=Priority.EMERGENCY, expires_in=timedelta(minutes=30))
    await works.pass_(minutes=30)
    assert await state_of(works) == "expired"
    claimed = await works.claim(Channel.SMS)
    assert [(one.purpose, one.text) for one in claimed] == [
        ("missed_list", "[마을방송] 못 들으신 분 1명: 김○자(82)")
    ]
    assert len(await works.turn_over(claimed)) == 1


async def test_what_a_done_broadcast_still_held_expires_unsent(works: Works) -> None:
    """Its guardians' texts wait for morning; by then it is over."""
    person = await a_resident(works.office, phone="", kakao="granny")
    await a_guardian(works.office, person)
    works.clock.pass_(hours=10, minutes=59)  # 20:59
    await works.broadcast(expires_in=timedelta(hours=11, minutes=1))
    (attempt,) = await works.hand_over(Channel.KAKAO)
    await works.write(
        "UPDATE delivery SET state = 'held', due_at = due_at + 39600000000 WHERE channel = 'sms'"
    )
    await works.receive(attempt, ReceiptKind.TAPPED)
    await works.tick()
    assert await state_of(works) == "done"
    await works.pass_(hours=11, minutes=1)
    assert await works.hand_over(Channel.SMS) == []
    assert await works.deliveries("channel = 'sms'") == [("sms", "expired")]
    assert await works.leases.next_moment() is None


# --- done and missed --------------------------------------------------------------------------


async def test_the_head_is_told_once_whom_nobody_reached(works: Works) -> None:
    await works.give_head_a_phone()
    await a_resident(works.office, phone=LANDLINE, name="김영자", born_in=1944)
    await a_resident(works.office, name="박민수")
    await works.broadcast(Priority.URGENT)
    for _ in range(40):
        await works.pass_(minutes=5)
        for channel in (Channel.VOICE, Channel.SMS):
            for attempt in await works.hand_over(channel):
                kind = ReceiptKind.NO_ANSWER if channel is Channel.VOICE else ReceiptKind.REFUSED
                await works.receive(attempt, kind)
    assert await state_of(works) == "done"
    assert await works.reaches() == ["missed", "missed"]
    (row,) = await works.rows("SELECT channel, subject FROM delivery WHERE purpose = 'missed_list'")
    assert tuple(row) == ("sms", works.village)
    (errand,) = await works.rows("SELECT text_ciphertext FROM errand WHERE purpose = 'missed_list'")
    words = works.office.vault.open(errand.text_ciphertext)
    assert "2명: 김○자(82) 박○수" in words


async def test_a_missed_list_of_a_new_round_has_its_own_words(works: Works) -> None:
    """Also where the head's list goes to another address than before."""
    await works.give_head_a_phone("010-9999-0001")
    await a_resident(works.office, phone=LANDLINE, name="김영자")
    await works.broadcast(Priority.URGENT)
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.miss_to_the_end(attempt)
    await works.tick()
    await works.give_head_a_phone("010-9999-0002")
    await works.write("UPDATE resident SET name_ciphertext = :name", name=works.office.vault.seal("박순옥"))
    await works.composer.resend_unheard(works.last, works.head)
    await works.fan_out()
    await works.write("UPDATE delivery SET state = 'failed' WHERE state = 'queued' AND channel = 'voice'")
    await works.tick()
    told = [one.text for one in await works.claim(Channel.SMS) if one.purpose == "missed_list"]
    assert ["김○자" in text for text in told].count(True) == 1
    assert ["박○옥" in text for text in told].count(True) == 1


async def test_an_emergency_is_not_done_while_the_unconfirmed_are_asked(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast(Priority.EMERGENCY)
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.heard(attempt)
    for _ in range(12):
        await works.pass_(minutes=10)
        assert await state_of(works) in ("sending", "done")
        if await works.rows("SELECT 1 FROM reach WHERE deadline_at IS NOT NULL"):
            assert await state_of(works) == "sending"
        for again in await works.hand_over(Channel.VOICE):
            await works.heard(again)
    for _ in range(12):
        await works.pass_(minutes=10)
    assert await state_of(works) == "done"
    assert await works.reaches() == ["heard"]
    tries = await works.rows("SELECT SUM(tries) AS n FROM delivery WHERE channel = 'voice'")
    assert tries[0].n <= 6


# --- barred -----------------------------------------------------------------------------------


async def test_a_withdrawal_just_before_the_send_keeps_it_from_going_out(works: Works) -> None:
    """The husband withdraws, the wife does not: the landline still rings for her."""
    husband = await a_resident(works.office, phone=LANDLINE, name="남편")
    wife = await a_resident(works.office, phone=LANDLINE, name="아내")
    endings = EndingQueries(works.office.database)
    await works.broadcast()
    await works.broadcast()
    first, second = await works.claim(Channel.VOICE)
    await endings.withdraw(husband, [Category.NOTICE], "paper", works.clock.now())
    assert len(await works.turn_over([first])) == 1
    await endings.withdraw(wife, [Category.NOTICE], "paper", works.clock.now())
    assert await works.turn_over([second]) == {}
    assert await works.deliveries() == [("voice", "sending"), ("voice", "failed")]
    (row,) = await works.rows("SELECT stop_asked FROM delivery WHERE state = 'sending'")
    assert row.stop_asked == "barred"
    assert (
        await works.rows("SELECT 1 FROM address WHERE suppressed_at IS NOT NULL OR dead_at IS NOT NULL") == []
    )


async def test_a_suppressed_address_gives_way_to_the_next_rung(works: Works) -> None:
    person = await a_resident(works.office, phone="010-1234-5678", kakao="granny")
    await works.broadcast(Priority.URGENT)
    (row,) = await works.rows("SELECT id FROM address WHERE kind = 'kakao'")
    await EndingQueries(works.office.database).suppress(person, AddressId(row.id), works.clock.now())
    await works.tick()
    assert await works.deliveries() == [("kakao", "failed"), ("voice", "queued")]
    assert BroadcastState(await state_of(works)) is BroadcastState.SENDING
