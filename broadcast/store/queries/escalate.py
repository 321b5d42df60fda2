"""The ladder's SQL: reaches whose deadline came, with what the next step depends on; what it asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

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
    Reason,
    ResidentId,
    VillageId,
)
from broadcast.policy import REDIAL_TURN
from broadcast.store.columns import maybe_us, to_us
from broadcast.store.queries.deliveries import clock_time
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import ErrandText, Names, NewDelivery, ReachChange, ReachFacts

DUE = """
    SELECT r.id, r.broadcast_id, r.resident_id, r.village_id, r.state, r.rung,
           b.priority, b.category, b.act_now, b.voice_state, b.started_at, v.calls_open_at,
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

HISTORY = """
    SELECT l.reach_id, d.channel, d.state, d.tries, d.reason
    FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
    WHERE l.reach_id IN {ids}
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

# A number that a live delivery of the same broadcast already asks is not asked twice: its row is shared.
INSERT = """
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT n.broadcast_id, n.purpose, n.subject, n.address_id, n.channel,
           COALESCE((SELECT MAX(d.round) FROM delivery d WHERE d.broadcast_id = n.broadcast_id
                     AND d.purpose = n.purpose AND d.subject = n.subject AND d.address_id = n.address_id
                     AND d.channel = n.channel), 0) + 1,
           n.village_id, CASE WHEN n.due_at <= :now THEN 'queued' ELSE 'held' END, n.priority,
           :later + n.reach_id, n.due_at, COALESCE(n.due_at, :now), 0, 0, :now
    FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast_id = n.broadcast_id AND d.purpose = n.purpose
                      AND d.subject = n.subject AND d.address_id = n.address_id AND d.channel = n.channel
                      AND d.state IN ({live}))
    ON CONFLICT DO NOTHING
"""

LINK = """
    INSERT INTO delivery_reach (delivery_id, reach_id)
    SELECT MAX(d.id), n.reach_id FROM {rows}
    JOIN delivery d ON d.broadcast_id = n.broadcast_id AND d.purpose = n.purpose AND d.subject = n.subject
     AND d.address_id = n.address_id AND d.channel = n.channel AND d.state IN ({live})
    GROUP BY n.reach_id, n.broadcast_id, n.address_id, n.channel
    ON CONFLICT DO NOTHING
"""

NEW = {
    "broadcast_id": "bigint",
    "purpose": "text",
    "subject": "bigint",
    "address_id": "bigint",
    "channel": "text",
    "village_id": "int",
    "priority": "int",
    "due_at": "bigint",
    "reach_id": "bigint",
}
REACH = {
    "id": "bigint",
    "state": "text",
    "rung": "int",
    "deadline_at": "bigint",
    "door": "int",
    "ended": "int",
}
LIVE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE))
MISSES = {str(reason) for reason in (Reason.NO_ANSWER, Reason.BUSY, Reason.VOICEMAIL, Reason.HUNG_UP_EARLY)}


class EscalateQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def step_due(self, now: datetime, n: int, decide: Decide) -> int:
        """Take up to `n` due reaches one rung further, in one transaction; returns how many."""

        async def work(connection: AsyncConnection) -> int:
            lock = "" if self._database.is_sqlite else " FOR UPDATE OF r SKIP LOCKED"
            rows = await fetch(connection, DUE.format(lock=lock), now=to_us(now), n=n)
            if not rows:
                return 0
            facts = await self._facts(connection, rows, now)
            guardians = await self._guardians(connection, rows)
            plan = decide(facts, guardians, await self._names(connection, guardians))
            await self.ask(connection, plan.asks, now)
            await self.keep_errands(connection, plan.errands, now)
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

    async def ask(self, connection: AsyncConnection, asks: Sequence[NewDelivery], now: datetime) -> None:
        """Insert what is not already under way, and link the reaches to what is."""
        if not asks:
            return
        shared: dict[tuple[object, ...], NewDelivery] = {}
        links: list[dict[str, object]] = []
        for one in asks:
            shared.setdefault((one.broadcast_id, one.purpose, one.subject, one.address_id, one.channel), one)
            links.extend(_row(one, reach) for reach in one.reach_ids)
        rows = self._database.rows(NEW, alias="n")
        await run(
            connection,
            INSERT.format(rows=rows, live=LIVE_LIST),
            rows=as_json([_row(one, one.reach_ids[0] if one.reach_ids else 0) for one in shared.values()]),
            now=to_us(now),
            later=REDIAL_TURN,
        )
        await run(connection, LINK.format(rows=rows, live=LIVE_LIST), rows=as_json(links))

    async def keep_errands(
        self, connection: AsyncConnection, errands: Sequence[ErrandText], now: datetime
    ) -> None:
        for one in errands:
            await run(
                connection,
                "INSERT INTO errand (broadcast_id, purpose, subject, round, text_ciphertext, created_at)"
                " VALUES (:broadcast, :purpose, :subject, 1 + COALESCE((SELECT MAX(round) FROM errand"
                " WHERE broadcast_id = :broadcast AND purpose = :purpose AND subject = :subject), 0), :text, :now)",
                broadcast=one.broadcast_id,
                purpose=str(one.purpose),
                subject=one.subject,
                text=self._vault.seal(f"{one.title}\n{one.text}"),
                now=to_us(now),
            )

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
        addresses=addresses,
        live=frozenset(Channel(one.channel) for one in history if DeliveryState(one.state) in LIVE),
        tried=frozenset(Channel(one.channel) for one in history),
        calls=sum(max(one.tries, 1) for one in calls),
        misses=sum(one.tries for one in calls if one.reason in MISSES),
        voice_ready=row.voice_state != "pending",
    )


def _row(one: NewDelivery, reach_id: int) -> dict[str, object]:
    return {
        "broadcast_id": one.broadcast_id,
        "purpose": str(one.purpose),
        "subject": one.subject,
        "address_id": one.address_id,
        "channel": str(one.channel),
        "village_id": one.village_id,
        "priority": int(one.priority),
        "due_at": maybe_us(one.due_at),
        "reach_id": reach_id,
    }
