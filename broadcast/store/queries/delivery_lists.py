"""Reading deliveries with their attempts, the page behind a listen link, and counts for the metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import AttemptId, DeliveryState
from broadcast.report import AttemptRow, DeliveryRow, ListenPage
from broadcast.roles import Detail, Holder, detail_for
from broadcast.store.columns import from_us, maybe_from_us
from broadcast.store.queries.scope import seen_by
from broadcast.store.unit import Database, as_json, fetch

DELIVERIES = """
SELECT d.id, d.purpose, d.channel, d.state, d.reason, d.stop_asked, d.round, d.tries, d.due_at, d.updated_at,
  v.code AS village, a.masked
FROM delivery d JOIN village v ON v.id = d.village_id JOIN address a ON a.id = d.address_id
WHERE d.broadcast_id = :broadcast_id AND d.id > :after AND {seen} {more}
ORDER BY d.id
LIMIT :limit
"""

ATTEMPTS = """
SELECT delivery_id, number, provider, begun_at, outcome, reason, call_status, answered_by, keys, seconds,
  ended_at
FROM attempt WHERE delivery_id IN {ids} ORDER BY delivery_id, number
"""

LISTEN = """
SELECT b.id, b.state, b.title, b.text, b.created_at, v.name AS village, d.state AS delivery_state,
  c.hash, c.seconds
FROM attempt t JOIN delivery d ON d.id = t.delivery_id JOIN broadcast b ON b.id = d.broadcast_id
  JOIN village v ON v.id = d.village_id
  LEFT JOIN clip c ON c.broadcast_id = b.id AND c.village_id = 0 AND c.part = 'text'
WHERE t.id = :id AND d.purpose IN ('announcement', 'listen_along')
"""


class DeliveryLists:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def deliveries(
        self, who: Holder, id: int, *, state: str | None = None, after: int = 0, limit: int = 100
    ) -> list[DeliveryRow]:
        """Deliveries of one broadcast by id, from the one after `after`."""
        seen, scope = seen_by(who)
        more = "" if state is None else "AND d.state = :state"
        binds = scope if state is None else {**scope, "state": state}
        async with self._database.read() as connection:
            sql = DELIVERIES.format(seen=seen, more=more)
            rows = await fetch(connection, sql, broadcast_id=id, after=after, limit=limit, **binds)
            attempts = await self._attempts(connection, [row.id for row in rows])
        shows_addresses = detail_for(who) >= Detail.NAME
        return [_delivery(row, attempts[row.id], shows_addresses) for row in rows]

    async def listen_page(self, id: AttemptId) -> ListenPage | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, LISTEN, id=id)
        if not rows:
            return None
        row = rows[0]
        return ListenPage(
            broadcast_id=row.id,
            state=row.state,
            title=row.title,
            text=row.text,
            village=row.village,
            created_at=from_us(row.created_at),
            is_confirmed=row.delivery_state == DeliveryState.CONFIRMED,
            hash=row.hash,
            seconds=row.seconds,
        )

    async def counts(self) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        """Deliveries by channel and state, and reaches by state, over all broadcasts."""
        async with self._database.read() as connection:
            deliveries = await fetch(
                connection, "SELECT channel, state, count(*) AS n FROM delivery GROUP BY channel, state"
            )
            reaches = await fetch(connection, "SELECT state, count(*) AS n FROM reach GROUP BY state")
        return {(row.channel, row.state): row.n for row in deliveries}, {row.state: row.n for row in reaches}

    async def recording_type(self, key: str) -> str | None:
        """The content type of the recording under this media key."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection, "SELECT content_type FROM recording WHERE key = :key LIMIT 1", key=key
            )
        return str(rows[0].content_type) if rows else None

    async def _attempts(self, connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[AttemptRow]]:
        attempts: dict[int, list[AttemptRow]] = defaultdict(list)
        sql = ATTEMPTS.format(ids=self._database.ids())
        for row in await fetch(connection, sql, ids=as_json(list(ids))):
            attempts[row.delivery_id].append(_attempt(row))
        return attempts


def _attempt(row: Row[Any]) -> AttemptRow:
    return AttemptRow(
        number=row.number,
        provider=row.provider,
        begun_at=from_us(row.begun_at),
        outcome=row.outcome,
        reason=row.reason,
        call_status=row.call_status,
        answered_by=row.answered_by,
        keys=row.keys,
        seconds=row.seconds,
        ended_at=maybe_from_us(row.ended_at),
    )


def _delivery(row: Row[Any], attempts: list[AttemptRow], shows_address: bool) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        purpose=row.purpose,
        channel=row.channel,
        state=row.state,
        reason=row.reason,
        stop_asked=row.stop_asked,
        round=row.round,
        tries=row.tries,
        village=row.village,
        address=row.masked if shows_address else None,
        due_at=maybe_from_us(row.due_at),
        updated_at=from_us(row.updated_at),
        attempts=attempts,
    )
