"""Answers and receipts written back: by attempt, once, together, and beside each other."""

from __future__ import annotations

import asyncio

import pytest

from broadcast.model import (
    Accepted,
    Channel,
    Outcome,
    Priority,
    Reason,
    ReceiptKind,
    Rejected,
    Unclear,
)
from tests.builders import a_resident
from tests.store.works import Works

LANDLINE = "033-481-1234"


async def states(works: Works) -> list[str]:
    return [state for _, state in await works.deliveries()]


async def test_answers_of_many_are_written_together(works: Works) -> None:
    for _ in range(4):
        await a_resident(works.office)
    await works.broadcast()
    begun = await works.turn_over(await works.claim(Channel.VOICE))
    outcomes: list[Outcome] = [
        Accepted("CA1"),
        Rejected(Reason.TOO_LONG),
        Unclear("reset"),
        Rejected(Reason.BAD_ADDRESS),
    ]
    await works.turn_over(finished=dict(zip(sorted(begun.items()), outcomes, strict=True)))
    assert await states(works) == ["sent", "failed", "unconfirmed", "failed"]
    dead = await works.rows("SELECT id FROM address WHERE dead_at IS NOT NULL")
    assert len(dead) == 1
    attempts = await works.rows("SELECT reference, outcome, reason FROM attempt ORDER BY delivery_id")
    assert [tuple(row) for row in attempts] == [
        ("CA1", "accepted", None),
        (None, "rejected", "too_long"),
        (None, "unclear", None),
        (None, "rejected", "bad_address"),
    ]


async def test_an_answer_that_is_told_twice_counts_once(works: Works) -> None:
    """The commit's own reply was lost, so the same answers are written again."""
    await a_resident(works.office)
    await works.broadcast()
    begun = await works.turn_over(await works.claim(Channel.VOICE))
    for _ in range(2):
        await works.turn_over(finished={pair: Rejected(Reason.TOO_LONG) for pair in begun.items()})
    assert await states(works) == ["failed"]


