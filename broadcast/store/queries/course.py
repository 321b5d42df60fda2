"""The course of a broadcast after it was kept: rendering, fan-out when due, done, expired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.fan_out import Hours
from broadcast.lifecycle_reach import BroadcastEvent
from broadcast.model import (
    AddressId,
    BroadcastId,
    CapStatus,
    Category,
    Channel,
    Priority,
    Purpose,
    VillageId,
)
from broadcast.render import Part, ToRender, VillageVoice
from broadcast.store.columns import to_us
from broadcast.store.queries import fanout
from broadcast.store.queries.compose import end_all
from broadcast.store.queries.deliveries import clock_time
from broadcast.store.queries.escalate import EscalateQueries
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import Due, ErrandText, Missed, NewDelivery, Slice, StopRequest

TO_RENDER = """
    SELECT b.id, b.priority, b.cap_status, b.language, b.script, COALESCE(r.key, '') AS recording_key,
           COALESCE((SELECT name FROM county LIMIT 1), '') AS county
    FROM broadcast b LEFT JOIN recording r ON r.id = b.recording_id
    WHERE b.voice_state = 'pending'
      AND b.state IN ('rendering', 'awaiting_approval', 'scheduled', 'fanning_out', 'sending')
    ORDER BY b.priority, b.scheduled_at, b.id LIMIT :n
"""

DUE = """
    SELECT id, priority, category, act_now, cap_status, round, fan_out_cursor, voice_state FROM broadcast
    WHERE state = 'fanning_out' OR (state = 'scheduled' AND scheduled_at <= :now)
    ORDER BY priority, scheduled_at, id LIMIT :n
"""

# In EMERGENCY a reach that was heard but not confirmed is done only when its ladder has ended. A round that
# was asked for again is done when nothing is under way any more: its reaches were missed before.
DONE = """
    SELECT b.id, b.priority FROM broadcast b
    WHERE b.state = 'sending'
      AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.broadcast_id = b.id AND r.state = 'open')
      AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.broadcast_id = b.id AND r.state = 'heard'
                      AND r.deadline_at IS NOT NULL)
      AND (b.round = 1 OR NOT EXISTS (
          SELECT 1 FROM delivery d WHERE d.broadcast_id = b.id
          AND d.state IN ('held','queued','claimed','sending','unconfirmed','sent')))
    LIMIT 50
"""

MISSED = """
    SELECT p.name_ciphertext, p.born_in, r.village_id
    FROM reach r JOIN resident p ON p.id = r.resident_id
    WHERE r.broadcast_id = :broadcast AND r.state IN ('missed', 'heard')
      AND (r.state = 'missed' OR :is_emergency) AND r.confirmed_at IS NULL
    ORDER BY CASE WHEN p.cannot_walk OR p.hard_of_hearing OR p.born_in <= :year - 75 THEN 0 ELSE 1 END,
             COALESCE(p.born_in, 9999), p.id
"""

HEADS = """
    SELECT ac.village_id, a.id, a.kind FROM account ac JOIN address a ON a.id = ac.address_id
    WHERE ac.role = 'head' AND ac.disabled_at IS NULL AND a.dead_at IS NULL AND a.suppressed_at IS NULL
      AND ac.village_id IN (SELECT village_id FROM broadcast_village WHERE broadcast_id = :broadcast)
