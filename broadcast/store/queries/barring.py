"""Barred: consent withdrawn, death, moving away, suppression end what is still to come, at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.lifecycle import STOPPABLE, DeliveryEvent, sources
from broadcast.lifecycle_reach import ReachEvent, reach_sources
from broadcast.store.columns import from_us
from broadcast.store.queries import covering, deliveries
from broadcast.store.unit import Database, as_json, fetch
from broadcast.work import StopRequest


def _listed(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


BARRABLE = _listed(frozenset(sources(DeliveryEvent.BARRED) | STOPPABLE))

# Heard is an end below EMERGENCY, so only there it is closed.
CLOSE = f"""
    UPDATE reach SET state = 'closed', deadline_at = NULL, ended_at = COALESCE(ended_at, :now)
    WHERE resident_id IN {{ids}} AND broadcast_id IN (
        SELECT b.id FROM broadcast b WHERE b.id = reach.broadcast_id
        AND (:category = '' OR b.category = :category)
        AND (reach.state IN ({_listed(frozenset(reach_sources(ReachEvent.BARRED, emergency=False)))})
             OR (b.priority = 0
                 AND reach.state IN ({_listed(frozenset(reach_sources(ReachEvent.BARRED, emergency=True)))}))))
    RETURNING id
"""


async def bar(
    connection: AsyncConnection,
    database: Database,
    now_us: int,
    *,
    resident_ids: Sequence[int] = (),
    address_ids: Sequence[int] = (),
    category: str | None = None,
) -> list[StopRequest]:
    """In the caller's transaction: close these residents' reaches and bar what then serves nobody.

    For `address_ids` every live delivery to the address is barred, and the people behind it go on to
    their next rung. Returns what the providers are to be asked to stop once the caller has committed.
    """
    stops: list[StopRequest] = []
    if resident_ids:
        closed = await fetch(
            connection,
            CLOSE.format(ids=database.ids()),
            ids=as_json(sorted(set(resident_ids))),
            now=now_us,
            category=category or "",
        )
        stops += await covering.end_needless(
            connection, database, [row.id for row in closed], DeliveryEvent.BARRED, from_us(now_us)
        )
    if address_ids:
        stops += await _bar_addresses(connection, database, address_ids, now_us)
    return stops


async def _bar_addresses(
    connection: AsyncConnection, database: Database, address_ids: Sequence[int], now_us: int
) -> list[StopRequest]:
    rows = await fetch(
        connection,
        f"SELECT id FROM delivery WHERE address_id IN {database.ids()} AND state IN ({BARRABLE})",
        ids=as_json(sorted(set(address_ids))),
    )
    ids = [row.id for row in rows]
    stops = await covering.end(connection, database, ids, DeliveryEvent.BARRED, from_us(now_us))
    await deliveries.nudge(connection, database, ids, from_us(now_us))
    return stops
