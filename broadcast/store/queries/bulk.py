"""Writes whole villages of residents at once, a slice a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import VillageId
from broadcast.people.residents import Consent, Contact, Enrolment, NewGuardian
from broadcast.store.columns import to_us
from broadcast.store.queries.people import GUARDIANSHIP
from broadcast.store.unit import Database, Params, fetch, run, run_many
from broadcast.store.vault import Vault, masked

FLAGS = ("hard_of_hearing", "cannot_walk", "lives_alone", "wants_calls", "wants_slow", "in_drills")

RESIDENTS = f"""
INSERT INTO resident (id, village_id, name_ciphertext, language, born_in, route_rank, absence, {", ".join(FLAGS)})
VALUES (:id, :village_id, :name, 'ko', :born_in, :route_rank, :absence, {", ".join(f":{flag}" for flag in FLAGS)})
"""

ADDRESSES = """
INSERT INTO address (kind, blind_index, ciphertext, masked, can_ring, can_sms)
VALUES (:kind, :blind, :sealed, :masked, :can_ring, :can_sms)
ON CONFLICT (kind, blind_index) DO NOTHING
"""

# By the blind index, because an address may have been there before with an id that we do not know.
LINKS = """
INSERT INTO {holder}_address ({holder}_id, address_id, rank)
SELECT :id, a.id, :rank FROM address a WHERE a.kind = :kind AND a.blind_index = :blind
ON CONFLICT ({holder}_id, address_id) DO NOTHING
"""

CONSENTS = """
INSERT INTO subscription (resident_id, village_id, category, given_at, given_how, given_words)
SELECT r.id, r.village_id, :category, :at, :how, :words
FROM resident r WHERE r.village_id = :village_id AND r.id BETWEEN :first AND :last
"""

FILLED = (
    "resident",
    "address",
    "resident_address",
    "subscription",
    "guardian",
    "guardian_address",
    "guardianship",
)

Newcomer = tuple[Enrolment, NewGuardian | None]


class BulkQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def village(self, code: str) -> tuple[VillageId, int] | None:
        """The village of this code and how many residents it ever had; None if there is none."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT v.id, (SELECT count(*) FROM resident r WHERE r.village_id = v.id) AS residents"
                " FROM village v WHERE v.code = :code",
                code=code,
            )
        return (VillageId(rows[0].id), rows[0].residents) if rows else None

    async def enrol(
        self, village_id: VillageId, slice: Sequence[Newcomer], consent: Consent, now: datetime
    ) -> None:
        """One transaction: keep the slice small, because on SQLite others wait for it."""
        people = [enrolment for enrolment, _ in slice]
        guarded = [(n, guardian) for n, (_, guardian) in enumerate(slice) if guardian]
        prepared = [self._resident(village_id, n, person) for n, person in enumerate(people)]
        holders = [(n, person.contacts) for n, person in enumerate(people)]
        kept = [(n, guardian.contacts) for n, (_, guardian) in enumerate(guarded)]
        addresses = self._addresses([*holders, *kept])
        async with self._database.write() as connection:
            first = await self._reserve(connection, "resident", len(people))
            await run_many(connection, RESIDENTS, _from(first, prepared))
            await run_many(connection, ADDRESSES, addresses)
            await run_many(connection, LINKS.format(holder="resident"), self._links(first, holders))
            await _consent(connection, village_id, first, first + len(people) - 1, consent, now)
            await self._guardians(connection, first, guarded, kept, now)

    async def settle(self) -> None:
        """Tell PostgreSQL's planner how large the tables have become; by itself it learns that minutes later."""
        if self._database.is_sqlite:
            return
        async with self._database.write() as connection:
            await run(connection, f"ANALYZE {', '.join(FILLED)}")

    async def _guardians(
        self,
        connection: AsyncConnection,
        first_resident: int,
        guarded: Sequence[tuple[int, NewGuardian]],
        kept: Sequence[tuple[int, tuple[Contact, ...]]],
        now: datetime,
    ) -> None:
        if not guarded:
            return
        first = await self._reserve(connection, "guardian", len(guarded))
        names = [
            {"id": n, "name": self._vault.seal(guardian.name)} for n, (_, guardian) in enumerate(guarded)
        ]
        insert = "INSERT INTO guardian (id, name_ciphertext, language) VALUES (:id, :name, 'ko')"
        await run_many(connection, insert, _from(first, names))
        await run_many(connection, LINKS.format(holder="guardian"), self._links(first, kept))
        bonds = [
            {
                "resident_id": first_resident + n,
                "guardian_id": first + at,
                "rank": guardian.rank,
                "listens": guardian.listens,
                "told": guardian.told,
                "at": to_us(now),
                "how": guardian.agreed_how,
            }
            for at, (n, guardian) in enumerate(guarded)
        ]
        await run_many(connection, GUARDIANSHIP, bonds)

    async def _reserve(self, connection: AsyncConnection, table: str, n: int) -> int:
        """The first of `n` ids in a row that nobody else gets."""
        if self._database.is_sqlite:  # this transaction is the only writer
            rows = await fetch(connection, f"SELECT COALESCE(max(id), 0) + 1 AS first FROM {table}")
            return int(rows[0].first)
        # One statement moves the sequence past them all; whoever asks meanwhile waits on the table's lock.
        await run(connection, f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        rows = await fetch(
            connection,
            "SELECT setval(s.name, nextval(s.name) + :n) - :n AS first"
            f" FROM (SELECT pg_get_serial_sequence('{table}', 'id') AS name) s",
            n=n,
        )
        return int(rows[0].first)

    def _resident(self, village_id: VillageId, n: int, person: Enrolment) -> Params:
        traits = person.traits
        return {
            "id": n,
            "village_id": village_id,
            "name": self._vault.seal(person.name),
            "born_in": traits.get("born_in"),
            "route_rank": traits.get("route_rank", 0),
            "absence": traits.get("absence"),
            **{flag: traits.get(flag, False) for flag in FLAGS},
        }

    def _addresses(self, holders: Iterable[tuple[int, tuple[Contact, ...]]]) -> list[Params]:
        # Sorted, so that two writers take the same addresses in the same order and never wait in a ring.
        contacts = sorted({c for _, several in holders for c in several}, key=lambda c: (c.kind, c.value))
        return [
            {
                "kind": contact.kind.value,
                "blind": self._vault.blind(contact.kind.value, contact.value),
                "sealed": self._vault.seal(contact.value),
                "masked": masked(contact.value),
                "can_ring": contact.can_ring,
                "can_sms": contact.can_sms,
            }
            for contact in contacts
        ]

    def _links(self, first: int, holders: Iterable[tuple[int, tuple[Contact, ...]]]) -> list[Params]:
        return [
            {
                "id": first + n,
                "rank": rank,
                "kind": contact.kind.value,
                "blind": self._vault.blind(contact.kind.value, contact.value),
            }
            for n, contacts in holders
            for rank, contact in enumerate(contacts)
        ]


async def _consent(
    connection: AsyncConnection, village_id: VillageId, first: int, last: int, given: Consent, now: datetime
) -> None:
    common = {"village_id": village_id, "first": first, "last": last, "at": to_us(now)}
    told = {"how": given.how, "words": given.words}
    await run_many(connection, CONSENTS, [{**common, **told, "category": c.value} for c in given.categories])


def _from(first: int, rows: Iterable[Params]) -> list[Params]:
    """The rows, whose ids count from 0, with ids that count from `first`."""
    return [{**row, "id": first + int(str(row["id"]))} for row in rows]
