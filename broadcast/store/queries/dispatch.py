"""The hot path: claim a batch, begin it in a durable micro-commit, write outcomes back, leases."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import (
    AddressId,
    BroadcastId,
    CapStatus,
    Category,
    Channel,
    DeliveryId,
    DeliveryState,
    Priority,
    Purpose,
)
from broadcast.store.columns import from_us, to_us
from broadcast.store.queries import accepting, beginning, deliveries
from broadcast.store.queries.deliveries import clock_time
from broadcast.store.unit import Database, as_json, fetch
from broadcast.store.vault import Unsealable, Vault
from broadcast.work import (
    AttemptFacts,
    Change,
    Claimed,
    DeliveryFacts,
    Finished,
    NotBegun,
    StopRequest,
    TurnedOver,
)

log = logging.getLogger(__name__)

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
           v.name AS village_name, v.caller_number, v.calls_open_at, e.text_ciphertext,
           c.name AS county, c.callback_number
           {more}
    FROM delivery d
    JOIN address a ON a.id = d.address_id
    JOIN broadcast b ON b.id = d.broadcast_id
    JOIN village v ON v.id = d.village_id
    LEFT JOIN county c ON c.id = 1
    LEFT JOIN errand e ON e.broadcast_id = d.broadcast_id AND e.purpose = d.purpose
         AND e.subject = d.subject AND e.round = d.round
    {more_from}
"""


def claimed(row: Row[Any], vault: Vault) -> Claimed:
    """A row of CONTENT, unsealed; an errand brings its own words."""
    title, text = row.title, row.text
    if row.text_ciphertext is not None:
        title, _, text = vault.open(row.text_ciphertext).partition("\n")
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
        to=vault.open(row.ciphertext),
        title=title,
        text=text,
        village=row.village_name,
        county=row.county or "",
        callback=row.callback_number or "",
        caller=row.caller_number,
        opens_at=clock_time(row.calls_open_at),
    )


class DispatchQueries:
    """All that the dispatcher asks of the tables."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        claim = CLAIM if database.is_sqlite else CLAIM_POSTGRES
        self._claim = claim.replace("{skip}", database.skip_locked)
        self._content = CONTENT.format(more="", more_from="") + f" WHERE {database.among('d.id')}"

    async def claim(
        self, channel: Channel, n: int, owner: str, now: datetime, lease: timedelta, lane: Priority
    ) -> list[Claimed]:
        """Up to `n` queued deliveries of this channel in the order of lanes and turns, leased to `owner`."""

        async def work(connection: AsyncConnection) -> Sequence[Row[Any]]:
            return await self._take(connection, channel, n, owner, now, now + lease, lane)

        return self._unsealed(await self._database.retrying(work, int(lane), hot=True))

    async def _take(
        self,
        connection: AsyncConnection,
        channel: Channel,
        n: int,
        owner: str,
        now: datetime,
        until: datetime,
        lane: Priority,
    ) -> Sequence[Row[Any]]:
        taken = await fetch(
            connection,
            self._claim,
            owner=owner,
            until=to_us(until),
            now=to_us(now),
            channel=str(channel),
            lane=int(lane),
            n=n,
        )
        if not taken:
            return []
        return await fetch(connection, self._content, ids=as_json([row.id for row in taken]))

    def _unsealed(self, rows: Sequence[Row[Any]]) -> list[Claimed]:
        """In order. What no key opens stays claimed until its lease ends and does not stop the rest."""
        found: list[Claimed] = []
        for row in rows:
            try:
                found.append(claimed(row, self._vault))
            except Unsealable:
                log.error("delivery_unsealable", extra={"delivery": row.id})
        return sorted(found, key=lambda one: (one.priority, one.turn, one.id))

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
        rings_since: datetime | None = None,
        more: tuple[Channel, int] | None = None,
    ) -> TurnedOver:
        """One transaction: write back what has finished, begin the next group with an attempt each.

        `rings_since`: for a group of calls, the local midnight from which a number's calls of the day count.
        `more`: claim so many of this channel for later as well.
        """

        async def work(connection: AsyncConnection) -> tuple[TurnedOver, Sequence[Row[Any]]]:
            stops = await self._write_back(connection, finished, now, decide)
            begun = await beginning.begin(
                connection,
                self._database,
                group,
                provider=provider,
                owner=owner,
                now=now,
                until=now + lease,
                rings_since=rings_since,
            )
            taken: Sequence[Row[Any]] = ()
            if more is not None:
                taken = await self._take(connection, *more, owner, now, now + lease, Priority.ROUTINE)
            return TurnedOver(begun, stops), taken

        turned, taken = await self._database.retrying(work, int(lane), hot=True)
        return replace(turned, claimed=self._unsealed(taken))

    async def _write_back(
        self, connection: AsyncConnection, finished: Sequence[Finished], now: datetime, decide: Decide
    ) -> list[StopRequest]:
        accepted = await accepting.accept(connection, self._database, finished, now)
        finished = [one for one in finished if one.attempt_id not in accepted]
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
        await deliveries.after_failures(connection, self._database, facts, changes, now)
        return [
            StopRequest(attempt.provider, attempt.reference)
            for attempt, one in zip(saved, finished, strict=True)
            if attempt.reference and _is_needless(facts[one.delivery_id], attempt)
        ]

    async def why_not_begun(
        self, ids: Sequence[DeliveryId], owner: str, now: datetime, rings_since: datetime
    ) -> dict[DeliveryId, NotBegun]:
        """What keeps claimed deliveries from being begun; those that are not ours any more are left out."""
        async with self._database.read() as connection:
            return await beginning.why_not(connection, self._database, ids, owner, now, rings_since)

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
                f"SELECT id FROM delivery WHERE {self._database.among('id')} AND state = 'claimed'"
                f" AND lease_owner = :owner ORDER BY id{self._database.for_update}",
                ids=as_json(list(ids)),
                owner=owner,
            )
            facts = await deliveries.lock(connection, self._database, [row.id for row in mine])
            changes = [change for one in facts.values() if (change := decide(one)) is not None]
            await deliveries.save(connection, self._database, changes, now)
            await deliveries.after_failures(connection, self._database, facts, changes, now)

        if ids:
            await self._database.retrying(work)

    async def open_calls(self) -> int:
        """Calls under way over all workers: lines in use."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT COUNT(*) AS n FROM delivery"
                " WHERE channel = 'voice' AND state IN ('sending','unconfirmed','sent')",
            )
        return int(rows[0].n)


def _is_needless(facts: DeliveryFacts, attempt: AttemptFacts) -> bool:
    """Whether what the provider has just taken is to be stopped: taken back, or overtaken by good news."""
    if facts.stop_asked is not None:
        return True
    is_another = facts.attempt_id != attempt.id
    return is_another and facts.state in (DeliveryState.HEARD, DeliveryState.CONFIRMED)
