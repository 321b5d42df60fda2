"""The ladder's SQL: reaches whose deadline came, with what the next step depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast import policy
from broadcast.escalate import Decide
from broadcast.model import (
    LIVE,
    AddressId,
    BroadcastId,
    Category,
    Channel,
    DeliveryState,
    Priority,
    ReachId,
    ReachState,
    ResidentId,
    VillageId,
)
from broadcast.store.columns import from_us, maybe_us, to_us
from broadcast.store.queries import asking
from broadcast.store.queries.deliveries import MISS_LIST, clock_time
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import Names, ReachChange, ReachFacts

DUE = """
    SELECT r.id, r.broadcast_id, r.resident_id, r.village_id, r.state, r.rung,
           b.priority, b.category, b.act_now, b.voice_state, b.seconds, b.expires_at, v.calls_open_at,
           p.wants_calls, p.born_in
    FROM reach r
    JOIN broadcast b ON b.id = r.broadcast_id
    JOIN village v ON v.id = r.village_id
    JOIN resident p ON p.id = r.resident_id
    WHERE r.deadline_at IS NOT NULL AND r.deadline_at <= :now AND r.state IN ('open', 'heard')
      AND b.state IN ('fanning_out', 'sending') AND b.expires_at > :now
    ORDER BY r.deadline_at LIMIT :n{lock}
"""

ADDRESSES = """
    SELECT ra.resident_id, a.id, a.kind, a.can_ring, a.can_sms
    FROM resident_address ra JOIN address a ON a.id = ra.address_id
    WHERE ra.resident_id IN {ids} AND a.dead_at IS NULL AND a.suppressed_at IS NULL
    ORDER BY ra.resident_id, ra.rank, a.id
"""

# Taken first, so that neither a recall nor a rendition that gets ready passes by unseen (PostgreSQL).
LOCK_BROADCASTS = "SELECT id FROM broadcast WHERE state IN ('fanning_out', 'sending') ORDER BY id FOR SHARE"

HISTORY = f"""
    SELECT l.reach_id, d.address_id, d.channel, d.state, d.tries,
           (SELECT COUNT(*) FROM attempt t WHERE t.delivery_id = d.id AND t.reason IN ({MISS_LIST})) AS misses
    FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
    WHERE l.reach_id IN {{ids}}
"""

GUARDIANS = """
    SELECT gs.resident_id, a.id, a.kind
    FROM guardianship gs
    JOIN guardian g ON g.id = gs.guardian_id AND g.ended_at IS NULL
    JOIN guardian_address ga ON ga.guardian_id = gs.guardian_id
    JOIN address a ON a.id = ga.address_id
    WHERE gs.resident_id IN {ids} AND gs.told AND gs.agreed_at IS NOT NULL AND gs.ended_at IS NULL
      AND a.dead_at IS NULL AND a.suppressed_at IS NULL AND (a.kind = 'kakao' OR a.can_sms)
    ORDER BY gs.resident_id, gs.rank, CASE WHEN a.kind = 'kakao' THEN 0 ELSE 1 END, ga.rank
