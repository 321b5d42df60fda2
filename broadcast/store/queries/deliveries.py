"""Reading deliveries under a lock and writing changes back, one statement a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast import plans
from broadcast.lifecycle import StopReason
from broadcast.model import (
    AddressId,
    AttemptId,
    BroadcastId,
    Category,
    Channel,
    DeliveryId,
    DeliveryState,
    Priority,
    Purpose,
    Reason,
    ReceiptKind,
)
from broadcast.store.columns import from_us, maybe_from_us, maybe_us, to_us
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.work import AttemptFacts, Change, DeliveryFacts

FACTS = """
    SELECT d.id, d.broadcast_id, d.purpose, d.channel, d.priority, d.state, d.attempt_id, d.address_id, d.tries,
           d.defers, d.first_due_at, d.stop_asked, d.reason, d.turn, d.due_at, d.lease_until,
           b.category, b.act_now, b.expires_at, v.calls_open_at,
           (SELECT COALESCE(SUM(o.tries), 0) FROM delivery o
            WHERE o.broadcast_id = d.broadcast_id AND o.purpose = d.purpose AND o.subject = d.subject
              AND o.address_id = d.address_id AND o.channel = d.channel AND o.round < d.round) AS tried_before
    FROM delivery d
    JOIN broadcast b ON b.id = d.broadcast_id
    JOIN village v ON v.id = d.village_id
"""

SAVED = {
    "id": "bigint",
    "state": "text",
    "attempt_id": "bigint",
    "tries": "int",
    "defers": "int",
    "turn": "bigint",
    "due_at": "bigint",
    "lease_until": "bigint",
    "stop_asked": "text",
    "reason": "text",
}

ATTEMPT_SAVED = {
    "id": "bigint",
    "reference": "text",
    "outcome": "text",
    "reason": "text",
    "call_status": "text",
    "answered_by": "text",
    "played_at": "bigint",
    "keys": "text",
    "seconds": "double precision",
    "ended_at": "bigint",
    "settle_at": "bigint",
    "settled": "int",
}


def clock_time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def delivery_facts(row: Row[Any]) -> DeliveryFacts:
    return DeliveryFacts(
        id=DeliveryId(row.id),
        broadcast_id=BroadcastId(row.broadcast_id),
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        priority=Priority(row.priority),
        category=Category(row.category),
        act_now=bool(row.act_now),
        state=DeliveryState(row.state),
        attempt_id=None if row.attempt_id is None else AttemptId(row.attempt_id),
        address_id=AddressId(row.address_id),
        tries=row.tries,
        defers=row.defers,
        first_due_at=from_us(row.first_due_at),
        stop_asked=StopReason(row.stop_asked) if row.stop_asked else None,
        reason=Reason(row.reason) if row.reason else None,
        expires_at=from_us(row.expires_at),
        opens_at=clock_time(row.calls_open_at),
        turn=row.turn,
        due_at=maybe_from_us(row.due_at),
        lease_until=maybe_from_us(row.lease_until),
        tried_before=int(row.tried_before),
    )


async def lock(
    connection: AsyncConnection, database: Database, ids: Iterable[int]
) -> dict[DeliveryId, DeliveryFacts]:
    """These deliveries as they are now; locked until the transaction ends."""
    of = "" if database.is_sqlite else " FOR UPDATE OF d"
    rows = await fetch(
        connection,
        f"{FACTS} WHERE {database.among('d.id')} ORDER BY d.id{of}",
        ids=as_json(sorted(set(ids))),
    )
    return {DeliveryId(row.id): delivery_facts(row) for row in rows}


async def save(
    connection: AsyncConnection, database: Database, changes: Sequence[Change], now: datetime
) -> None:
    """One change a delivery; the lease's owner goes when the delivery is not leased any more."""
    if not changes:
        return
    rows = [
        {
            "id": change.id,
            "state": str(change.state),
            "attempt_id": change.attempt_id,
            "tries": change.tries,
            "defers": change.defers,
            "turn": change.turn,
            "due_at": maybe_us(change.due_at),
            "lease_until": maybe_us(change.lease_until),
            "stop_asked": None if change.stop_asked is None else str(change.stop_asked),
            "reason": None if change.reason is None else str(change.reason),
        }
        for change in changes
    ]
    await run(
        connection,
        f"UPDATE delivery SET state = r.state, attempt_id = r.attempt_id, tries = r.tries, defers = r.defers,"
        f" turn = r.turn, due_at = r.due_at, lease_until = r.lease_until, lease_owner = NULL,"
        f" stop_asked = r.stop_asked, reason = r.reason, updated_at = :now"
        f" FROM {database.rows(SAVED)} WHERE delivery.id = r.id",
        rows=as_json(rows),
        now=to_us(now),
    )


async def lock_attempts(
    connection: AsyncConnection, database: Database, ids: Iterable[int]
) -> dict[AttemptId, AttemptFacts]:
    rows = await fetch(
        connection,
        "SELECT id, delivery_id, provider, reference, begun_at, outcome, reason, call_status, answered_by,"
        " played_at, keys, seconds, ended_at, settle_at, settled"
        f" FROM attempt WHERE {database.among('id')} ORDER BY id{database.for_update}",
        ids=as_json(sorted(set(ids))),
    )
    return {AttemptId(row.id): _attempt_facts(row) for row in rows}