async def test_the_reply_after_the_receipt_fills_in_the_reference(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    begun = await works.turn_over(await works.claim(Channel.VOICE))
    (pair,) = begun.items()
    await works.heard(pair[1])
    await works.turn_over(finished={pair: Accepted(f"ref-{pair[1]}")})
    assert await states(works) == ["heard"]
    assert [row.reference for row in await works.rows("SELECT reference FROM attempt")] == [f"ref-{pair[1]}"]


async def test_a_landline_takes_no_texts_but_rings_on(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast(Priority.EMERGENCY)
    await works.hand_over(Channel.SMS, Rejected(Reason.NO_SMS))
    (row,) = await works.rows("SELECT can_sms, can_ring, dead_at FROM address")
    assert (bool(row.can_sms), bool(row.can_ring), row.dead_at) == (False, True, None)


# --- receipts ---------------------------------------------------------------------------------


async def test_a_receipt_told_twice_is_kept_once(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    again = works.receipt(attempt, ReceiptKind.KEYED, key="1")
    await works.book.take([again, again])
    await works.book.take([again])
    (kept,) = await works.rows("SELECT attempt_id, kind, raw_ciphertext FROM receipt")
    assert (kept.attempt_id, kept.kind) == (attempt, "keyed")
    assert works.office.vault.open_bytes(kept.raw_ciphertext) == b""
    assert [row.keys for row in await works.rows("SELECT keys FROM attempt")] == ["1"]


async def test_receipts_of_unknown_attempts_move_nothing_but_are_kept(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    await works.hand_over(Channel.VOICE)
    await works.receive(999_999, ReceiptKind.KEYED, key="1")
    assert await states(works) == ["sent"]
    assert [row.attempt_id for row in await works.rows("SELECT attempt_id FROM receipt")] == [None]


async def test_a_tap_counts_only_for_whom_it_was_sent_to(works: Works) -> None:
    await a_resident(works.office, kakao="grandmother")
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.KAKAO)
    await works.receive(attempt, ReceiptKind.TAPPED, user="somebody else")
    assert await states(works) == ["sent"]
    assert len(await works.rows("SELECT 1 FROM receipt")) == 1
    await works.receive(attempt, ReceiptKind.TAPPED, user="grandmother")
    assert await states(works) == ["confirmed"]


async def test_one_reference_that_covers_many_tells_of_the_named_one(works: Works) -> None:
    for user in ("first", "second"):
        await a_resident(works.office, kakao=user)
    await works.broadcast()
    attempts = await works.hand_over(Channel.KAKAO, Accepted("task"))
    receipt = works.receipt(attempts[0], ReceiptKind.DELIVERED, user="second")
    by_reference = type(receipt)("chat", receipt.kind, "d", receipt.at, reference="task", user="second")
    await works.book.take([by_reference])
    assert sorted(await states(works)) == ["delivered", "sent"]


async def test_a_receipt_that_cannot_be_stored_does_not_take_others_along(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    poison = works.receipt(attempt, ReceiptKind.RINGING, key="")
    poison = type(poison)("voice", ReceiptKind.RINGING, "x", poison.at, reference="ref", seconds=1.0)
    object.__setattr__(poison, "dedupe_key", "\0")  # PostgreSQL takes no NUL
    good = works.receipt(attempt, ReceiptKind.KEYED, key="1")
    answers = await asyncio.gather(works.book.take([poison]), works.book.take([good]), return_exceptions=True)
    assert answers[1] is None
    assert await states(works) == ["confirmed"]


async def test_whose_request_is_broken_off_does_not_break_off_the_others(works: Works) -> None:
    for _ in range(2):
        await a_resident(works.office)
    await works.broadcast()
    first, second = await works.hand_over(Channel.VOICE)
    one, two = [
        asyncio.create_task(works.book.take([works.receipt(attempt, ReceiptKind.KEYED, key="1")]))
        for attempt in (first, second)
    ]
    await asyncio.sleep(0)
    one.cancel()
    await two
    with pytest.raises(asyncio.CancelledError):
        await one
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert await states(works) == ["confirmed", "confirmed"]


# --- at the same time -------------------------------------------------------------------------


async def test_news_of_one_person_over_two_channels_at_once_is_not_lost(works: Works) -> None:
    """Two processes, two transactions: neither overwrites what the other told of the person."""
    for phone in ("010-1234-5678", "010-1234-5679", "010-1234-5670"):
        await a_resident(works.office, phone=phone)
    await works.broadcast(Priority.EMERGENCY)
    calls = await works.hand_over(Channel.VOICE)
    texts = await works.hand_over(Channel.SMS)
    books = [works.a_book() for _ in range(6)]
    kinds = [(attempt, ReceiptKind.HEARD, "") for attempt in calls]
    kinds += [(attempt, ReceiptKind.TAPPED, "") for attempt in texts]
    await asyncio.gather(
        *(
            book.take([works.receipt(attempt, kind, key=key)])
            for book, (attempt, kind, key) in zip(books, kinds, strict=True)
        )
    )
    assert await works.reaches() == ["confirmed"] * 3
    assert sorted(await states(works)) == ["confirmed"] * 3 + ["heard"] * 3


async def test_receipts_of_two_attempts_of_one_delivery_at_once(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast(Priority.EMERGENCY)
    (first,) = await works.hand_over(Channel.VOICE)
    await works.receive(first, ReceiptKind.NO_ANSWER)
    await works.pass_(minutes=3)
    (second,) = await works.hand_over(Channel.VOICE)
    await asyncio.gather(
        works.a_book().take([works.receipt(first, ReceiptKind.KEYED, key="9")]),
        works.a_book().take([works.receipt(second, ReceiptKind.NO_ANSWER)]),
    )
    assert await states(works) == ["confirmed"]
    assert len(await works.rows("SELECT 1 FROM help_request")) == 1
    assert [bool(row.needs_help) for row in await works.rows("SELECT needs_help FROM reach")] == [True]


async def test_late_good_news_stops_the_call_that_rings_on(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast(Priority.URGENT)
    (first,) = await works.hand_over(Channel.VOICE)
    await works.receive(first, ReceiptKind.NO_ANSWER)
    await works.pass_(minutes=5)
    (second,) = await works.hand_over(Channel.VOICE)
    await works.keyed(first)
    assert [stop.reference for stop in works.stops] == [f"ref-{second}"]
    await works.receive(second, ReceiptKind.STOPPED)
    assert await states(works) == ["confirmed"]
