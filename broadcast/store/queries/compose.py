"""Keeping a submission durably, and moving a broadcast by compare and set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.compose import Standing
from broadcast.drafts import Submission
from broadcast.errors import NotFound
from broadcast.lifecycle import STOPPABLE, DeliveryEvent, sources
from broadcast.lifecycle_reach import BroadcastEvent, ReachEvent, reach_sources
from broadcast.model import (
    AccountId,
    ApprovalBasis,
    BroadcastId,
    BroadcastState,
    DeliveryState,
    Priority,
    RecordingId,
    VillageId,
)
from broadcast.roles import Place
from broadcast.store.columns import from_us, to_us
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.work import StopRequest

INSERT = """
    INSERT INTO broadcast (state, title, text, script, recording_id, language, priority, category, cap_status,
        msg_type, severity, urgency, certainty, response_type, act_now, refers_to, author_id, approved_by,
        approval_basis, approved_at, needs_approval, voice_state, engine, generation, round, fan_out_cursor,
        fan_out_total, created_at, scheduled_at, expires_at)
    VALUES (:state, :title, :text, :script, :recording_id, 'ko', :priority, :category, :cap_status,
        :msg_type, :severity, :urgency, :certainty, :response_type, :act_now, :refers_to, :author_id,
        :approved_by, :approval_basis, :approved_at, :needs_approval, 'pending', '', 1, 1, 0,
        0, :created_at, :scheduled_at, :expires_at)
    RETURNING id
