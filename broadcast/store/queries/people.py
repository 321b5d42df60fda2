"""Writing residents, their consent and their guardians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from broadcast.model import AddressId, GuardianId, ResidentId, VillageId
from broadcast.people.residents import TRAITS, Consent, Contact, Enrolment, NewGuardian, Trait, Whereabouts
from broadcast.roles import Place
from broadcast.store.columns import to_us
from broadcast.store.people_tables import Resident
from broadcast.store.queries import addresses
from broadcast.store.unit import Database, fetch, run, run_many
from broadcast.store.vault import Vault

CONSENT = """
INSERT INTO subscription (resident_id, village_id, category, given_at, given_how, given_words)
VALUES (:resident_id, :village_id, :category, :at, :how, :words)
ON CONFLICT (resident_id, village_id, category) DO UPDATE SET
  given_at = excluded.given_at, given_how = excluded.given_how, given_words = excluded.given_words,
  withdrawn_at = NULL, withdrawn_how = NULL
"""

LINK = """
INSERT INTO resident_address (resident_id, address_id, rank)
SELECT :resident_id, :address_id, count(*) FROM resident_address WHERE resident_id = :resident_id
ON CONFLICT (resident_id, address_id) DO NOTHING
"""

GUARDIANSHIP = """
INSERT INTO guardianship (resident_id, guardian_id, rank, listens, told, agreed_at, agreed_how)
VALUES (:resident_id, :guardian_id, :rank, :listens, :told, :at, :how)
"""

WHEREABOUTS = """
SELECT v.id, v.township_id, r.moved_at, r.deceased_at
FROM resident r JOIN village v ON v.id = r.village_id
WHERE r.id = :id
"""


class PeopleQueries:
    """Each method is one transaction."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def place(self, village: str) -> Place | None:
        async with self._database.read() as connection:
            rows = await fetch(
                connection, "SELECT id, township_id FROM village WHERE code = :code", code=village
            )
        return Place(VillageId(rows[0].id), rows[0].township_id) if rows else None

    async def whereabouts(self, resident_id: ResidentId) -> Whereabouts | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, WHEREABOUTS, id=resident_id)
        if not rows:
            return None
        row = rows[0]
        is_gone = row.moved_at is not None or row.deceased_at is not None
        return Whereabouts(Place(VillageId(row.id), row.township_id), is_gone)

    async def enrol(self, village_id: VillageId, form: Enrolment, now: datetime) -> ResidentId:
        async with self._database.write() as connection:
            sealed = self._vault.seal(form.name)
            new = insert(Resident).values(village_id=village_id, name_ciphertext=sealed, **form.traits)
            id = ResidentId(new_id(await connection.execute(new)))
            for contact in form.contacts:
                await self._link(connection, id, contact)
            await _consent(connection, id, village_id, form.consent, now)
        return id

    async def change(self, id: ResidentId, name: str | None, traits: Mapping[str, Trait]) -> None:
        values: dict[str, object] = {key: traits[key] for key in sorted(TRAITS & set(traits))}
        if name is not None:
            values["name_ciphertext"] = self._vault.seal(name)
        if not values:
            return
        async with self._database.write() as connection:
            await connection.execute(update(Resident).where(col(Resident.id) == id).values(**values))

    async def add_contact(self, id: ResidentId, contact: Contact) -> AddressId:
        async with self._database.write() as connection:
            return await self._link(connection, id, contact)

    async def consent(self, id: ResidentId, village_id: VillageId, given: Consent, now: datetime) -> None:
        async with self._database.write() as connection:
            await _consent(connection, id, village_id, given, now)

    async def add_guardian(self, id: ResidentId, guardian: NewGuardian, now: datetime) -> GuardianId:
        async with self._database.write() as connection:
            guardian_id = await self._guardian(connection, guardian.name, guardian.contacts)
            await run(
                connection,
                GUARDIANSHIP,
                resident_id=id,
                guardian_id=guardian_id,
                rank=guardian.rank,
                listens=guardian.listens,
                told=guardian.told,
                at=to_us(now),
                how=guardian.agreed_how,
            )
        return guardian_id

    async def _link(self, connection: AsyncConnection, id: ResidentId, contact: Contact) -> AddressId:
        address_id = await addresses.keep(connection, self._vault, contact)
        await run(connection, LINK, resident_id=id, address_id=address_id)
        return address_id

    async def _guardian(
        self, connection: AsyncConnection, name: str, contacts: Sequence[Contact]
    ) -> GuardianId:
        found = await run(
            connection,
            "INSERT INTO guardian (name_ciphertext, language) VALUES (:name, 'ko') RETURNING id",
            name=self._vault.seal(name),
        )
        id = GuardianId(int(found.scalar_one()))
        kept = [await addresses.keep(connection, self._vault, contact) for contact in contacts]
        await run_many(
            connection,
            "INSERT INTO guardian_address (guardian_id, address_id, rank)"
            " VALUES (:id, :address_id, :rank) ON CONFLICT (guardian_id, address_id) DO NOTHING",
            [{"id": id, "address_id": address_id, "rank": n} for n, address_id in enumerate(kept)],
        )
        return id


async def _consent(
    connection: AsyncConnection, id: ResidentId, village_id: VillageId, given: Consent, now: datetime
) -> None:
    common = {"resident_id": id, "village_id": village_id, "at": to_us(now)}
    told = {"how": given.how, "words": given.words}
    rows = [{**common, **told, "category": category.value} for category in given.categories]
    await run_many(connection, CONSENT, rows)


def new_id(result: CursorResult[Any]) -> int:
    """The number that the database gave to the row just inserted."""
    keys = result.inserted_primary_key
    assert keys is not None
    return int(keys[0])
