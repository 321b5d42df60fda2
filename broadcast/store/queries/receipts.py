"""Receipts: stored as they came (sealed), repeats dropped, applied by attempt in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import AttemptId, DeliveryId, DeliveryState, Priority, Receipt
from broadcast.outcomes import Decider
from broadcast.receipts import Applied, Judgement, after, is_good, judge, overtakes, settle
from broadcast.store.columns import to_us
from broadcast.store.queries import covering, deliveries
from broadcast.store.unit import Database, as_json, fetch, run, run_many
from broadcast.store.vault import Vault
from broadcast.work import DeliveryFacts, StopRequest

WAITING = (DeliveryState.HELD, DeliveryState.QUEUED)
KEPT = {
    "n": "int",
    "provider": "text",
    "dedupe_key": "text",
    "attempt_id": "bigint",
    "kind": "text",
    "at": "bigint",
}


class ReceiptQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def apply(self, receipts: Sequence[Receipt], now: datetime, decider: Decider) -> Applied:
        """Store raw and apply, in one transaction. Repeats and unknown attempts move nothing."""
        sealed = [self._vault.seal(receipt.raw) for receipt in receipts]

        async def work(connection: AsyncConnection) -> Applied:
            attempts = await self._resolve(connection, receipts)
            fresh = await self._keep(connection, receipts, attempts, sealed, now)
            by_attempt: dict[AttemptId, list[Receipt]] = defaultdict(list)
            for number in fresh:
                for attempt in attempts[number]:
                    by_attempt[attempt].append(receipts[number])
            return await self._judge_all(connection, by_attempt, now, decider)

        return await self._database.retrying(work, int(Priority.EMERGENCY))

    async def settle_due(self, now: datetime, n: int, decider: Decider) -> Applied:
        async def work(connection: AsyncConnection) -> Applied:
            rows = await fetch(
                connection,
                "SELECT id FROM attempt WHERE settle_at IS NOT NULL AND settle_at <= :now LIMIT :n",
                now=to_us(now),
                n=n,
            )
            due: dict[AttemptId, list[Receipt]] = {AttemptId(row.id): [] for row in rows}
            return await self._judge_all(connection, due, now, decider)

        return await self._database.retrying(work, int(Priority.URGENT))

    # --- which attempts ---------------------------------------------------------------------------

    async def _resolve(
        self, connection: AsyncConnection, receipts: Sequence[Receipt]
    ) -> list[list[AttemptId]]:
        """The attempts of each receipt: by our id, else by the provider's reference; of its user, if it names one."""
        named = {receipt.attempt_id for receipt in receipts if receipt.attempt_id is not None}
        rows = await fetch(
            connection,
            "SELECT t.id, a.kind, a.blind_index FROM attempt t JOIN delivery d ON d.id = t.delivery_id"
            f" JOIN address a ON a.id = d.address_id WHERE t.id IN {self._database.ids()}",
            ids=as_json(sorted(named)),
        )
        known = {row.id: row for row in rows}
        found: list[list[AttemptId]] = []
        for receipt in receipts:
            if receipt.attempt_id is None:
                found.append(await self._by_reference(connection, receipt))
            else:
                row = known.get(receipt.attempt_id)
                found.append([receipt.attempt_id] if row and self._is_from(receipt, row) else [])
        return found

    def _is_from(self, receipt: Receipt, row: Row[Any]) -> bool:
        """Whether the attempt went to the user whom the receipt names: a tap of somebody else says nothing."""
        if not receipt.user:
            return True
        return bytes(row.blind_index) == self._vault.blind(row.kind, receipt.user)

    async def _by_reference(self, connection: AsyncConnection, receipt: Receipt) -> list[AttemptId]:
        if not receipt.reference:
            return []
        rows = await fetch(
            connection,
            "SELECT t.id, a.kind, a.blind_index FROM attempt t JOIN delivery d ON d.id = t.delivery_id"
            " JOIN address a ON a.id = d.address_id WHERE t.provider = :provider AND t.reference = :reference",
            provider=receipt.provider,
            reference=receipt.reference,
        )
        return [AttemptId(row.id) for row in rows if self._is_from(receipt, row)]

    async def _keep(
        self,
        connection: AsyncConnection,
        receipts: Sequence[Receipt],
        attempts: Sequence[Sequence[AttemptId]],
        sealed: Sequence[bytes],
        now: datetime,
    ) -> list[int]:
        """Insert the receipts; returns the numbers of those that were not known yet, in order."""
        rows = [
            {
                "n": number,
                "provider": receipt.provider,
                "dedupe_key": receipt.dedupe_key,
                "attempt_id": attempts[number][0] if attempts[number] else None,
                "kind": str(receipt.kind),
                "at": to_us(receipt.at),
            }
            for number, receipt in enumerate(receipts)
        ]
        made = await fetch(
            connection,
            "INSERT INTO receipt (provider, dedupe_key, attempt_id, kind, at, received_at)"
            f" SELECT provider, dedupe_key, attempt_id, kind, at, :now FROM {self._database.rows(KEPT)}"
            " WHERE true ORDER BY n ON CONFLICT DO NOTHING RETURNING id, provider, dedupe_key",
            rows=as_json(rows),
            now=to_us(now),
        )
        ids = {(row.provider, row.dedupe_key): row.id for row in made}
        fresh: list[int] = []
        raw: list[dict[str, object]] = []
        for number, receipt in enumerate(receipts):
            row_id = ids.pop((receipt.provider, receipt.dedupe_key), None)
            if row_id is not None:
                fresh.append(number)
                raw.append({"id": row_id, "raw": sealed[number]})
        await run_many(connection, "UPDATE receipt SET raw_ciphertext = :raw WHERE id = :id", raw)
        return fresh

    # --- what they come to ------------------------------------------------------------------------

    async def _judge_all(
        self,
        connection: AsyncConnection,
        by_attempt: dict[AttemptId, list[Receipt]],
        now: datetime,
        decider: Decider,
    ) -> Applied:
        if not by_attempt:
            return Applied()
        owners = await fetch(
            connection,
            f"SELECT id, delivery_id FROM attempt WHERE id IN {self._database.ids()}",
            ids=as_json(sorted(by_attempt)),
        )
        facts = await deliveries.lock(connection, self._database, [row.delivery_id for row in owners])
        attempts = await deliveries.lock_attempts(connection, self._database, by_attempt)
        judgements: list[tuple[DeliveryId, Judgement]] = []
        overtaken: list[AttemptId] = []
        for attempt_id, receipts in by_attempt.items():
            attempt = attempts[attempt_id]
            delivery = facts[attempt.delivery_id]
            judged = (
                judge(decider, delivery, attempt, receipts, now)
                if receipts
                else settle(decider, delivery, attempt, now)
            )
            judgements.append((delivery.id, judged))
            if judged.change is not None:
                facts[delivery.id] = after(delivery, judged.change)
                if overtakes(judged.change, delivery) and delivery.attempt_id is not None:
                    overtaken.append(delivery.attempt_id)
        applied = await self._write(connection, facts, judgements, now)
        needless = await covering.stops_of(connection, self._database, overtaken)
        return replace(applied, stops=[*applied.stops, *needless])

    async def _write(
        self,
        connection: AsyncConnection,
        facts: dict[DeliveryId, DeliveryFacts],
        judgements: Sequence[tuple[DeliveryId, Judgement]],
        now: datetime,
    ) -> Applied:
        changes = {judged.change.id: judged.change for _, judged in judgements if judged.change is not None}
        await deliveries.save_attempts(
            connection, self._database, [judged.attempt for _, judged in judgements]
        )
        await deliveries.save(connection, self._database, list(changes.values()), now)
        good = [change for change in changes.values() if is_good(change)]
        covered = await covering.hear(
            connection,
            self._database,
            [change.id for change in good if change.state is DeliveryState.HEARD],
            [change.id for change in good if change.state is DeliveryState.CONFIRMED],
            now,
        )
        stops: list[StopRequest] = await covering.cover(connection, self._database, covered, now)
        await deliveries.after_failures(connection, self._database, facts, list(changes.values()), now)
        again = [change.id for change in changes.values() if change.state in WAITING]
        await deliveries.hurry(connection, self._database, again, now)
        await self._ask_help([pair[0] for pair in judgements if pair[1].asks_help], connection, now)
        urgent = min((facts[change.id].priority for change in changes.values()), default=None)
        return Applied(stops, urgent)

    async def _ask_help(
        self, delivery_ids: Sequence[DeliveryId], connection: AsyncConnection, now: datetime
    ) -> None:
        """Key 9 in an emergency: the person's status is *needs help*, and a request is opened once."""
        if not delivery_ids:
            return
        people = (
            "SELECT r.id, r.broadcast_id, r.resident_id FROM delivery_reach l JOIN reach r ON r.id = l.reach_id"
            " JOIN broadcast b ON b.id = r.broadcast_id"
            f" WHERE b.priority = 0 AND l.delivery_id IN {self._database.ids()}"
        )
        ids = as_json(sorted(delivery_ids))
        await run(
            connection,
            "INSERT INTO help_request (broadcast_id, resident_id, asked_at)"
            f" SELECT p.broadcast_id, p.resident_id, :now FROM ({people}) AS p WHERE true ON CONFLICT DO NOTHING",
            ids=ids,
            now=to_us(now),
        )
        await run(
            connection,
            f"UPDATE reach SET needs_help = true WHERE id IN (SELECT id FROM ({people}) AS p)",
            ids=ids,
        )
