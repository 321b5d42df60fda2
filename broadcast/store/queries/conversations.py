"""What the conversations by telephone and chat read: few indexed queries, answered while somebody waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from broadcast.chat_in.facts import ChatUser, KnownVillage, Latest, Neighbour, Told
from broadcast.lifecycle import StopReason
from broadcast.model import (
    AttemptId,
    BroadcastState,
    CapStatus,
    DeliveryState,
    Priority,
    Purpose,
    ResidentId,
    ResponseType,
    VillageId,
)
from broadcast.phone_in.outbound import CallFacts, Sound
from broadcast.promise import Promise
from broadcast.store.columns import from_us, to_us
from broadcast.store.unit import Database, fetch, run
from broadcast.store.vault import Vault

PROMISE = """
    d.priority, d.state AS delivery_state, d.stop_asked, b.cap_status, b.state AS broadcast_state, b.expires_at,
    b.response_type
"""

CALL = f"""
    SELECT {PROMISE}, c.part, c.hash, c.seconds
    FROM attempt t
    JOIN delivery d ON d.id = t.delivery_id
    JOIN broadcast b ON b.id = d.broadcast_id
    LEFT JOIN clip c ON c.broadcast_id = b.id AND c.village_id IN (0, d.village_id)
    WHERE t.id = :id AND d.channel = 'voice' AND d.purpose IN ('announcement', 'reminder', 'listen_along')
"""

HAS_SOUND = """
    (b.voice_state <> 'failed') AS has_sound
"""

TOLD = f"""
    SELECT {PROMISE}, d.purpose, b.title, b.text, v.name AS village, e.text_ciphertext,
           a.kind, a.blind_index, {HAS_SOUND}
    FROM attempt t
    JOIN delivery d ON d.id = t.delivery_id
    JOIN address a ON a.id = d.address_id
    JOIN broadcast b ON b.id = d.broadcast_id
    JOIN village v ON v.id = d.village_id
    LEFT JOIN errand e ON e.broadcast_id = d.broadcast_id AND e.purpose = d.purpose
         AND e.subject = d.subject AND e.round = d.round
    WHERE t.id = :id
"""

LATEST = f"""
    SELECT b.title, b.text, b.priority, b.cap_status, v.name AS village, {HAS_SOUND},
           (SELECT MAX(t.id) FROM delivery d JOIN attempt t ON t.delivery_id = d.id
            WHERE d.broadcast_id = b.id AND d.subject = 0 AND d.address_id = a.id
            AND d.purpose IN ('announcement', 'reminder')) AS attempt_id
    FROM address a
    JOIN resident_address l ON l.address_id = a.id
    JOIN resident p ON p.id = l.resident_id AND p.deceased_at IS NULL AND p.moved_at IS NULL
    JOIN subscription s ON s.resident_id = p.id AND s.village_id = p.village_id AND s.withdrawn_at IS NULL
    JOIN village v ON v.id = p.village_id
    JOIN broadcast_village bv ON bv.village_id = p.village_id
    JOIN broadcast b ON b.id = bv.broadcast_id AND b.category = s.category
    WHERE a.kind = :kind AND a.blind_index = :blind
      AND b.state IN ('fanning_out', 'sending', 'done') AND b.started_at >= :since
      AND (b.priority > 0 OR b.expires_at > :now)
      AND (b.cap_status = 'Actual' OR p.in_drills)
    ORDER BY b.started_at DESC, b.id DESC LIMIT 1
"""

NEIGHBOURS = """
    SELECT p.id, p.village_id,
           EXISTS (SELECT 1 FROM subscription s WHERE s.resident_id = p.id AND s.withdrawn_at IS NULL)
           AS is_subscribed
    FROM address a
    JOIN resident_address l ON l.address_id = a.id
    JOIN resident p ON p.id = l.resident_id
    WHERE a.kind = :kind AND a.blind_index = :blind AND p.deceased_at IS NULL AND p.moved_at IS NULL
    ORDER BY p.id
"""

VILLAGE = """
    SELECT id, code, name, COALESCE((SELECT name FROM county LIMIT 1), '') AS county
    FROM village WHERE code = :code
"""

REOPEN = """
    UPDATE address SET suppressed_at = NULL, dead_at = NULL, dead_reason = NULL
    WHERE kind = :kind AND blind_index = :blind AND (suppressed_at IS NOT NULL OR dead_at IS NOT NULL)
"""


class ConversationQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def call(self, attempt_id: AttemptId) -> CallFacts | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, CALL, id=attempt_id)
        if not rows:
            return None
        clips = {row.part: Sound(row.hash, row.seconds) for row in rows if row.part is not None}
        return CallFacts(_promise(rows[0]), clips)

    async def told(self, attempt_id: AttemptId, user: ChatUser) -> Told | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, TOLD, id=attempt_id)
        if not rows or rows[0].kind != user.kind or bytes(rows[0].blind_index) != self._blind(user):
            return None
        row = rows[0]
        told = Told(
            attempt_id=attempt_id,
            purpose=Purpose(row.purpose),
            promise=_promise(row),
            village=row.village,
            title=row.title,
            text=row.text,
            has_sound=bool(row.has_sound),
        )
        return told if told.is_broadcast else self._errand(told, row.text_ciphertext)

    def _errand(self, told: Told, sealed: bytes | None) -> Told | None:
        if sealed is None:
            return None
        title, _, text = self._vault.open(sealed).partition("\n")
        return replace(told, title=title, text=text, has_sound=False)

    async def latest(self, user: ChatUser, since: datetime, now: datetime) -> Latest | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, LATEST, since=to_us(since), now=to_us(now), **self._address(user))
        if not rows:
            return None
        row = rows[0]
        return Latest(
            village=row.village,
            title=row.title,
            text=row.text,
            is_emergency=row.priority == Priority.EMERGENCY,
            is_exercise=row.cap_status != CapStatus.ACTUAL,
            has_sound=bool(row.has_sound),
            attempt_id=None if row.attempt_id is None else AttemptId(row.attempt_id),
        )

    async def neighbours(self, user: ChatUser) -> list[Neighbour]:
        async with self._database.read() as connection:
            rows = await fetch(connection, NEIGHBOURS, **self._address(user))
        return [
            Neighbour(ResidentId(row.id), VillageId(row.village_id), bool(row.is_subscribed)) for row in rows
        ]

    async def village(self, code: str) -> KnownVillage | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, VILLAGE, code=code)
        if not rows:
            return None
        return KnownVillage(VillageId(rows[0].id), rows[0].code, rows[0].name, rows[0].county)

    async def reopen(self, user: ChatUser) -> None:
        async with self._database.write() as connection:
            await run(connection, REOPEN, **self._address(user))

    def _address(self, user: ChatUser) -> dict[str, object]:
        return {"kind": user.kind.value, "blind": self._blind(user)}

    def _blind(self, user: ChatUser) -> bytes:
        return self._vault.blind(user.kind.value, user.key)


def _promise(row: Row[Any]) -> Promise:
    return Promise(
        priority=Priority(row.priority),
        cap_status=CapStatus(row.cap_status),
        broadcast_state=BroadcastState(row.broadcast_state),
        expires_at=from_us(row.expires_at),
        delivery_state=DeliveryState(row.delivery_state),
        stop_asked=None if row.stop_asked is None else StopReason(row.stop_asked),
        response_type=None if row.response_type is None else ResponseType(row.response_type),
    )
