"""How broadcasts end by themselves: done, with a missed list for each head, or expired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.lifecycle_reach import BroadcastEvent
from broadcast.model import LIVE, AddressId, BroadcastId, Channel, Priority, Purpose, VillageId
from broadcast.store.columns import to_us
from broadcast.store.queries import asking
from broadcast.store.queries.compose import end_all
from broadcast.store.unit import Database, fetch
from broadcast.store.vault import Vault
from broadcast.work import ErrandText, Missed, NewDelivery, StopRequest

LIVE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE))

# In EMERGENCY a reach that was heard but not confirmed is done only when its ladder has ended. A round that
# was asked for again is done when nothing is under way any more: its reaches were missed before.
DONE = f"""
    UPDATE broadcast SET state = 'done', ended_at = :now, missed_list_at = :now
    WHERE state = 'sending' AND expires_at > :now
      AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.broadcast_id = broadcast.id AND r.state = 'open')
      AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.broadcast_id = broadcast.id AND r.state = 'heard'
                      AND r.deadline_at IS NOT NULL)
      AND (round = 1 OR NOT EXISTS (
          SELECT 1 FROM delivery d WHERE d.broadcast_id = broadcast.id AND d.purpose = 'announcement'
          AND d.state IN ({LIVE_LIST})))
    RETURNING id, priority
"""

MISSED = """
    SELECT p.name_ciphertext, p.born_in, r.village_id
    FROM reach r JOIN resident p ON p.id = r.resident_id
    WHERE r.broadcast_id = :broadcast AND r.confirmed_at IS NULL
      AND (r.state IN ('open', 'missed') OR (r.state = 'heard' AND :is_emergency))
    ORDER BY CASE WHEN p.cannot_walk OR p.hard_of_hearing OR p.born_in <= :year - 75 THEN 0 ELSE 1 END,
             COALESCE(p.born_in, 9999), p.id
"""

HEADS = """
    SELECT ac.village_id, a.id, a.kind FROM account ac JOIN address a ON a.id = ac.address_id
    WHERE ac.role = 'head' AND ac.disabled_at IS NULL AND a.dead_at IS NULL AND a.suppressed_at IS NULL
      AND ac.village_id IN (SELECT village_id FROM broadcast_village WHERE broadcast_id = :broadcast)
"""


class FinishQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def finish_done(self, now: datetime, year: int, words: Callable[[Missed], str]) -> int:
        """Broadcasts without an open reach are done; their heads are told in the same transaction.

        `year` is the local one, for ages. Returns how many heads are told.
        """

        async def work(connection: AsyncConnection) -> int:
            told = 0
            for row in await fetch(connection, DONE, now=to_us(now)):
                told += await self._tell_all(
                    connection, await self._missed(connection, row, year), words, now
                )
            return told

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

    async def _tell_all(
        self,
        connection: AsyncConnection,
        missed: Sequence[Missed],
        words: Callable[[Missed], str],
        now: datetime,
    ) -> int:
        for one in missed:
            await self._tell(connection, one, words(one), now)
        return len(missed)

    async def _tell(self, connection: AsyncConnection, one: Missed, text: str, now: datetime) -> None:
        request = NewDelivery(
            broadcast_id=one.broadcast_id,
            purpose=Purpose.MISSED_LIST,
            subject=one.village_id,
            address_id=one.address_id,
            channel=one.channel,
            village_id=one.village_id,
            priority=one.priority,
            due_at=now,
        )
        errand = ErrandText(one.broadcast_id, Purpose.MISSED_LIST, one.village_id, "미수신자 명단", text)
        await asking.ask(connection, self._database, [request], now)
        await asking.keep_errands(connection, self._vault, [errand], now)

    async def expire_due(
        self, now: datetime, year: int, words: Callable[[Missed], str]
    ) -> list[tuple[BroadcastId, Sequence[StopRequest]]]:
        """Whatever has not ended by its moment of expiry ends now; heads are told whom it did not reach."""

        async def work(connection: AsyncConnection) -> list[tuple[BroadcastId, Sequence[StopRequest]]]:
            rows = await fetch(
                connection,
                "UPDATE broadcast SET state = 'expired', generation = generation + 1, ended_at = :now"
                " WHERE expires_at <= :now AND state NOT IN ('done','cancelled','recalled','expired','failed')"
                " RETURNING id, priority",
                now=to_us(now),
            )
            ended: list[tuple[BroadcastId, Sequence[StopRequest]]] = []
            for row in rows:
                missed = await self._missed(connection, row, year)  # before their reaches are closed
                stops = await end_all(
                    connection,
                    BroadcastId(row.id),
                    BroadcastEvent.EXPIRED,
                    now,
                    emergency=row.priority == Priority.EMERGENCY,
                )
                await self._tell_all(connection, missed, words, now)
                ended.append((BroadcastId(row.id), stops))
            return ended

        return await self._database.retrying(work, int(Priority.URGENT))
