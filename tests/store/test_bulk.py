"""Whole villages written at once, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from broadcast.model import VillageId
from broadcast.store.queries.bulk import BulkQueries, Newcomer
from broadcast.store.unit import Database, fetch
from maeul.synthetic import CONSENT, County
from tests.builders import MORNING, Office, a_resident, a_village

PEOPLE: list[Newcomer] = [(one.enrolment, one.guardian) for one in County(1, 60, 3).people(0)]


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    try:
        yield Office(database)
    finally:
        await database.close()


async def rows(office: Office, sql: str) -> Sequence[Any]:
    async with office.database.read() as connection:
        return [tuple(row) for row in await fetch(connection, sql)]


async def enrolled(office: Office, village_id: VillageId, people: Sequence[Newcomer]) -> None:
    bulk = BulkQueries(office.database, office.vault)
    await bulk.enrol(village_id, people, CONSENT, MORNING)
    await bulk.settle()


async def test_everybody_is_kept_with_addresses_consent_and_guardians(office: Office) -> None:
    village_id = await a_village(office)
    await enrolled(office, village_id, PEOPLE[:35])
    await enrolled(office, village_id, PEOPLE[35:])
    names = await rows(office, "SELECT name_ciphertext FROM resident ORDER BY id")
    assert [office.vault.open(name) for (name,) in names] == [person.name for person, _ in PEOPLE]
    kept = await rows(
        office,
        "SELECT a.ciphertext FROM resident_address l JOIN address a ON a.id = l.address_id"
        " ORDER BY l.resident_id, l.rank",
    )
    assert [office.vault.open(value) for (value,) in kept] == [c.value for p, _ in PEOPLE for c in p.contacts]
    assert await rows(office, "SELECT category, count(*) FROM subscription GROUP BY category ORDER BY 1") == [
        ("administrative", 60),
        ("disaster", 60),
        ("notice", 60),
    ]
    guarded = [person.name for person, guardian in PEOPLE if guardian]
    bonds = await rows(
        office,
        "SELECT r.name_ciphertext FROM guardianship g JOIN resident r ON r.id = g.resident_id"
        " JOIN guardian_address a ON a.guardian_id = g.guardian_id WHERE g.listens AND g.told ORDER BY r.id",
    )
    assert [office.vault.open(name) for (name,) in bonds] == guarded


async def test_those_who_come_later_get_ids_of_their_own(office: Office) -> None:
    village_id = await a_village(office)
    before = await a_resident(office)
    await enrolled(office, village_id, PEOPLE)
    after = await a_resident(office)
    assert before < after
    assert await rows(office, "SELECT count(*), count(DISTINCT id) FROM resident") == [(62, 62)]
    given = await rows(office, f"SELECT count(*) FROM subscription WHERE resident_id IN ({before}, {after})")
    assert given == [(8,)]  # their own four categories, and not what the slice agreed to


async def test_an_address_that_is_known_already_is_shared(office: Office) -> None:
    village_id = await a_village(office)
    await enrolled(office, village_id, PEOPLE)
    addresses = await rows(office, "SELECT count(*) FROM address")
    await enrolled(office, village_id, PEOPLE)
    assert await rows(office, "SELECT count(*) FROM address") == addresses


async def test_a_village_is_found_with_the_number_of_its_people(office: Office) -> None:
    village_id = await a_village(office, "99")
    bulk = BulkQueries(office.database, office.vault)
    assert await bulk.village("98") is None
    await enrolled(office, village_id, PEOPLE[:5])
    assert await bulk.village("99") == (village_id, 5)