"""

TAKEN_BACK = {
    BroadcastEvent.CANCELLED: (DeliveryEvent.CANCELLED, ReachEvent.CANCELLED),
    BroadcastEvent.RECALLED: (DeliveryEvent.CANCELLED, ReachEvent.RECALLED),
    BroadcastEvent.EXPIRED: (DeliveryEvent.EXPIRED, ReachEvent.EXPIRED),
}
ENDS_IN = {DeliveryEvent.CANCELLED: DeliveryState.CANCELLED, DeliveryEvent.EXPIRED: DeliveryState.EXPIRED}


def _listed(states: frozenset[DeliveryState]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


class ComposeQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def places(self, codes: Sequence[str]) -> dict[str, Place]:
        value = "value" if self._database.is_sqlite else "CAST(value AS text)"
        each = (
            "json_each(:codes)"
            if self._database.is_sqlite
            else "json_array_elements_text(CAST(:codes AS json))"
        )
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                f"SELECT code, id, township_id FROM village WHERE code IN (SELECT {value} FROM {each})",
                codes=as_json(list(codes)),
            )
        return {row.code: Place(VillageId(row.id), row.township_id) for row in rows}

    async def recording_owner(self, recording_id: RecordingId) -> AccountId | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, "SELECT account_id FROM recording WHERE id = :id", id=recording_id)
        return AccountId(rows[0].account_id) if rows else None

    async def knows(self, broadcast_id: BroadcastId) -> bool:
        async with self._database.read() as connection:
            return bool(await fetch(connection, "SELECT 1 FROM broadcast WHERE id = :id", id=broadcast_id))

    async def keep(self, submission: Submission, *, most_own: int, since: datetime) -> BroadcastId | None:
        """Durable when it returns, also against a power cut."""

        async def work(connection: AsyncConnection) -> BroadcastId | None:
            if submission.approval_basis is ApprovalBasis.HEAD_OWN_VILLAGE:
                own = await self._own_emergencies(connection, submission.author_id, since)
                if own >= most_own:
                    return None
            made = await fetch(connection, INSERT, **_values(submission))
            broadcast_id = BroadcastId(made[0].id)
            await run(
                connection,
                "INSERT INTO broadcast_village (broadcast_id, village_id)"
                f" SELECT :broadcast, id FROM village WHERE id IN {self._database.ids()}",
                broadcast=broadcast_id,
                ids=as_json([place.village_id for place in submission.villages]),
            )
            return broadcast_id

        async with self._database.write(int(submission.priority), durable=True) as connection:
            return await work(connection)

    async def _own_emergencies(
        self, connection: AsyncConnection, author_id: AccountId, since: datetime
    ) -> int:
        """Locks the author, so that this and what is kept after it count as one step."""
        await run(
            connection,
            f"SELECT id FROM account WHERE id = :author{self._database.for_update}",
            author=author_id,
        )
        rows = await fetch(
            connection,
            "SELECT COUNT(*) AS n FROM broadcast WHERE author_id = :author AND priority = 0"
            " AND approval_basis = 'head_own_village' AND created_at > :since",
            author=author_id,
            since=to_us(since),
        )
        return int(rows[0].n)

    async def standing(self, broadcast_id: BroadcastId) -> Standing:
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT b.id, b.state, b.priority, b.author_id, b.needs_approval, b.expires_at, v.id AS village_id,"
                " v.township_id FROM broadcast b LEFT JOIN broadcast_village bv ON bv.broadcast_id = b.id"
                " LEFT JOIN village v ON v.id = bv.village_id WHERE b.id = :id",
                id=broadcast_id,
            )
        if not rows:
            raise NotFound("There is no such broadcast.", "그런 방송이 없습니다.")
        first = rows[0]
        return Standing(
            id=broadcast_id,
            state=BroadcastState(first.state),
            priority=Priority(first.priority),
            author_id=AccountId(first.author_id),
            needs_approval=bool(first.needs_approval),
            expires_at=from_us(first.expires_at),
            villages=tuple(
                Place(VillageId(row.village_id), row.township_id)
                for row in rows
                if row.village_id is not None
            ),
        )

    async def move(
        self,
        broadcast_id: BroadcastId,
        before: BroadcastState,
        after: BroadcastState,
        now: datetime,
        *,
        approved_by: AccountId | None = None,
        basis: ApprovalBasis | None = None,
    ) -> bool:
        """Compare and set; False if somebody else moved it first."""
        async with self._database.write(0, durable=approved_by is not None) as connection:
            result = await run(
                connection,
                "UPDATE broadcast SET state = :after, approved_by = COALESCE(:by, approved_by),"
                " approval_basis = COALESCE(:basis, approval_basis),"
                " approved_at = CASE WHEN :approves THEN :now ELSE approved_at END"
                " WHERE id = :id AND state = :before",
                after=str(after),
                before=str(before),
                by=approved_by,
                basis=None if basis is None else str(basis),
                approves=approved_by is not None,
                now=to_us(now),
                id=broadcast_id,
            )
        return result.rowcount == 1

    async def take_back(
        self, standing: Standing, after: BroadcastState, event: BroadcastEvent, now: datetime
    ) -> Sequence[StopRequest] | None:
        """End all that is not handed over, in one transaction; None if somebody else moved it first."""

        async def work(connection: AsyncConnection) -> Sequence[StopRequest] | None:
            moved = await run(
                connection,
                "UPDATE broadcast SET state = :after, generation = generation + 1, ended_at = :now"
                " WHERE id = :id AND state = :before",
                after=str(after),
                before=str(standing.state),
                now=to_us(now),
                id=standing.id,
            )
            if moved.rowcount != 1:
                return None
            return await end_all(
                connection, standing.id, event, now, emergency=standing.priority is Priority.EMERGENCY
            )

        return await self._database.retrying(work, int(Priority.EMERGENCY))

    async def ask_again(self, broadcast_id: BroadcastId, now: datetime) -> bool:
        """Begin round n+1 for those unheard; rounds of reminders and redials are passed over."""
        async with self._database.write(0) as connection:
            result = await run(
                connection,
                "UPDATE broadcast SET state = 'fanning_out', fan_out_cursor = 0, started_at = :now,"
                " missed_list_at = NULL, round = 1 + COALESCE((SELECT MAX(d.round) FROM delivery d"
                " WHERE d.broadcast_id = broadcast.id), round)"
                " WHERE id = :id AND state = 'done' AND expires_at > :now",
                id=broadcast_id,
                now=to_us(now),
            )
        return result.rowcount == 1


async def end_all(
    connection: AsyncConnection,
    broadcast_id: BroadcastId,
    event: BroadcastEvent,
    now: datetime,
    *,
    emergency: bool,
) -> list[StopRequest]:
    """Cancel, recall or expiry for every delivery and reach of a broadcast, set by set."""
    on_delivery, on_reach = TAKEN_BACK[event]
    params: dict[str, object] = {"broadcast": broadcast_id, "now": to_us(now)}
    await run(
        connection,
        f"UPDATE delivery SET state = '{ENDS_IN[on_delivery]}', lease_owner = NULL, lease_until = NULL,"
        " due_at = NULL, updated_at = :now WHERE broadcast_id = :broadcast"
        f" AND state IN ({_listed(sources(on_delivery))})",
        **params,
    )
    await run(
        connection,
        f"UPDATE delivery SET stop_asked = COALESCE(stop_asked, '{on_delivery}'), updated_at = :now"
        f" WHERE broadcast_id = :broadcast AND state IN ({_listed(STOPPABLE)})",
        **params,
    )
    closing = ", ".join(f"'{state}'" for state in sorted(reach_sources(on_reach, emergency=emergency)))
    await run(
        connection,
        "UPDATE reach SET state = 'closed', deadline_at = NULL, ended_at = COALESCE(ended_at, :now)"
        f" WHERE broadcast_id = :broadcast AND state IN ({closing})",
        **params,
    )
    rows = await fetch(
        connection,
        "SELECT t.provider, t.reference FROM delivery d JOIN attempt t ON t.id = d.attempt_id"
        f" WHERE d.broadcast_id = :broadcast AND d.channel = 'voice' AND d.state IN ({_listed(STOPPABLE)})"
        " AND t.reference IS NOT NULL",
        broadcast=broadcast_id,
    )
    return [StopRequest(row.provider, row.reference) for row in rows]


def _values(one: Submission) -> dict[str, object]:
    return {
        "state": str(one.state),
        "title": one.title,
        "text": one.text,
        "script": one.script,
        "recording_id": one.recording_id,
        "priority": int(one.priority),
        "category": str(one.category),
        "cap_status": str(one.cap_status),
        "msg_type": str(one.msg_type),
        "severity": one.severity and str(one.severity),
        "urgency": one.urgency and str(one.urgency),
        "certainty": one.certainty and str(one.certainty),
        "response_type": one.response_type and str(one.response_type),
        "act_now": one.act_now,
        "refers_to": one.refers_to,
        "author_id": one.author_id,
        "approved_by": one.approved_by,
        "approval_basis": one.approval_basis and str(one.approval_basis),
        "approved_at": to_us(one.created_at) if one.approved_by is not None else None,
        "needs_approval": one.needs_approval,
        "created_at": to_us(one.created_at),
        "scheduled_at": to_us(one.scheduled_at),
        "expires_at": to_us(one.expires_at),
    }
