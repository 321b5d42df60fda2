"""The course of a broadcast after it was kept: rendering, and fan-out when due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast import policy
from broadcast.fan_out import Hours
from broadcast.lifecycle import DeliveryEvent
from broadcast.model import BroadcastId, CapStatus, Category, Priority, ResponseType, Role, VillageId
from broadcast.render import Part, ToRender, VillageVoice, said_by
from broadcast.store.columns import from_us, to_us
from broadcast.store.queries import covering, deliveries, fanout
from broadcast.store.queries.deliveries import clock_time
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import Due, Slice

TO_RENDER = """
    SELECT b.id, b.priority, b.cap_status, b.language, b.script, COALESCE(r.key, '') AS recording_key,
           b.response_type, w.role AS author_role,
           COALESCE((SELECT name FROM county LIMIT 1), '') AS county
    FROM broadcast b JOIN account w ON w.id = b.author_id LEFT JOIN recording r ON r.id = b.recording_id
    WHERE b.voice_state = 'pending'
      AND b.state IN ('rendering', 'awaiting_approval', 'scheduled', 'fanning_out', 'sending')
    ORDER BY b.priority, b.scheduled_at, b.id LIMIT :n
"""

DUE = """
    SELECT id, priority, category, act_now, cap_status, round, fan_out_cursor, expires_at FROM broadcast
    WHERE (state = 'fanning_out' OR (state = 'scheduled' AND scheduled_at <= :now)) AND expires_at > :now
    ORDER BY priority, scheduled_at, id LIMIT :n
