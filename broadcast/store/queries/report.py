"""Reading what became of broadcasts, within the villages that the reader may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import BroadcastId, Channel, DeliveryState, Priority
from broadcast.report import Asked, BroadcastView, PersonRow, by_channel, furthest
from broadcast.roles import Detail, Holder, detail_for
from broadcast.store.columns import from_us, maybe_from_us
from broadcast.store.queries.scope import Condition, seen_by
from broadcast.store.unit import Database, as_json, fetch
from broadcast.store.vault import Vault

BROADCASTS = """
SELECT b.*, a.name AS author, p.name AS approver
FROM broadcast b JOIN account a ON a.id = b.author_id LEFT JOIN account p ON p.id = b.approved_by
WHERE {more} AND (b.author_id = :me OR EXISTS (
  SELECT 1 FROM broadcast_village x JOIN village v ON v.id = x.village_id
  WHERE x.broadcast_id = b.id AND {seen}))
ORDER BY b.id DESC
LIMIT :limit
"""

VILLAGES = """
SELECT x.broadcast_id, v.code FROM broadcast_village x JOIN village v ON v.id = x.village_id
WHERE x.broadcast_id IN {ids} ORDER BY x.broadcast_id, v.code
"""

REACH_COUNTS = """
SELECT r.broadcast_id, r.state, count(*) AS n FROM reach r JOIN village v ON v.id = r.village_id
WHERE r.broadcast_id IN {ids} AND {seen} GROUP BY r.broadcast_id, r.state
"""

DELIVERY_COUNTS = """
SELECT d.broadcast_id, d.channel, d.state, count(*) AS n FROM delivery d JOIN village v ON v.id = d.village_id
WHERE d.broadcast_id IN {ids} AND {seen} GROUP BY d.broadcast_id, d.channel, d.state
"""

REACHES = """
SELECT r.id, r.resident_id, r.state, r.rung, r.deadline_at, r.heard_at, r.confirmed_at, r.needs_help,
  r.on_door_list, v.code AS village, p.name_ciphertext
FROM reach r JOIN resident p ON p.id = r.resident_id JOIN village v ON v.id = r.village_id
WHERE r.broadcast_id = :broadcast_id AND r.id > :after AND {seen} {more}
ORDER BY r.id
LIMIT :limit
"""

ASKED = """
SELECT l.reach_id, d.id, d.channel, d.state, d.reason,
  (SELECT count(*) FROM attempt t WHERE t.delivery_id = d.id) AS attempts
FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
WHERE l.reach_id IN {ids}
ORDER BY l.reach_id, d.id
"""

PAGE = 500
ALL: Condition = ("1 = 1", {})


class ReportQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def broadcast(self, who: Holder, me: int, id: int) -> BroadcastView | None:
        found = await self._broadcasts(who, me, "b.id = :id", limit=1, id=id)
        return found[0] if found else None

    async def broadcasts(
        self, who: Holder, me: int, *, before: int | None = None, limit: int = 50
    ) -> list[BroadcastView]:
        """The newest first, from the one before `before`."""
        if before is None:
            return await self._broadcasts(who, me, "1 = 1", limit=limit)
        return await self._broadcasts(who, me, "b.id < :before", limit=limit, before=before)

    async def awaiting(self, who: Holder, me: int, *, limit: int = 20) -> list[BroadcastView]:
        """Those that wait for somebody's approval, the newest first."""
        return await self._broadcasts(who, me, "b.state = 'awaiting_approval'", limit=limit)

    async def people(
        self, who: Holder, id: int, *, state: str | None = None, after: int = 0, limit: int = 100
    ) -> list[PersonRow]:
        """The residents of one broadcast; names where the role shows them."""
        names = detail_for(who) >= Detail.NAME
        async with self._database.read() as connection:
            return await _people(
                connection, self._database, self._vault, seen_by(who), id, state, after, limit, names=names
            )

    async def _broadcasts(
        self, who: Holder, me: int, more: str, *, limit: int, **binds: object
    ) -> list[BroadcastView]:
        seen, scope = seen_by(who)
        async with self._database.read() as connection:
            sql = BROADCASTS.format(more=more, seen=seen)
            rows = await fetch(connection, sql, me=me, limit=limit, **scope, **binds)
            within = as_json([row.id for row in rows])
            villages = await self._villages(connection, within)
            reaches, deliveries = await self._counts(connection, within, (seen, scope))
        return [_broadcast(row, villages[row.id], reaches[row.id], deliveries[row.id]) for row in rows]

    async def _villages(self, connection: AsyncConnection, ids: str) -> dict[int, list[str]]:
        codes: dict[int, list[str]] = defaultdict(list)
        for row in await fetch(connection, VILLAGES.format(ids=self._database.ids()), ids=ids):
            codes[row.broadcast_id].append(row.code)
        return codes

    async def _counts(
        self, connection: AsyncConnection, ids: str, condition: Condition
    ) -> tuple[dict[int, dict[str, int]], dict[int, dict[str, dict[str, int]]]]:
        seen, scope = condition
        binds = {"ids": self._database.ids(), "seen": seen}
        reaches: dict[int, dict[str, int]] = defaultdict(dict)
        for row in await fetch(connection, REACH_COUNTS.format(**binds), ids=ids, **scope):
            reaches[row.broadcast_id][row.state] = row.n
        deliveries: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
        for row in await fetch(connection, DELIVERY_COUNTS.format(**binds), ids=ids, **scope):
            deliveries[row.broadcast_id].setdefault(row.channel, {})[row.state] = row.n
        return reaches, deliveries