"""

REACH = {
    "id": "bigint",
    "state": "text",
    "rung": "int",
    "deadline_at": "bigint",
    "door": "int",
    "ended": "int",
}


class EscalateQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def step_due(self, now: datetime, n: int, decide: Decide) -> int:
        """Take up to `n` due reaches one rung further, in one transaction; returns how many."""

        async def work(connection: AsyncConnection) -> int:
            if not self._database.is_sqlite:
                await run(connection, LOCK_BROADCASTS)
            lock = "" if self._database.is_sqlite else " FOR UPDATE OF r SKIP LOCKED"
            rows = await fetch(connection, DUE.format(lock=lock), now=to_us(now), n=n)
            if not rows:
                return 0
            facts = await self._facts(connection, rows, now)
            guardians = await self._guardians(connection, rows)
            plan = decide(facts, guardians, await self._names(connection, guardians))
            await asking.ask(connection, self._database, plan.asks, now)
            await asking.keep_errands(connection, self._vault, plan.errands, now)
            await self._save(connection, plan.changes, now)
            return len(rows)

        return await self._database.retrying(work, int(Priority.URGENT))

    async def _facts(
        self, connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime
    ) -> list[ReachFacts]:
        addresses: dict[int, dict[Channel, AddressId]] = defaultdict(dict)
        for row in await fetch(
            connection,
            ADDRESSES.format(ids=self._database.ids()),
            ids=as_json(sorted({row.resident_id for row in rows})),
        ):
            for channel in _channels(row):
                addresses[row.resident_id].setdefault(channel, AddressId(row.id))
        history: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in await fetch(
            connection, HISTORY.format(ids=self._database.ids()), ids=as_json([row.id for row in rows])
        ):
            history[row.reach_id].append(row)
        return [_reach_facts(row, addresses[row.resident_id], history[row.id], now) for row in rows]

    async def _guardians(
        self, connection: AsyncConnection, rows: Sequence[Row[Any]]
    ) -> dict[ResidentId, tuple[AddressId, Channel]]:
        """The best address of each resident's first guardian who can be told."""
        found: dict[ResidentId, tuple[AddressId, Channel]] = {}
        for row in await fetch(
            connection,
            GUARDIANS.format(ids=self._database.ids()),
            ids=as_json(sorted({row.resident_id for row in rows})),
        ):
            channel = Channel.KAKAO if row.kind == "kakao" else Channel.SMS
            found.setdefault(ResidentId(row.resident_id), (AddressId(row.id), channel))
        return found

    async def _save(self, connection: AsyncConnection, changes: Sequence[ReachChange], now: datetime) -> None:
        rows = [
            {
                "id": change.id,
                "state": str(change.state),
                "rung": change.rung,
                "deadline_at": maybe_us(change.deadline_at),
                "door": int(change.on_door_list),
                "ended": int(change.deadline_at is None),
            }
            for change in changes
        ]
        await run(
            connection,
            "UPDATE reach SET state = r.state, rung = r.rung, deadline_at = r.deadline_at,"
            " on_door_list = (on_door_list OR r.door = 1),"
            " ended_at = CASE WHEN r.ended = 1 THEN COALESCE(ended_at, :now) ELSE ended_at END"
            f" FROM {self._database.rows(REACH)} WHERE reach.id = r.id",
            rows=as_json(rows),
            now=to_us(now),
        )

    async def _names(
        self, connection: AsyncConnection, resident_ids: Iterable[int]
    ) -> dict[ResidentId, Names]:
        """Unsealed names for errand texts."""
        rows = await fetch(
            connection,
            "SELECT p.id, p.name_ciphertext, v.name AS village, (SELECT name FROM county LIMIT 1) AS county"
            f" FROM resident p JOIN village v ON v.id = p.village_id WHERE p.id IN {self._database.ids()}",
            ids=as_json(sorted(set(resident_ids))),
        )
        return {
            ResidentId(row.id): Names(self._vault.open(row.name_ciphertext), row.village, row.county or "")
            for row in rows
        }


def _channels(row: Row[Any]) -> list[Channel]:
    if row.kind == "kakao":
        return [Channel.KAKAO]
    return [Channel.VOICE] * bool(row.can_ring) + [Channel.SMS] * bool(row.can_sms)


def _usable(addresses: dict[Channel, AddressId], row: Row[Any]) -> dict[Channel, AddressId]:
    """Nobody is called with nothing to say, or with too much."""
    if row.voice_state != "failed" and policy.is_phoned(Priority(row.priority), row.seconds):
        return addresses
    return {channel: address for channel, address in addresses.items() if channel is not Channel.VOICE}


def _reach_facts(
    row: Row[Any], addresses: dict[Channel, AddressId], history: Sequence[Row[Any]], now: datetime
) -> ReachFacts:
    calls = [one for one in history if one.channel == Channel.VOICE]
    is_70 = row.born_in is not None and now.year - row.born_in >= 70
    return ReachFacts(
        id=ReachId(row.id),
        broadcast_id=BroadcastId(row.broadcast_id),
        resident_id=ResidentId(row.resident_id),
        village_id=VillageId(row.village_id),
        priority=Priority(row.priority),
        category=Category(row.category),
        act_now=bool(row.act_now),
        state=ReachState(row.state),
        rung=row.rung,
        wants_calls=bool(row.wants_calls) or is_70,
        opens_at=clock_time(row.calls_open_at),
        addresses=_usable(addresses, row),
        live=frozenset(Channel(one.channel) for one in history if DeliveryState(one.state) in LIVE),
        tried=frozenset(
            channel
            for channel, address in addresses.items()
            if any(one.channel == channel and one.address_id == address for one in history)
        ),
        calls=sum(max(one.tries, 1) for one in calls),
        misses=sum(one.misses for one in calls),
        expires_at=from_us(row.expires_at),
        voice_ready=row.voice_state != "pending",
    )
