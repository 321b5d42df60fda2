"""The hot path: claim a batch, begin it in a durable micro-commit, write outcomes back, leases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.lifecycle import DeliveryEvent, sources
from broadcast.model import (
    AddressId,
    AttemptId,
    BroadcastId,
    CapStatus,
    Category,
    Channel,
    DeliveryId,
    Priority,
    Purpose,
    Reason,
)
from broadcast.store.columns import from_us, to_us
from broadcast.store.queries import deliveries
from broadcast.store.queries.deliveries import clock_time
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import (
    AttemptFacts,
    Change,
    Claimed,
    DeliveryFacts,
    Finished,
    StopRequest,
    UnsettledAttempt,
)

Decide = Callable[[DeliveryFacts, AttemptFacts, Finished, datetime], tuple[Change | None, AttemptFacts]]

CLAIM = """
    UPDATE delivery SET state = 'claimed', lease_owner = :owner, lease_until = :until, updated_at = :now
    WHERE id IN (SELECT id FROM delivery WHERE state = 'queued' AND channel = :channel AND priority <= :lane
                 ORDER BY channel, priority, turn, id LIMIT :n{skip})
    RETURNING id
"""
CLAIM_POSTGRES = CLAIM.replace("id IN (SELECT", "id = ANY(ARRAY(SELECT").replace("{skip})", "{skip}))")

CONTENT = """
    SELECT d.id, d.broadcast_id, d.purpose, d.subject, d.channel, d.priority, d.turn, d.address_id, d.round,
           a.ciphertext, b.title, b.text, b.category, b.cap_status, b.act_now, b.expires_at,
           v.name AS village_name, v.caller_number, v.calls_open_at, e.text_ciphertext
           {more}
    FROM delivery d
    JOIN address a ON a.id = d.address_id
    JOIN broadcast b ON b.id = d.broadcast_id
    JOIN village v ON v.id = d.village_id
    LEFT JOIN errand e ON e.broadcast_id = d.broadcast_id AND e.purpose = d.purpose
         AND e.subject = d.subject AND e.round = d.round
    {more_from}
"""

# Whatever was taken back, expired, suppressed or already rung since the claim is not begun.
BEGIN = """
    UPDATE delivery SET state = 'sending', lease_owner = :owner, lease_until = :until, tries = tries + 1,
           due_at = NULL, updated_at = :now
    WHERE id IN {ids} AND state = 'claimed' AND lease_owner = :owner AND stop_asked IS NULL
      AND EXISTS (SELECT 1 FROM broadcast b WHERE b.id = delivery.broadcast_id AND b.expires_at > :now
                  AND b.state IN ('fanning_out', 'sending', 'done'))
      AND EXISTS (SELECT 1 FROM address a WHERE a.id = delivery.address_id
                  AND a.dead_at IS NULL AND a.suppressed_at IS NULL)
      AND NOT (channel = 'voice' AND EXISTS (
          SELECT 1 FROM delivery o WHERE o.address_id = delivery.address_id AND o.id <> delivery.id
          AND o.channel = 'voice' AND o.state IN ('sending','unconfirmed','sent')))
    RETURNING id, tries
"""

WHY_NOT = """
    SELECT d.id, b.state AS broadcast_state, b.expires_at, a.dead_at, a.suppressed_at
    FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id JOIN address a ON a.id = d.address_id
    WHERE d.id IN {ids} AND d.state = 'claimed' AND d.lease_owner = :owner
"""

NEXT_MOMENT = """
    SELECT MIN(at) AS at FROM (
        SELECT MIN(due_at) AS at FROM delivery WHERE state = 'held'
        UNION ALL SELECT MIN(lease_until) FROM delivery WHERE lease_until IS NOT NULL
        UNION ALL SELECT MIN(deadline_at) FROM reach WHERE deadline_at IS NOT NULL
        UNION ALL SELECT MIN(settle_at) FROM attempt WHERE settle_at IS NOT NULL
        UNION ALL SELECT MIN(COALESCE(scheduled_at, created_at)) FROM broadcast WHERE state = 'scheduled'
        UNION ALL SELECT MIN(expires_at) FROM broadcast
                  WHERE state NOT IN ('done','cancelled','recalled','expired','failed')
    ) AS moments