async def people_table(database: Database, vault: Vault, broadcast_id: BroadcastId) -> list[PersonRow]:
    """Every resident of a broadcast by name; for the office's own report, whoever asks."""
    rows: list[PersonRow] = []
    async with database.read() as connection:
        while True:
            after = rows[-1].reach_id if rows else 0
            page = await _people(
                connection, database, vault, ALL, broadcast_id, None, after, PAGE, names=True
            )
            rows += page
            if len(page) < PAGE:
                return rows


async def _people(
    connection: AsyncConnection,
    database: Database,
    vault: Vault,
    condition: Condition,
    id: int,
    state: str | None,
    after: int,
    limit: int,
    *,
    names: bool,
) -> list[PersonRow]:
    seen, scope = condition
    more = "" if state is None else "AND r.state = :state"
    binds = scope if state is None else {**scope, "state": state}
    sql = REACHES.format(seen=seen, more=more)
    rows = await fetch(connection, sql, broadcast_id=id, after=after, limit=limit, **binds)
    asked = await _asked(connection, database, [row.id for row in rows])
    return [_person(row, asked[row.id], vault if names else None) for row in rows]


async def _asked(
    connection: AsyncConnection, database: Database, reach_ids: Sequence[int]
) -> dict[int, list[Asked]]:
    asked: dict[int, list[Asked]] = defaultdict(list)
    for row in await fetch(connection, ASKED.format(ids=database.ids()), ids=as_json(list(reach_ids))):
        one = Asked(row.id, Channel(row.channel), DeliveryState(row.state), row.reason, row.attempts)
        asked[row.reach_id].append(one)
    return asked


def _person(row: Row[Any], asked: Sequence[Asked], vault: Vault | None) -> PersonRow:
    best = furthest(asked)
    return PersonRow(
        reach_id=row.id,
        resident_id=row.resident_id,
        name=vault.open(row.name_ciphertext) if vault else None,
        village=row.village,
        state=row.state,
        rung=row.rung,
        channel=best.channel if best else None,
        delivery_state=best.state if best else None,
        reason=best.reason if best else None,
        attempts=sum(one.attempts for one in asked),
        channels=by_channel(asked),
        needs_help=bool(row.needs_help),
        on_door_list=bool(row.on_door_list),
        deadline_at=maybe_from_us(row.deadline_at),
        heard_at=maybe_from_us(row.heard_at),
        confirmed_at=maybe_from_us(row.confirmed_at),
    )


def _broadcast(
    row: Row[Any], villages: list[str], reaches: dict[str, int], deliveries: dict[str, dict[str, int]]
) -> BroadcastView:
    totals: dict[str, int] = defaultdict(int)
    for counts in deliveries.values():
        for state, n in counts.items():
            totals[state] += n
    return BroadcastView(
        id=row.id,
        state=row.state,
        title=row.title,
        text=row.text,
        recording_id=row.recording_id,
        villages=villages,
        priority=Priority(row.priority).name,
        category=row.category,
        cap_status=row.cap_status,
        msg_type=row.msg_type,
        severity=row.severity,
        urgency=row.urgency,
        certainty=row.certainty,
        response_type=row.response_type,
        refers_to=row.refers_to,
        author=row.author,
        needs_approval=bool(row.needs_approval),
        approved_by=row.approver,
        approval_basis=row.approval_basis,
        voice_state=row.voice_state,
        engine=row.engine,
        seconds=row.seconds,
        round=row.round,
        created_at=from_us(row.created_at),
        scheduled_at=maybe_from_us(row.scheduled_at),
        expires_at=from_us(row.expires_at),
        approved_at=maybe_from_us(row.approved_at),
        started_at=maybe_from_us(row.started_at),
        ended_at=maybe_from_us(row.ended_at),
        reaches=reaches,
        deliveries=dict(totals),
        by_channel=deliveries,
    )
