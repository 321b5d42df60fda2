"""The line between surely not sent and perhaps sent: what may be begun, and what becomes of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from broadcast.model import Accepted, Category, Channel, Deferred, Priority, Reason, ReceiptKind
from broadcast.store.columns import to_us
from broadcast.store.queries.endings import EndingQueries
from tests.builders import a_resident
from tests.store.works import LEASE, Works

LANDLINE = "033-481-1234"
Meanwhile = Callable[[Works], Awaitable[None]]


async def test_a_begin_is_durable_with_its_attempt(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    claimed = await works.claim(Channel.VOICE)
    begun = await works.turn_over(claimed)
    (row,) = await works.rows("SELECT state, tries, attempt_id, lease_until FROM delivery")
    assert tuple(row) == ("sending", 1, begun[claimed[0].id], to_us(works.clock.now() + LEASE))
    (attempt,) = await works.rows("SELECT delivery_id, number, provider, settled FROM attempt")
    assert tuple(attempt) == (claimed[0].id, 1, "voice", 0)
    assert await works.turn_over(claimed) == {}  # never twice


async def test_attempts_are_numbered_over_deferrals_too(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    for _ in range(2):
        await works.hand_over(Channel.VOICE, Deferred(Reason.THROTTLED, timedelta(seconds=1)))
        await works.pass_(seconds=2)
    await works.hand_over(Channel.VOICE)
    assert [row.number for row in await works.rows("SELECT number FROM attempt ORDER BY id")] == [1, 2, 3]
    assert [row.tries for row in await works.rows("SELECT tries FROM delivery")] == [1]


# --- what happened since the claim ------------------------------------------------------------


async def recalled(works: Works) -> None:
    await works.composer.recall(works.last, works.head)


async def expired(works: Works) -> None:
    works.clock.pass_(hours=2)


async def died(works: Works) -> None:
    await EndingQueries(works.office.database).deceased(works.person, works.clock.now())


async def withdrew(works: Works) -> None:
    await EndingQueries(works.office.database).withdraw(
        works.person, [Category.NOTICE], "paper", works.clock.now()
    )


async def withdrew_unseen(works: Works) -> None:
    """Beside a fan-out that had already looked: the reach stays open."""
    await works.write("UPDATE subscription SET withdrawn_at = :now", now=to_us(works.clock.now()))


async def number_died(works: Works) -> None:
    await works.write("UPDATE address SET dead_at = :now", now=to_us(works.clock.now()))


async def number_was_suppressed(works: Works) -> None:
    await works.write("UPDATE address SET suppressed_at = :now", now=to_us(works.clock.now()))


async def heard_elsewhere(works: Works) -> None:
    """The ladder asked while the good news came in: the delivery was made for nobody."""
    await works.write("UPDATE reach SET state = 'heard', deadline_at = NULL")


@pytest.mark.parametrize(
    ("meanwhile", "state", "reason"),
    [
        (recalled, "cancelled", None),
        (expired, "expired", None),
        (died, "failed", None),
        (withdrew, "failed", None),
        (withdrew_unseen, "failed", None),
        (number_died, "failed", "bad_address"),
        (number_was_suppressed, "failed", "opted_out"),
        (heard_elsewhere, "cancelled", None),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_what_changed_since_the_claim_keeps_it_from_going_out(
    works: Works, meanwhile: Meanwhile, state: str, reason: str | None
) -> None:
    works.person = await a_resident(works.office, phone=LANDLINE)
    works.last = await works.broadcast(expires_in=timedelta(hours=2))
    claimed = await works.claim(Channel.VOICE)
    await meanwhile(works)
    assert await works.turn_over(claimed) == {}
    await works.settle_not_begun(claimed)
    (row,) = await works.rows("SELECT state, reason, lease_owner, lease_until FROM delivery")
    assert tuple(row) == (state, reason, None, None)
    assert await works.rows("SELECT 1 FROM attempt") == []
    marks = await works.rows(
        "SELECT dead_at IS NOT NULL AS dead, suppressed_at IS NOT NULL AS out FROM address"
    )
    assert [(bool(row.dead), bool(row.out)) for row in marks] == [
        (meanwhile is number_died, meanwhile is number_was_suppressed)
    ]


async def test_a_lost_lease_is_not_begun_by_its_old_owner(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast()
    old = await works.claim(Channel.VOICE, owner="slow")
    await works.pass_(seconds=61)
    new = await works.claim(Channel.VOICE, owner="quick")
    assert [one.id for one in old] == [one.id for one in new]
    assert await works.turn_over(old, owner="slow") == {}
    await works.settle_not_begun(old, owner="slow")
    assert len(await works.turn_over(new, owner="quick")) == 1


# --- one call a number ------------------------------------------------------------------------


async def test_two_calls_to_one_number_in_one_group_ring_once(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    for _ in range(2):
        await works.broadcast()
    claimed = await works.claim(Channel.VOICE)
    begun = await works.turn_over(claimed)
    assert list(begun) == [claimed[0].id]
    await works.settle_not_begun([claimed[1]])
    (row,) = await works.rows("SELECT state, due_at FROM delivery WHERE attempt_id IS NULL")
    assert tuple(row) == ("held", to_us(works.clock.now() + timedelta(minutes=2)))


async def test_two_workers_ring_one_number_once(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    for _ in range(4):
        await works.broadcast()
    groups = [await works.claim(Channel.VOICE, 1, owner=f"w{n}") for n in range(4)]
    begun = await asyncio.gather(*(works.turn_over(group, owner=f"w{n}") for n, group in enumerate(groups)))
    assert sum(map(len, begun)) == 1


async def test_an_emergency_does_not_wait_long_behind_a_call_of_ours(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.broadcast(Priority.EMERGENCY)
    assert await works.hand_over(Channel.VOICE) == []
    await works.heard(attempt)
    await works.pass_(seconds=20)
    assert len(await works.hand_over(Channel.VOICE)) == 1


async def test_a_busy_number_is_left_alone_for_two_minutes(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.receive(attempt, ReceiptKind.BUSY)
    await works.broadcast()
    assert await works.hand_over(Channel.VOICE) == []
    await works.pass_(minutes=2)
    assert len(await works.hand_over(Channel.VOICE)) == 1


async def test_a_number_rings_for_routine_twice_a_day_over_all_broadcasts(works: Works) -> None:
    """Heard or not; what the carrier put off does not count, and other lanes go on."""
    await a_resident(works.office, phone=LANDLINE)
    rang = []
    for outcome in (Deferred(Reason.THROTTLED), Accepted("a"), Accepted("b")):
        await works.broadcast()
        attempts = await works.hand_over(Channel.VOICE, outcome)
        rang.append(len(attempts))
        if isinstance(outcome, Accepted):
            await works.heard(attempts[0])
        else:
            await works.composer.recall(works.last, works.head)
        works.clock.pass_(minutes=10)
    assert rang == [1, 1, 1]
    third = await works.broadcast()
    assert await works.hand_over(Channel.VOICE) == []
    (row,) = await works.rows("SELECT state, due_at FROM delivery WHERE broadcast_id = :id", id=third)
    tomorrow = works.clock.now() + timedelta(hours=21, minutes=30)  # 08:00
    assert tuple(row) == ("held", to_us(tomorrow))
    await works.broadcast(Priority.URGENT)
    assert len(await works.hand_over(Channel.VOICE)) == 1


async def test_texts_to_one_number_go_side_by_side(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678")
    for _ in range(2):
        await works.broadcast(Priority.EMERGENCY)
    assert len(await works.hand_over(Channel.SMS)) == 2