"""


class CourseQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # --- rendering --------------------------------------------------------------------------------

    async def to_render(self, n: int) -> list[ToRender]:
        async with self._database.read() as connection:
            rows = await fetch(connection, TO_RENDER, n=n)
            villages = await self._voices(connection, [row.id for row in rows])
        return [
            ToRender(
                id=BroadcastId(row.id),
                priority=Priority(row.priority),
                cap_status=CapStatus(row.cap_status),
                language=row.language,
                script=row.script,
                recording_key=row.recording_key,
                county=row.county,
                villages=said_by(Role(row.author_role), villages[row.id]),
                response_type=None if row.response_type is None else ResponseType(row.response_type),
            )
            for row in rows
        ]

    async def _voices(self, connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[VillageVoice]]:
        found: dict[int, list[VillageVoice]] = defaultdict(list)
        for row in await fetch(
            connection,
            "SELECT bv.broadcast_id, v.id, v.name, v.head_name_ciphertext FROM broadcast_village bv"
            f" JOIN village v ON v.id = bv.village_id WHERE bv.broadcast_id IN {self._database.ids()} ORDER BY v.id",
            ids=as_json(list(ids)),
        ):
            head = self._vault.open(row.head_name_ciphertext) if row.head_name_ciphertext else ""
            found[row.broadcast_id].append(VillageVoice(VillageId(row.id), row.name, head))
        return found

    async def rendered(self, broadcast_id: BroadcastId, parts: Sequence[Part]) -> None:
        """Keep the clips and let the broadcast go on; calls that were held for their sound become due."""
        text = next(part.clip for part in parts if part.part == "text")
        kinds = {"village": "int", "part": "text", "hash": "text", "seconds": "double precision"}
        rows = [
            {"village": p.village_id, "part": p.part, "hash": p.clip.hash, "seconds": p.clip.seconds}
            for p in parts
        ]

        async def work(connection: AsyncConnection) -> None:
            await run(
                connection,
                "INSERT INTO clip (broadcast_id, village_id, part, hash, seconds)"
                f" SELECT :broadcast, r.village, r.part, r.hash, r.seconds FROM {self._database.rows(kinds)}"
                " WHERE true ON CONFLICT DO NOTHING",
                broadcast=broadcast_id,
                rows=as_json(rows),
            )
            await run(
                connection,
                "UPDATE broadcast SET voice_state = 'ready', engine = :engine, seconds = :seconds,"
                " state = CASE WHEN state = 'rendering' THEN 'scheduled' ELSE state END WHERE id = :id",
                engine=text.engine,
                seconds=text.seconds,
                id=broadcast_id,
            )
            await self._release_calls(connection, broadcast_id)

        await self._database.retrying(work, int(Priority.EMERGENCY))

    async def render_failed(self, broadcast_id: BroadcastId, now: datetime) -> None:
        """An emergency goes on by text, and calls that have nothing to say are not made; anything else has failed."""

        async def work(connection: AsyncConnection) -> None:
            await run(
                connection,
                "UPDATE broadcast SET voice_state = 'failed',"
                " state = CASE WHEN state = 'rendering' THEN 'failed' ELSE state END WHERE id = :id",
                id=broadcast_id,
            )
            waiting = await fetch(
                connection,
                "SELECT id FROM delivery WHERE broadcast_id = :id AND state = 'held' AND due_at IS NULL",
                id=broadcast_id,
            )
            ids = [row.id for row in waiting]
            await covering.end(connection, self._database, ids, DeliveryEvent.CANCELLED, now)
            await deliveries.nudge(connection, self._database, ids, now)

        await self._database.retrying(work, int(Priority.EMERGENCY))

    @staticmethod
    async def _release_calls(connection: AsyncConnection, broadcast_id: BroadcastId) -> None:
        await run(
            connection,
            "UPDATE delivery SET due_at = first_due_at WHERE broadcast_id = :id AND state = 'held'"
            " AND due_at IS NULL",
            id=broadcast_id,
        )

    # --- fan-out ----------------------------------------------------------------------------------

    async def due(self, now: datetime, n: int) -> list[Due]:
        """Broadcasts whose moment came or whose fan-out was interrupted, the most urgent first."""
        async with self._database.read() as connection:
            rows = await fetch(connection, DUE, now=to_us(now), n=n)
            opens: dict[int, dict[VillageId, time | None]] = defaultdict(dict)
            for row in await fetch(
                connection,
                "SELECT bv.broadcast_id, v.id, v.calls_open_at FROM broadcast_village bv"
                f" JOIN village v ON v.id = bv.village_id WHERE bv.broadcast_id IN {self._database.ids()}",
                ids=as_json([row.id for row in rows]),
            ):
                opens[row.broadcast_id][VillageId(row.id)] = clock_time(row.calls_open_at)
        return [_due(row, opens[row.id]) for row in rows]

    async def begin_fan_out(self, broadcast_id: BroadcastId, now: datetime) -> bool:
        async with self._database.write(0) as connection:
            result = await run(
                connection,
                "UPDATE broadcast SET state = 'fanning_out', started_at = COALESCE(started_at, :now)"
                " WHERE id = :id AND state IN ('scheduled', 'fanning_out')",
                id=broadcast_id,
                now=to_us(now),
            )
        return result.rowcount == 1

    async def slice(
        self, due: Due, hours: Hours, already: dict[int, int], wait: timedelta, now: datetime, size: int
    ) -> Slice | None:
        """One slice; None if the broadcast was taken back meanwhile."""

        async def work(connection: AsyncConnection) -> Slice | None:
            lock = "" if self._database.is_sqlite else " FOR UPDATE"
            still = await fetch(
                connection,
                "SELECT voice_state, seconds FROM broadcast"
                f" WHERE id = :id AND state = 'fanning_out' AND expires_at > :now{lock}",
                id=due.id,
                now=to_us(now),
            )
            if not still:
                return None
            made = await fanout.make_slice(
                connection,
                self._database,
                due,
                hours=hours,
                is_voiced=still[0].voice_state != "pending",  # as it is now: it may have got ready meanwhile
                is_phoned=still[0].voice_state != "failed"
                and policy.is_phoned(due.priority, still[0].seconds),
                already=already,
                wait=wait,
                now=now,
                size=size,
            )
            if made.is_last:
                await run(
                    connection,
                    "UPDATE broadcast SET state = 'sending' WHERE id = :id AND state = 'fanning_out'",
                    id=due.id,
                )
            return made

        return await self._database.retrying(work, int(due.priority), hot=True)

    async def already(self, due: Due) -> dict[int, int]:
        async with self._database.read() as connection:
            return await fanout.already_by_village(connection, due)


def _due(row: Row[Any], villages: dict[VillageId, time | None]) -> Due:
    return Due(
        id=BroadcastId(row.id),
        priority=Priority(row.priority),
        category=Category(row.category),
        act_now=bool(row.act_now),
        cap_status=CapStatus(row.cap_status),
        round=row.round,
        cursor=row.fan_out_cursor,
        expires_at=from_us(row.expires_at),
        villages=villages,
    )
