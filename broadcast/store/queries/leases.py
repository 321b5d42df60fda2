"""Ticks over deliveries: what became due, whose lease ran out, what is unconfirmed, what comes next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import AttemptId, Channel, DeliveryId
from broadcast.store.columns import MICRO, from_us, to_us
from broadcast.store.queries import deliveries
from broadcast.store.queries.dispatch import CONTENT, claimed
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault
from broadcast.work import Change, DeliveryFacts, OpenAttempt, UnsettledAttempt

NEXT_MOMENT = """
    SELECT MIN(at) AS at FROM (
        SELECT MIN(due_at) AS at FROM delivery WHERE state = 'held'
        UNION ALL SELECT MIN(lease_until) FROM delivery WHERE lease_until IS NOT NULL
        UNION ALL SELECT MIN(deadline_at) FROM reach WHERE deadline_at IS NOT NULL
        UNION ALL SELECT MIN(settle_at) FROM attempt WHERE settle_at IS NOT NULL
        UNION ALL SELECT MIN(scheduled_at) FROM broadcast WHERE state = 'scheduled'
        UNION ALL SELECT MIN(expires_at) FROM broadcast
                  WHERE state NOT IN ('done','cancelled','recalled','expired','failed')
    ) AS moments
"""


NEAR = timedelta(minutes=10)
TAKEN = """
    SELECT t.id, o.reference
    FROM attempt t JOIN delivery d ON d.id = t.delivery_id
    JOIN delivery other ON other.address_id = d.address_id AND other.channel = d.channel
    JOIN attempt o ON o.delivery_id = other.id AND o.provider = t.provider AND o.id <> t.id
    WHERE t.id IN {ids} AND o.reference IS NOT NULL AND o.begun_at > t.begun_at - :span
"""


class LeaseQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

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

    async def change(
        self, ids: Sequence[DeliveryId], now: datetime, decide: Callable[[DeliveryFacts], Change | None]
    ) -> None:
        """Move deliveries by what they are now; `decide` gives None for those to be left alone."""

        async def work(connection: AsyncConnection) -> None:
            facts = await deliveries.lock(connection, self._database, ids)
            changes = [change for one in facts.values() if (change := decide(one)) is not None]
            await deliveries.save(connection, self._database, changes, now)
            await deliveries.after_failures(connection, self._database, facts, changes, now)

        if ids:
            await self._database.retrying(work)

    async def open_attempts(self, ids: Sequence[DeliveryId]) -> list[OpenAttempt]:
        """The open attempts of those that the provider has taken."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT d.id, d.channel, t.id AS attempt, t.provider, t.reference, t.begun_at"
                " FROM delivery d JOIN attempt t ON t.id = d.attempt_id"
                f" WHERE d.state = 'sent' AND t.reference IS NOT NULL AND d.id IN {self._database.ids()}",
                ids=as_json(list(ids)),
            )
        return [
            OpenAttempt(
                DeliveryId(row.id),
                AttemptId(row.attempt),
                Channel(row.channel),
                row.provider,
                row.reference,
                from_us(row.begun_at),
            )
            for row in rows
        ]

    async def orphan(self, now: datetime) -> None:
        """At the start of the only process: whatever is leased was left by one that died."""
        async with self._database.write(0) as connection:
            await run(
                connection,
                "UPDATE delivery SET lease_until = :now WHERE state IN ('claimed', 'sending')",
                now=to_us(now),
            )

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
            taken = await self._taken(connection, [row.attempt for row in rows])
        return [
            UnsettledAttempt(
                claimed(row, self._vault),
                AttemptId(row.attempt),
                row.provider,
                from_us(row.begun_at),
                taken=tuple(taken[row.attempt]),
            )
            for row in rows
        ]

    async def _taken(self, connection: AsyncConnection, attempts: Sequence[int]) -> dict[int, list[str]]:
        """References that other attempts of about that time to the same address already hold."""
        taken: dict[int, list[str]] = defaultdict(list)
        for row in await fetch(
            connection,
            TAKEN.format(ids=self._database.ids()),
            ids=as_json(list(attempts)),
            span=NEAR // MICRO,
        ):
            taken[row.id].append(row.reference)
        return taken

    async def next_moment(self) -> datetime | None:
        """The earliest moment at which something becomes due by itself."""
        async with self._database.read() as connection:
            rows = await fetch(connection, NEXT_MOMENT)
        return None if rows[0].at is None else from_us(rows[0].at)
