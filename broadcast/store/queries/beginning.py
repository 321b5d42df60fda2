"""The last look before a hand-over: what may be begun, its attempts, and why the rest may not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.lifecycle import DeliveryEvent
from broadcast.model import AttemptId, DeliveryId, Reason
from broadcast.policy import LEFT_ALONE, ROUTINE_CALLS_A_DAY
from broadcast.store.columns import to_us
from broadcast.store.unit import Database, as_json, fetch, run, unindexed
from broadcast.work import NotBegun

# A missed list outlives its broadcast: whom an expired alert did not reach, the head must still hear.
GOES_OUT = """
    ((b.expires_at > :now AND b.state IN ('fanning_out', 'sending', 'done'))
     OR (d.purpose = 'missed_list' AND b.state IN ('done', 'expired')))
"""
USABLE = "a.dead_at IS NULL AND a.suppressed_at IS NULL"

# Consent, death and covering are looked at again: fan-out's or the ladder's view of them may be minutes old.
SERVES = """
    (d.purpose <> 'announcement' OR EXISTS (
        SELECT 1 FROM delivery_reach l JOIN reach r ON r.id = l.reach_id JOIN resident p ON p.id = r.resident_id
        WHERE l.delivery_id = d.id AND (r.state IN ('open', 'missed') OR (r.state = 'heard' AND d.priority = 0))
          AND p.deceased_at IS NULL AND p.moved_at IS NULL
          AND EXISTS (SELECT 1 FROM subscription s WHERE s.resident_id = p.id AND s.village_id = r.village_id
                      AND s.category = b.category AND s.withdrawn_at IS NULL)))
"""

# At most one open call a number over all broadcasts; a number that was busy is left alone for a while.
ENGAGED = """
    EXISTS (SELECT 1 FROM delivery o WHERE o.address_id = d.address_id AND o.id <> d.id
            AND o.channel = 'voice' AND o.state IN ('sending','unconfirmed','sent'))
    OR EXISTS (SELECT 1 FROM delivery o JOIN attempt t ON t.delivery_id = o.id
               WHERE o.address_id = d.address_id AND o.channel = 'voice' AND t.call_status = 'busy'
                 AND t.ended_at > :busy_since)
"""

# A routine call too many for one day; what the provider surely did not ring does not count.
RUNG_OUT = f"""
    d.priority = 2 AND {ROUTINE_CALLS_A_DAY} <= (
        SELECT COUNT(*) FROM delivery o JOIN attempt t ON t.delivery_id = o.id
        WHERE o.address_id = d.address_id AND o.channel = 'voice' AND o.priority = 2
          AND t.begun_at >= :rings_since AND COALESCE(t.outcome, '') NOT IN ('deferred', 'rejected'))
"""

FIT = f"""
    SELECT d.id FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id JOIN address a ON a.id = d.address_id
    WHERE {{among}} AND {GOES_OUT} AND {USABLE} AND {SERVES}
"""

# As above for calls, and of several to one number only the first in order.
FIT_CALLS = f"""
    SELECT id FROM (
        SELECT d.id, ROW_NUMBER() OVER (PARTITION BY d.address_id ORDER BY d.priority, d.turn, d.id) AS nth
        FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id JOIN address a ON a.id = d.address_id
        WHERE {{among}} AND {unindexed("d.state")} = 'claimed' AND d.lease_owner = :owner
          AND d.stop_asked IS NULL AND {GOES_OUT} AND {USABLE} AND {SERVES} AND NOT ({ENGAGED}) AND NOT ({RUNG_OUT})
    ) AS fit WHERE nth = 1
"""

# Two workers that begin calls to one number take turns, so that each sees what the other has begun.
LOCK_NUMBERS = """
    SELECT id FROM address WHERE id = ANY(ARRAY(SELECT address_id FROM delivery WHERE {among}))
    ORDER BY id FOR UPDATE
"""

WHY_NOT = f"""
    SELECT d.id, ({GOES_OUT}) AS goes_out, b.expires_at, a.dead_at, a.suppressed_at, ({SERVES}) AS serves,
           (d.channel = 'voice' AND ({RUNG_OUT})) AS rung_out,
           EXISTS (SELECT 1 FROM delivery_reach l JOIN reach r ON r.id = l.reach_id WHERE l.delivery_id = d.id
                   AND r.state IN ('heard', 'confirmed')) AS covered
    FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id JOIN address a ON a.id = d.address_id
    WHERE d.id IN {{ids}} AND d.state = 'claimed' AND d.lease_owner = :owner
