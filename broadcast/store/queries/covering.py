"""What good news and endings do to reaches and to the other deliveries of the same people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.lifecycle import STOPPABLE, DeliveryEvent, move_delivery, sources
from broadcast.lifecycle_reach import ReachEvent, move_reach
from broadcast.model import LIVE, Priority, ReachState
from broadcast.outcomes import changed
from broadcast.policy import is_covered
from broadcast.store.columns import to_us
from broadcast.store.queries import deliveries
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.work import Change, DeliveryFacts, StopRequest

REACH_SAVED = {"id": "bigint", "state": "text", "heard": "int", "confirmed": "int", "over": "int"}

LIVE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE))

# Live deliveries of these people that serve nobody any more, and errands about them still unsent.
SERVES_NOBODY = f"""
    SELECT d.id FROM delivery d
    WHERE d.state IN ({LIVE_LIST}) AND d.id IN (
        SELECT l.delivery_id FROM delivery_reach l WHERE l.reach_id IN {{ids}})
      AND NOT EXISTS (
        SELECT 1 FROM delivery_reach l JOIN reach r ON r.id = l.reach_id
        WHERE l.delivery_id = d.id AND (r.state IN ('open', 'missed') OR (r.state = 'heard' AND d.priority = 0)))
    UNION
    SELECT d.id FROM delivery d JOIN reach r ON r.broadcast_id = d.broadcast_id AND r.resident_id = d.subject
    WHERE r.id IN {{ids}} AND d.purpose = 'guardian_told' AND d.state IN ('held', 'queued', 'claimed')
      AND (r.state IN ('confirmed', 'closed') OR (r.state = 'heard' AND d.priority > 0))
"""


async def hear(
    connection: AsyncConnection,
    database: Database,
    heard: Iterable[int],
    confirmed: Iterable[int],
    now: datetime,
) -> list[int]:
    """Good news of these deliveries for the reaches that they serve; returns the reaches that are covered now."""
    news = dict.fromkeys(heard, ReachEvent.HEARD) | dict.fromkeys(confirmed, ReachEvent.CONFIRMED)
    if not news:
        return []
    lock = "" if database.is_sqlite else " FOR UPDATE OF r"
    rows = await fetch(
        connection,
        "SELECT r.id, r.state, l.delivery_id, b.priority FROM delivery_reach l JOIN reach r ON r.id = l.reach_id"
        f" JOIN broadcast b ON b.id = r.broadcast_id WHERE l.delivery_id IN {database.ids()}"
        f" ORDER BY r.id{lock}",
        ids=as_json(sorted(news)),
    )
    states: dict[int, ReachState] = {}
    priorities: dict[int, Priority] = {}
    for row in rows:
        before = states.get(row.id, ReachState(row.state))
        priorities[row.id] = Priority(row.priority)
        is_emergency = priorities[row.id] is Priority.EMERGENCY
        states[row.id] = move_reach(before, news[row.delivery_id], emergency=is_emergency)
    await _save_reaches(connection, database, states, priorities, now)
    return [reach for reach, state in states.items() if is_covered(priorities[reach], state)]


async def _save_reaches(
    connection: AsyncConnection,
    database: Database,
    states: dict[int, ReachState],
    priorities: dict[int, Priority],
    now: datetime,
) -> None:
    rows = [
        {
            "id": reach,
            "state": str(state),
            "heard": int(state in (ReachState.HEARD, ReachState.CONFIRMED)),
            "confirmed": int(state is ReachState.CONFIRMED),
            "over": int(is_covered(priorities[reach], state)),
        }
        for reach, state in states.items()
    ]
    await run(
        connection,
        "UPDATE reach SET state = r.state,"
        " heard_at = CASE WHEN r.heard = 1 THEN COALESCE(heard_at, :now) ELSE heard_at END,"
        " confirmed_at = CASE WHEN r.confirmed = 1 THEN COALESCE(confirmed_at, :now) ELSE confirmed_at END,"
        " ended_at = CASE WHEN r.over = 1 THEN COALESCE(ended_at, :now) ELSE ended_at END,"
        " deadline_at = CASE WHEN r.over = 1 THEN NULL ELSE deadline_at END"
        f" FROM {database.rows(REACH_SAVED)} WHERE reach.id = r.id",
        rows=as_json(rows),
        now=to_us(now),
    )


async def cover(
    connection: AsyncConnection, database: Database, reaches: Sequence[int], now: datetime
) -> list[StopRequest]:
    """End what was still to come for people who need no further asking."""
    return await end_needless(connection, database, reaches, DeliveryEvent.COVERED, now)


async def end_needless(
    connection: AsyncConnection,
    database: Database,
    reaches: Sequence[int],
    event: DeliveryEvent,
    now: datetime,
) -> list[StopRequest]:
    """Move the live deliveries of these reaches that now serve nobody by `event` (covered or barred)."""
    if not reaches:
        return []
    rows = await fetch(
        connection, SERVES_NOBODY.format(ids=database.ids()), ids=as_json(sorted(set(reaches)))
    )
    return await end(connection, database, [row.id for row in rows], event, now)


async def end(
    connection: AsyncConnection,
    database: Database,
    delivery_ids: Sequence[int],
    event: DeliveryEvent,
    now: datetime,
) -> list[StopRequest]:
    """Covered, cancelled, expired or barred for these deliveries; returns what the provider is to stop."""
    if not delivery_ids:
        return []
    facts = await deliveries.lock(connection, database, delivery_ids)
    movable = sources(event) | STOPPABLE
    changes = [ended(one, event) for one in facts.values() if one.state in movable]
    await deliveries.save(connection, database, changes, now)
    under_way = [change.id for change in changes if change.state in STOPPABLE]
    return await stop_requests(connection, database, under_way)


def ended(facts: DeliveryFacts, event: DeliveryEvent) -> Change:
    move = move_delivery(facts.state, event, stop_asked=facts.stop_asked)
    kept = facts.lease_until if facts.state in STOPPABLE else None
    return changed(facts, move, lease_until=kept)


async def stops_of(
    connection: AsyncConnection, database: Database, attempts: Sequence[int]
) -> list[StopRequest]:
    """What the providers of these attempts are to be asked, where their references are known."""
    if not attempts:
        return []
    rows = await fetch(
        connection,
        f"SELECT provider, reference FROM attempt WHERE id IN {database.ids()} AND reference IS NOT NULL",
        ids=as_json(sorted(attempts)),
    )
    return [StopRequest(row.provider, row.reference) for row in rows]


async def stop_requests(
    connection: AsyncConnection, database: Database, delivery_ids: Sequence[int]
) -> list[StopRequest]:
    if not delivery_ids:
        return []
    rows = await fetch(
        connection,
        "SELECT t.provider, t.reference FROM delivery d JOIN attempt t ON t.id = d.attempt_id"
        f" WHERE d.id IN {database.ids()} AND t.reference IS NOT NULL",
        ids=as_json(sorted(delivery_ids)),
    )
    return [StopRequest(row.provider, row.reference) for row in rows]