"""


class CourseQueries:
    def __init__(self, database: Database, vault: Vault, ladder: EscalateQueries) -> None:
        self._database = database
        self._vault = vault
        self._ladder = ladder

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
                villages=villages[row.id],
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

    async def render_failed(self, broadcast_id: BroadcastId) -> None:
        """An emergency goes on by text; anything else has failed."""

        async def work(connection: AsyncConnection) -> None:
            await run(
                connection,
                "UPDATE broadcast SET voice_state = 'failed',"
                " state = CASE WHEN state = 'rendering' THEN 'failed' ELSE state END WHERE id = :id",
                id=broadcast_id,
            )
            await self._release_calls(connection, broadcast_id)

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
                f"SELECT 1 FROM broadcast WHERE id = :id AND state = 'fanning_out' AND expires_at > :now{lock}",
                id=due.id,
                now=to_us(now),
            )
            if not still:
                return None
            made = await fanout.make_slice(
                connection, self._database, due, hours=hours, already=already, wait=wait, now=now, size=size
            )
            if made.is_last:
                await run(
                    connection,
                    "UPDATE broadcast SET state = 'sending' WHERE id = :id AND state = 'fanning_out'",
                    id=due.id,
                )
            return made

        return await self._database.retrying(work, int(due.priority))

    async def already(self, due: Due) -> dict[int, int]:
        async with self._database.read() as connection:
            return await fanout.already_by_village(connection, due)

    # --- endings ----------------------------------------------------------------------------------

    async def finish_done(self, now: datetime, callback_year: int) -> list[Missed]:
        """Broadcasts without an open reach are done; returns whom each head is to be told of."""

        async def work(connection: AsyncConnection) -> list[Missed]:
            found: list[Missed] = []
            for row in await fetch(connection, DONE):
                await run(
                    connection,
                    "UPDATE broadcast SET state = 'done', ended_at = :now, missed_list_at = :now"
                    " WHERE id = :id AND state = 'sending'",
                    id=row.id,
                    now=to_us(now),
                )
                found.extend(await self._missed(connection, row, callback_year))
            return found

        return await self._database.retrying(work, int(Priority.URGENT))

    async def _missed(self, connection: AsyncConnection, done: Row[Any], year: int) -> list[Missed]:
        people: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
        for row in await fetch(
            connection, MISSED, broadcast=done.id, is_emergency=done.priority == 0, year=year
        ):
            age = None if row.born_in is None else year - row.born_in
            people[row.village_id].append((self._vault.open(row.name_ciphertext), age))
        county = await fetch(connection, "SELECT callback_number FROM county LIMIT 1")
        callback = county[0].callback_number if county else ""
        return [
            Missed(
                broadcast_id=BroadcastId(done.id),
                village_id=VillageId(head.village_id),
                priority=Priority(done.priority),
                address_id=AddressId(head.id),
                channel=Channel.KAKAO if head.kind == "kakao" else Channel.SMS,
                people=tuple(people[head.village_id]),
                callback=callback,
            )
            for head in await fetch(connection, HEADS, broadcast=done.id)
            if people[head.village_id]
        ]

    async def tell_heads(self, missed: Sequence[tuple[Missed, str]], now: datetime) -> None:
        """Queue each head's missed list, with its words."""

        async def work(connection: AsyncConnection) -> None:
            for one, text in missed:
                ask = NewDelivery(
                    broadcast_id=one.broadcast_id,
                    purpose=Purpose.MISSED_LIST,
                    subject=one.village_id,
                    address_id=one.address_id,
                    channel=one.channel,
                    village_id=one.village_id,
                    priority=one.priority,
                    due_at=now,
                )
                errand = ErrandText(
                    one.broadcast_id, Purpose.MISSED_LIST, one.village_id, "미수신자 명단", text
                )
                await self._ladder.ask(connection, [ask], now)
                await self._ladder.keep_errands(connection, [errand], now)

        if missed:
            await self._database.retrying(work, int(Priority.URGENT))

    async def expire_due(self, now: datetime) -> list[tuple[BroadcastId, list[StopRequest]]]:
        """Whatever has not ended by its moment of expiry ends now."""

        async def work(connection: AsyncConnection) -> list[tuple[BroadcastId, list[StopRequest]]]:
            rows = await fetch(
                connection,
                "UPDATE broadcast SET state = 'expired', generation = generation + 1, ended_at = :now"
                " WHERE expires_at <= :now AND state NOT IN ('done','cancelled','recalled','expired','failed')"
                " RETURNING id, priority",
                now=to_us(now),
            )
            return [
                (
                    BroadcastId(row.id),
                    await end_all(
                        connection,
                        BroadcastId(row.id),
                        BroadcastEvent.EXPIRED,
                        now,
                        emergency=row.priority == 0,
                    ),
                )
                for row in rows
            ]

        return await self._database.retrying(work, int(Priority.URGENT))


def _due(row: Row[Any], villages: dict[VillageId, time | None]) -> Due:
    return Due(
        id=BroadcastId(row.id),
        priority=Priority(row.priority),
        category=Category(row.category),
        act_now=bool(row.act_now),
        cap_status=CapStatus(row.cap_status),
        round=row.round,
        cursor=row.fan_out_cursor,
        voice_ready=row.voice_state != "pending",
        villages=villages,
    )