"""


class DispatchQueries:
    """All that the dispatcher asks of the tables."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        claim = CLAIM if database.is_sqlite else CLAIM_POSTGRES
        self._claim = claim.replace("{skip}", database.skip_locked)

    async def claim(
        self, channel: Channel, n: int, owner: str, now: datetime, lease: timedelta, lane: Priority
    ) -> list[Claimed]:
        """Up to `n` queued deliveries of this channel in the order of lanes and turns, leased to `owner`."""
        async with self._database.write(int(lane), hot=True) as connection:
            taken = await fetch(
                connection,
                self._claim,
                owner=owner,
                until=to_us(now + lease),
                now=to_us(now),
                channel=str(channel),
                lane=int(lane),
                n=n,
            )
            if not taken:
                return []
            rows = await fetch(
                connection,
                CONTENT.format(more="", more_from="") + f" WHERE d.id IN {self._database.ids()}",
                ids=as_json([row.id for row in taken]),
            )
        found = [self._claimed(row) for row in rows]
        return sorted(found, key=lambda one: (one.priority, one.turn, one.id))

    def _claimed(self, row: Row[Any]) -> Claimed:
        title, text = row.title, row.text
        if row.text_ciphertext is not None:
            title, _, text = self._vault.open(row.text_ciphertext).partition("\n")
        return Claimed(
            id=DeliveryId(row.id),
            broadcast_id=BroadcastId(row.broadcast_id),
            purpose=Purpose(row.purpose),
            channel=Channel(row.channel),
            priority=Priority(row.priority),
            turn=row.turn,
            address_id=AddressId(row.address_id),
            category=Category(row.category),
            cap_status=CapStatus(row.cap_status),
            act_now=bool(row.act_now),
            expires_at=from_us(row.expires_at),
            to=self._vault.open(row.ciphertext),
            title=title,
            text=text,
            village=row.village_name,
            caller=row.caller_number,
            opens_at=clock_time(row.calls_open_at),
        )

    async def turn_over(
        self,
        finished: Sequence[Finished],
        group: Sequence[DeliveryId],
        *,
        provider: str,
        owner: str,
        now: datetime,
        lease: timedelta,
        lane: Priority,
        decide: Decide,
    ) -> tuple[dict[DeliveryId, AttemptId], list[StopRequest]]:
        """One transaction: write back what has finished, begin the next group with an attempt each.

        Returns the attempts of what was begun (what is missing must not be sent) and what the provider is
        to be asked to stop, because it was covered or taken back while its reply was on the wire.
        """

        async def work(
            connection: AsyncConnection,
        ) -> tuple[dict[DeliveryId, AttemptId], list[StopRequest]]:
            stops = await self._write_back(connection, finished, now, decide)
            begun = await self._begin(connection, group, provider, owner, now, lease)
            return begun, stops

        return await self._database.retrying(work, int(lane), hot=True)

    async def _write_back(
        self, connection: AsyncConnection, finished: Sequence[Finished], now: datetime, decide: Decide
    ) -> list[StopRequest]:
        if not finished:
            return []
        facts = await deliveries.lock(connection, self._database, [one.delivery_id for one in finished])
        attempts = await deliveries.lock_attempts(
            connection, self._database, [one.attempt_id for one in finished]
        )
        changes: list[Change] = []
        saved: list[AttemptFacts] = []
        for one in finished:
            change, attempt = decide(facts[one.delivery_id], attempts[one.attempt_id], one, now)
            saved.append(attempt)
            if change is not None:
                changes.append(change)
        await deliveries.save_attempts(connection, self._database, saved)
        await deliveries.save(connection, self._database, changes, now)
        await self._after_failures(connection, facts, changes, now)
        return [
            StopRequest(attempt.provider, attempt.reference)
            for attempt, one in zip(saved, finished, strict=True)
            if attempt.reference and facts[one.delivery_id].stop_asked is not None
        ]

    async def _after_failures(
        self,
        connection: AsyncConnection,
        facts: dict[DeliveryId, DeliveryFacts],
        changes: Sequence[Change],
        now: datetime,
    ) -> None:
        failed = [change for change in changes if change.state == "failed"]
        if not failed:
            return
        dead = [facts[c.id].address_id for c in failed if c.reason is Reason.BAD_ADDRESS]
        suppressed = [facts[c.id].address_id for c in failed if c.reason is Reason.OPTED_OUT]
        await deliveries.mark_addresses(connection, self._database, dead, suppressed, now)
        await deliveries.nudge(connection, self._database, [c.id for c in failed], now)

    async def _begin(
        self,
        connection: AsyncConnection,
        group: Sequence[DeliveryId],
        provider: str,
        owner: str,
        now: datetime,
        lease: timedelta,
    ) -> dict[DeliveryId, AttemptId]:
        if not group:
            return {}
        rows = await fetch(
            connection,
            BEGIN.format(ids=self._database.ids()),
            ids=as_json(list(group)),
            owner=owner,
            until=to_us(now + lease),
            now=to_us(now),
        )
        made = await fetch(
            connection,
            "INSERT INTO attempt (delivery_id, number, provider, begun_at, keys, settled)"
            " SELECT r.id, r.number, :provider, :now, '', false"
            f" FROM {self._database.rows({'id': 'bigint', 'number': 'int'})} WHERE true"
            " RETURNING id, delivery_id",
            rows=as_json([{"id": row.id, "number": row.tries} for row in rows]),
            provider=provider,
            now=to_us(now),
        )
        await run(
            connection,
            "UPDATE delivery SET attempt_id = r.attempt_id"
            f" FROM {self._database.rows({'id': 'bigint', 'attempt_id': 'bigint'})} WHERE delivery.id = r.id",
            rows=as_json([{"id": row.delivery_id, "attempt_id": row.id} for row in made]),
        )
        return {DeliveryId(row.delivery_id): AttemptId(row.id) for row in made}

    async def why_not_begun(
        self, ids: Sequence[DeliveryId], owner: str, now: datetime
    ) -> dict[DeliveryId, DeliveryEvent]:
        """What keeps claimed deliveries from being begun; those that are not ours any more are left out."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection, WHY_NOT.format(ids=self._database.ids()), ids=as_json(list(ids)), owner=owner
            )
        found: dict[DeliveryId, DeliveryEvent] = {}
        for row in rows:
            if row.dead_at is not None or row.suppressed_at is not None:
                event = DeliveryEvent.BARRED
            elif row.expires_at <= to_us(now):
                event = DeliveryEvent.EXPIRED
            elif row.broadcast_state not in ("fanning_out", "sending", "done"):
                event = DeliveryEvent.CANCELLED
            else:
                event = DeliveryEvent.POSTPONED
            found[DeliveryId(row.id)] = event
        return found

    async def change_claimed(
        self,
        ids: Sequence[DeliveryId],
        owner: str,
        now: datetime,
        decide: Callable[[DeliveryFacts], Change | None],
    ) -> None:
        """Move deliveries that this owner still has claimed; the rest is left alone."""

        async def work(connection: AsyncConnection) -> None:
            mine = await fetch(
                connection,
                f"SELECT id FROM delivery WHERE id IN {self._database.ids()} AND state = 'claimed'"
                f" AND lease_owner = :owner ORDER BY id{self._database.for_update}",
                ids=as_json(list(ids)),
                owner=owner,
            )
            facts = await deliveries.lock(connection, self._database, [row.id for row in mine])
            changes = [change for one in facts.values() if (change := decide(one)) is not None]
            await deliveries.save(connection, self._database, changes, now)
            await self._after_failures(connection, facts, changes, now)

        if ids:
            await self._database.retrying(work)

    async def release_due(self, now: datetime, n: int) -> int:
        """Held deliveries whose moment came go to the queue; returns how many."""
        async with self._database.write(0) as connection:
            result = await run(
                connection,
                "UPDATE delivery SET state = 'queued', updated_at = :now WHERE id IN (SELECT id FROM delivery"
                " WHERE state = 'held' AND due_at <= :now ORDER BY due_at LIMIT :n"
                f"{self._database.skip_locked}) AND state = 'held'",
                now=to_us(now),
                n=n,
            )
        return result.rowcount

    async def lost_leases(self, now: datetime, n: int) -> list[DeliveryId]:
        """Claimed, sending, unconfirmed or sent deliveries whose time ran out."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT id FROM delivery WHERE lease_until IS NOT NULL AND lease_until <= :now"
                " ORDER BY lease_until LIMIT :n",
                now=to_us(now),
                n=n,
            )
        return [DeliveryId(row.id) for row in rows]

    async def change_timed_out(
        self,
        ids: Sequence[DeliveryId],
        now: datetime,
        decide: Callable[[DeliveryFacts], Change | None],
    ) -> None:
        """Move deliveries whose time ran out, as they are now."""

        async def work(connection: AsyncConnection) -> None:
            facts = await deliveries.lock(connection, self._database, ids)
            late = [f for f in facts.values() if f.lease_until is not None and f.lease_until <= now]
            changes = [change for one in late if (change := decide(one)) is not None]
            await deliveries.save(connection, self._database, changes, now)
            await self._after_failures(connection, facts, changes, now)

        if ids:
            await self._database.retrying(work)

    async def unsettled(self, ids: Sequence[DeliveryId]) -> list[UnsettledAttempt]:
        """The open attempts of unconfirmed deliveries, with what a look-up needs."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                CONTENT.format(
                    more=", t.id AS attempt, t.provider, t.begun_at",
                    more_from="JOIN attempt t ON t.id = d.attempt_id",
                )
                + f" WHERE d.state = 'unconfirmed' AND d.id IN {self._database.ids()}",
                ids=as_json(list(ids)),
            )
        return [
            UnsettledAttempt(self._claimed(row), AttemptId(row.attempt), row.provider, from_us(row.begun_at))
            for row in rows
        ]

    async def open_calls(self) -> int:
        """Calls under way over all workers: lines in use."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT COUNT(*) AS n FROM delivery"
                " WHERE channel = 'voice' AND state IN ('sending','unconfirmed','sent')",
            )
        return int(rows[0].n)

    async def next_moment(self) -> datetime | None:
        """The earliest moment at which something becomes due by itself."""
        async with self._database.read() as connection:
            rows = await fetch(connection, NEXT_MOMENT)
        return None if rows[0].at is None else from_us(rows[0].at)


CLAIM_SOURCES = sources(DeliveryEvent.CLAIMED)
BEGIN_SOURCES = sources(DeliveryEvent.BEGUN)