"""

# Attempts are numbered over all rounds of trying one delivery, those that were put off included.
INSERT_ATTEMPTS = """
    INSERT INTO attempt (delivery_id, number, provider, begun_at, keys, settled)
    SELECT d.id, 1 + (SELECT COUNT(*) FROM attempt t WHERE t.delivery_id = d.id), :provider, :now, '', false
    FROM {ours} d
    RETURNING id, delivery_id
"""
OURS = f"""
    SELECT d.id FROM delivery d
    WHERE {{among}} AND {unindexed("d.state")} = 'claimed' AND d.lease_owner = :owner AND d.stop_asked IS NULL
"""
SENDING = """
    UPDATE delivery SET state = 'sending', lease_owner = :owner, lease_until = :until, tries = tries + 1,
           due_at = NULL, updated_at = :now, attempt_id = made.id
    FROM {made} WHERE delivery.id = made.delivery_id
"""
BEGIN_POSTGRES = (
    "WITH ours AS MATERIALIZED ({ours} ORDER BY d.id FOR UPDATE), made AS ("
    + INSERT_ATTEMPTS.replace("{ours}", "ours")
    + ")"
    + SENDING.format(made="made")
    + "RETURNING made.id, made.delivery_id"
)


async def begin(
    connection: AsyncConnection,
    database: Database,
    group: Sequence[DeliveryId],
    *,
    provider: str,
    owner: str,
    now: datetime,
    until: datetime,
    rings_since: datetime | None,
) -> dict[DeliveryId, AttemptId]:
    """Move what may still go out to sending, with an attempt each; the rest stays claimed.

    `rings_since` is given for calls: the local midnight from which a number's calls of the day count.
    """
    if not group:
        return {}
    calls = {} if rings_since is None else _calls(now, rings_since)
    fit = (FIT_CALLS if calls else FIT).format(among=database.among("d.id"))
    ours = OURS.format(among=database.among("d.id", f"({fit})"))
    ids = as_json(list(group))
    told: dict[str, object] = {"owner": owner, "until": to_us(until), "now": to_us(now)}
    if database.is_sqlite:
        made = await fetch(
            connection,
            INSERT_ATTEMPTS.format(ours=f"({ours})"),
            ids=ids,
            owner=owner,
            provider=provider,
            now=to_us(now),
            **calls,
        )
        rows = as_json([{"id": row.id, "delivery_id": row.delivery_id} for row in made])
        named = database.rows({"id": "bigint", "delivery_id": "bigint"}, alias="made")
        await run(connection, SENDING.format(made=named), rows=rows, **told)
    else:
        if calls:
            await run(connection, LOCK_NUMBERS.format(among=database.among("id")), ids=ids)
        sql = BEGIN_POSTGRES.format(ours=ours)
        made = await fetch(connection, sql, ids=ids, provider=provider, **told, **calls)
    return {DeliveryId(row.delivery_id): AttemptId(row.id) for row in made}


async def why_not(
    connection: AsyncConnection,
    database: Database,
    ids: Sequence[DeliveryId],
    owner: str,
    now: datetime,
    rings_since: datetime,
) -> dict[DeliveryId, NotBegun]:
    """What keeps claimed deliveries from being begun; those that are not this owner's any more are left out."""
    rows = await fetch(
        connection,
        WHY_NOT.format(ids=database.ids()),
        ids=as_json(list(ids)),
        owner=owner,
        now=to_us(now),
        rings_since=to_us(rings_since),
    )
    return {DeliveryId(row.id): _reason(row, now) for row in rows}


def _calls(now: datetime, rings_since: datetime) -> dict[str, object]:
    return {"busy_since": to_us(now - LEFT_ALONE), "rings_since": to_us(rings_since)}


def _reason(row: Row[Any], now: datetime) -> NotBegun:
    if row.dead_at is not None:
        return NotBegun(DeliveryEvent.BARRED, Reason.BAD_ADDRESS)
    if row.suppressed_at is not None:
        return NotBegun(DeliveryEvent.BARRED, Reason.OPTED_OUT)
    if row.expires_at <= to_us(now):
        return NotBegun(DeliveryEvent.EXPIRED)
    if not row.goes_out:
        return NotBegun(DeliveryEvent.CANCELLED)
    if not row.serves:
        return NotBegun(DeliveryEvent.COVERED if row.covered else DeliveryEvent.BARRED)
    return NotBegun(DeliveryEvent.POSTPONED, rung_out=bool(row.rung_out))
