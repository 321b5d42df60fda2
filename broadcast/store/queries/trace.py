"""What became of one broadcast, row by row, as the tables have it: for the demo, drills and audits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import (
    LIVE,
    AttemptId,
    BroadcastId,
    Channel,
    DeliveryId,
    DeliveryState,
    Purpose,
    ReachState,
    ResidentId,
)
from broadcast.store.columns import from_us, maybe_from_us
from broadcast.store.unit import Database, fetch
from broadcast.store.vault import Vault

REACHES = """
    SELECT r.resident_id, p.name_ciphertext, r.state, r.rung, r.needs_help, r.on_door_list, r.started_at,
           r.heard_at, r.confirmed_at, r.ended_at, r.deadline_at,
           EXISTS (SELECT 1 FROM help_request h WHERE h.broadcast_id = r.broadcast_id
                   AND h.resident_id = r.resident_id) AS has_asked_for_help
    FROM reach r JOIN resident p ON p.id = r.resident_id
    WHERE r.broadcast_id = :broadcast ORDER BY r.id
"""

DELIVERIES = """
    SELECT d.id, d.purpose, d.subject, d.channel, d.round, d.state, d.reason, d.stop_asked, d.first_due_at,
           d.due_at, a.ciphertext
    FROM delivery d JOIN address a ON a.id = d.address_id
    WHERE d.broadcast_id = :broadcast ORDER BY d.id
"""

SERVED = """
    SELECT l.delivery_id, r.resident_id FROM reach r JOIN delivery_reach l ON l.reach_id = r.id
    WHERE r.broadcast_id = :broadcast ORDER BY r.resident_id
"""

ATTEMPTS = """
    SELECT t.id, t.delivery_id, t.begun_at, t.outcome, t.reason, t.call_status, t.answered_by, t.keys,
           t.seconds, t.played_at
    FROM attempt t JOIN delivery d ON d.id = t.delivery_id
    WHERE d.broadcast_id = :broadcast ORDER BY t.id
"""


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    id: AttemptId
    begun_at: datetime
    outcome: str | None
    reason: str | None
    call_status: str | None
    answered_by: str | None
    keys: str
    seconds: float | None
    played_at: datetime | None


@dataclass(frozen=True, slots=True)
class TracedDelivery:
    """`to` is the number or chat key itself: never log it."""

    id: DeliveryId
    purpose: Purpose
    subject: int
    channel: Channel
    round: int
    state: DeliveryState
    reason: str | None
    stop_asked: str | None
    first_due_at: datetime
    due_at: datetime | None
    to: str = field(repr=False)
    serves: tuple[ResidentId, ...]
    attempts: tuple[TracedAttempt, ...]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class TracedReach:
    resident_id: ResidentId
    name: str = field(repr=False)
    state: ReachState
    rung: int
    needs_help: bool
    has_asked_for_help: bool
    on_door_list: bool
    started_at: datetime
    heard_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    deadline_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One broadcast's reaches and deliveries at one moment."""

    reaches: tuple[TracedReach, ...]
    deliveries: tuple[TracedDelivery, ...]

    def serving(self, resident_id: ResidentId) -> list[TracedDelivery]:
        return [one for one in self.deliveries if resident_id in one.serves]


async def trace(database: Database, vault: Vault, broadcast_id: BroadcastId) -> Trace:
    """Every reach, delivery and attempt of a broadcast; in memory, so for broadcasts of a village's size."""
    async with database.read() as connection:
        return Trace(
            await _reaches(connection, vault, broadcast_id),
            await _deliveries(connection, vault, broadcast_id),
        )


async def _reaches(
    connection: AsyncConnection, vault: Vault, broadcast_id: BroadcastId
) -> tuple[TracedReach, ...]:
    return tuple(
        TracedReach(
            resident_id=ResidentId(row.resident_id),
            name=vault.open(row.name_ciphertext),
            state=ReachState(row.state),
            rung=row.rung,
            needs_help=bool(row.needs_help),
            has_asked_for_help=bool(row.has_asked_for_help),
            on_door_list=bool(row.on_door_list),
            started_at=from_us(row.started_at),
            heard_at=maybe_from_us(row.heard_at),
            confirmed_at=maybe_from_us(row.confirmed_at),
            ended_at=maybe_from_us(row.ended_at),
            deadline_at=maybe_from_us(row.deadline_at),
        )
        for row in await fetch(connection, REACHES, broadcast=broadcast_id)
    )


async def _deliveries(
    connection: AsyncConnection, vault: Vault, broadcast_id: BroadcastId
) -> tuple[TracedDelivery, ...]:
    serves: dict[int, list[ResidentId]] = defaultdict(list)
    for row in await fetch(connection, SERVED, broadcast=broadcast_id):
        serves[row.delivery_id].append(ResidentId(row.resident_id))
    attempts = await _attempts(connection, broadcast_id)
    return tuple(
        TracedDelivery(
            id=DeliveryId(row.id),
            purpose=Purpose(row.purpose),
            subject=row.subject,
            channel=Channel(row.channel),
            round=row.round,
            state=DeliveryState(row.state),
            reason=row.reason,
            stop_asked=row.stop_asked,
            first_due_at=from_us(row.first_due_at),
            due_at=maybe_from_us(row.due_at),
            to=vault.open(row.ciphertext),
            serves=tuple(serves[row.id]),
            attempts=tuple(attempts[row.id]),
        )
        for row in await fetch(connection, DELIVERIES, broadcast=broadcast_id)
    )


async def _attempts(connection: AsyncConnection, broadcast_id: BroadcastId) -> dict[int, list[TracedAttempt]]:
    found: dict[int, list[TracedAttempt]] = defaultdict(list)
    for row in await fetch(connection, ATTEMPTS, broadcast=broadcast_id):
        found[row.delivery_id].append(
            TracedAttempt(
                id=AttemptId(row.id),
                begun_at=from_us(row.begun_at),
                outcome=row.outcome,
                reason=row.reason,
                call_status=row.call_status,
                answered_by=row.answered_by,
                keys=row.keys,
                seconds=row.seconds,
                played_at=maybe_from_us(row.played_at),
            )
        )
    return found