def _attempt_facts(row: Row[Any]) -> AttemptFacts:
    return AttemptFacts(
        id=AttemptId(row.id),
        delivery_id=DeliveryId(row.delivery_id),
        provider=row.provider,
        reference=row.reference,
        begun_at=from_us(row.begun_at),
        outcome=row.outcome,
        reason=Reason(row.reason) if row.reason else None,
        call_status=ReceiptKind(row.call_status) if row.call_status else None,
        answered_by=ReceiptKind(row.answered_by) if row.answered_by else None,
        played_at=maybe_from_us(row.played_at),
        keys=row.keys,
        seconds=row.seconds,
        ended_at=maybe_from_us(row.ended_at),
        settle_at=maybe_from_us(row.settle_at),
        settled=bool(row.settled),
    )


async def save_attempts(
    connection: AsyncConnection, database: Database, attempts: Sequence[AttemptFacts]
) -> None:
    if not attempts:
        return
    rows: list[Mapping[str, object]] = [
        {
            "id": one.id,
            "reference": one.reference,
            "outcome": one.outcome,
            "reason": None if one.reason is None else str(one.reason),
            "call_status": None if one.call_status is None else str(one.call_status),
            "answered_by": None if one.answered_by is None else str(one.answered_by),
            "played_at": maybe_us(one.played_at),
            "keys": one.keys,
            "seconds": one.seconds,
            "ended_at": maybe_us(one.ended_at),
            "settle_at": maybe_us(one.settle_at),
            "settled": int(one.settled),
        }
        for one in attempts
    ]
    await run(
        connection,
        "UPDATE attempt SET reference = r.reference, outcome = r.outcome, reason = r.reason,"
        " call_status = r.call_status, answered_by = r.answered_by, played_at = r.played_at, keys = r.keys,"
        " seconds = r.seconds, ended_at = r.ended_at, settle_at = r.settle_at, settled = (r.settled = 1)"
        f" FROM {database.rows(ATTEMPT_SAVED)} WHERE attempt.id = r.id",
        rows=as_json(rows),
    )


MISSES = (Reason.NO_ANSWER, Reason.BUSY, Reason.VOICEMAIL, Reason.HUNG_UP_EARLY)
MISS_LIST = ", ".join(f"'{reason}'" for reason in MISSES)

# In an emergency somebody is told after two misses: the ladder looks at once, not at its next deadline.
HURRY = f"""
    UPDATE reach SET deadline_at = :now
    WHERE deadline_at > :now AND state IN ('open', 'heard') AND rung < :told_at
      AND id IN (SELECT l.reach_id FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
                 WHERE d.priority = 0 AND d.channel = 'voice' AND d.id IN {{ids}})
      AND :misses <= (
          SELECT COUNT(*) FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
          JOIN attempt t ON t.delivery_id = d.id
          WHERE l.reach_id = reach.id AND d.channel = 'voice' AND t.reason IN ({MISS_LIST}))
"""


async def hurry(
    connection: AsyncConnection, database: Database, delivery_ids: Iterable[int], now: datetime
) -> None:
    """Bring the deadline of reaches forward whose calls have missed often enough for others to be told."""
    ids = sorted(set(delivery_ids))
    if ids:
        await run(
            connection,
            HURRY.format(ids=database.ids()),
            ids=as_json(ids),
            now=to_us(now),
            told_at=plans.TOLD_AT,
            misses=plans.TELL_AFTER_MISSES,
        )


# Rungs are left over, nothing is under way for the person any more: the ladder need not wait longer.
NUDGE = """
    UPDATE reach SET deadline_at = :now
    WHERE deadline_at > :now AND state IN ('open', 'heard')
      AND id IN (SELECT reach_id FROM delivery_reach WHERE delivery_id IN {ids})
      AND NOT EXISTS (
          SELECT 1 FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
          WHERE l.reach_id = reach.id
            AND d.state IN ('held','queued','claimed','sending','unconfirmed','sent','delivered','heard'))
"""


async def nudge(
    connection: AsyncConnection, database: Database, delivery_ids: Iterable[int], now: datetime
) -> int:
    """Bring the deadline of reaches whose last delivery just failed forward to now."""
    ids = as_json(sorted(set(delivery_ids)))
    result = await run(connection, NUDGE.format(ids=database.ids()), ids=ids, now=to_us(now))
    return result.rowcount


# A permanent failure makes an address dead, an opt-out suppresses it; a landline just takes no SMS.
MARKS = {
    Reason.BAD_ADDRESS: "dead_at = COALESCE(dead_at, :now)",
    Reason.OPTED_OUT: "suppressed_at = COALESCE(suppressed_at, :now)",
    Reason.NO_SMS: "can_sms = false",
}


async def after_failures(
    connection: AsyncConnection,
    database: Database,
    facts: Mapping[DeliveryId, DeliveryFacts],
    changes: Sequence[Change],
    now: datetime,
) -> None:
    """Mark what will never work again, and let the ladder go on for those who were waiting on it."""
    failed = [change for change in changes if change.state is DeliveryState.FAILED]
    if not failed:
        return
    for reason, mark in MARKS.items():
        ids = sorted({facts[change.id].address_id for change in failed if change.reason is reason})
        if ids:
            await run(
                connection,
                f"UPDATE address SET {mark} WHERE id IN {database.ids()}",
                ids=as_json(ids),
                **({"now": to_us(now)} if ":now" in mark else {}),
            )
    await nudge(connection, database, [change.id for change in failed], now)
