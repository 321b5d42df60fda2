"""Residents, guardians, villages and accounts in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from broadcast.compose import Who
from broadcast.errors import Conflict, InvalidInput, NotAllowed
from broadcast.model import AccountId, Category, ResidentId, Role, VillageId
from broadcast.people.accounts import AccessKind, NewAccount, check_password, holder_of, open_session, revoke
from broadcast.people.residents import Consent
from broadcast.people.views import ResidentView
from broadcast.people.villages import NewVillage, add_village
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.queries.people_lists import PeopleLists
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import Database, fetch
from tests.builders import OFFICE, VILLAGE, Office, a_guardian, a_resident, a_token, a_village, an_account

AUDITOR = Who(AccountId(9), Role.AUDITOR, "auditor")


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    yield Office(database)
    await database.close()


def lists(office: Office) -> PeopleLists:
    return PeopleLists(office.database, office.vault)


async def test_a_resident_is_read_back_as_enrolled(office: Office) -> None:
    await a_village(office)
    id = await a_resident(
        office,
        name="박순자",
        phone="031-555-0101",
        kakao="user-1",
        born_in=1941,
        lives_alone=True,
        absent_until=date(2026, 5, 1),
    )
    seen = await lists(office).resident(OFFICE, id)
    assert seen is not None
    assert (seen.name, seen.village, seen.born_in) == ("박순자", VILLAGE, 1941)
    assert (seen.flags["lives_alone"], seen.flags["cannot_walk"], seen.absent_until) == (
        True,
        False,
        "2026-05-01",
    )
    assert [(a.value, a.can_ring, a.can_sms) for a in seen.addresses] == [
        ("+82315550101", True, False),
        ("user-1", False, False),
    ]
    assert [consent.category for consent in seen.consents] == list(Category)


async def test_a_shared_number_is_kept_once(office: Office) -> None:
    await a_village(office)
    first = await a_resident(office, phone="031-555-0101")
    second = await a_resident(office, phone="031 555 0101")
    ids = {a.id for id in (first, second) for a in (await _resident(office, id)).addresses}
    assert len(ids) == 1


async def test_names_and_numbers_lie_sealed_in_the_tables(office: Office) -> None:
    await a_village(office)
    await a_resident(office, name="박순자", phone="010-2345-6789")
    async with office.database.read() as connection:
        residents = await fetch(connection, "SELECT name_ciphertext FROM resident")
        addresses = await fetch(connection, "SELECT ciphertext, blind_index, masked FROM address")
    assert "박순자".encode() not in bytes(residents[0][0])
    assert all(b"2345" not in bytes(value) for value in addresses[0][:2])
    assert addresses[0].masked == "+8210****89"


async def test_a_head_sees_names_and_masked_numbers_of_the_own_village(office: Office) -> None:
    own = await a_village(office)
    await a_village(office, "4182025022", "윗말")
    mine = await a_resident(office, phone="010-2345-6789")
    other = await a_resident(office, village="4182025022")
    head = Who(AccountId(1), Role.HEAD, "head", own)
    assert [seen.id for seen in await lists(office).residents(head)] == [mine]
    assert await lists(office).resident(head, other) is None
    address = (await _resident(office, mine, head)).addresses[0]
    assert (address.masked, address.value) == ("+8210****89", None)


async def test_an_auditor_sees_neither_names_nor_numbers(office: Office) -> None:
    await a_village(office)
    seen = await _resident(office, await a_resident(office), AUDITOR)
    assert (seen.name, seen.born_in) == (None, None)
    assert [(a.masked, a.value) for a in seen.addresses] == [(None, None)]


async def test_residents_come_in_pages(office: Office) -> None:
    await a_village(office)
    ids = [await a_resident(office) for _ in range(5)]
    first = await lists(office).residents(OFFICE, village=VILLAGE, limit=3)
    rest = await lists(office).residents(OFFICE, village=VILLAGE, after=first[-1].id, limit=3)
    assert [seen.id for seen in (*first, *rest)] == ids


async def test_a_change_touches_only_what_it_names(office: Office) -> None:
    await a_village(office)
    id = await a_resident(office, name="박순자", born_in=1941, wants_calls=True)
    await PeopleQueries(office.database, office.vault).change(id, "박순희", {"cannot_walk": True})
    seen = await _resident(office, id)
    assert (seen.name, seen.born_in, seen.flags["wants_calls"], seen.flags["cannot_walk"]) == (
        "박순희",
        1941,
        True,
        True,
    )


async def test_consent_given_again_replaces_what_was_withdrawn(office: Office) -> None:
    village_id = await a_village(office)
    id = await a_resident(office, categories=(Category.NOTICE,))
    async with office.database.write() as connection:
        await connection.exec_driver_sql("UPDATE subscription SET withdrawn_at = 5, withdrawn_how = 'call'")
    again = Consent((Category.NOTICE, Category.DISASTER), "telephone", "받겠습니다")
    await PeopleQueries(office.database, office.vault).consent(id, village_id, again, office.clock.now())
    consents = (await _resident(office, id)).consents
    assert [(c.category, c.given_how, c.withdrawn_at) for c in consents] == [
        ("notice", "telephone", None),
        ("disaster", "telephone", None),
    ]


async def test_a_guardian_is_listed_with_what_was_agreed(office: Office) -> None:
    await a_village(office)
    id = await a_resident(office)
    await a_guardian(office, id, name="박보호", phone="010-3000-0001")
    (guardian,) = await lists(office).guardians(OFFICE, id)
    assert (guardian.name, guardian.listens, guardian.told, guardian.agreed_how) == (
        "박보호",
        True,
        True,
        "paper",
    )
    assert guardian.addresses[0].value == "+821030000001"


async def test_a_village_code_is_used_once(office: Office) -> None:
    await a_village(office)
    with pytest.raises(Conflict):
        await a_village(office)


async def test_villages_are_listed_with_their_residents(office: Office) -> None:
    own = await a_village(office)
    await a_village(office, "4182025022", "윗말")
    await a_resident(office)
    queries = VillageQueries(office.database, office.vault)
    assert [(v.code, v.residents, v.head_name) for v in await queries.listed(OFFICE)] == [
        (VILLAGE, 1, "김이장"),
        ("4182025022", 0, "김이장"),
    ]
    assert [v.id for v in await queries.listed(Who(AccountId(1), Role.HEAD, "head", own))] == [own]
    assert [v.head_name for v in await queries.listed(AUDITOR)] == [None, None]


async def test_only_the_county_office_adds_villages(office: Office) -> None:
    head = Who(AccountId(1), Role.HEAD, "head", VillageId(1))
    with pytest.raises(NotAllowed):
        await add_village(VillageQueries(office.database, office.vault).add, head, NewVillage("1", "새말"))


# --- accounts ---------------------------------------------------------------------------------


def accounts(office: Office) -> AccountQueries:
    return AccountQueries(office.database, office.vault)


async def test_only_the_right_password_opens_an_account(office: Office) -> None:
    await a_village(office)
    id = await an_account(office, password="correct horse")
    assert await check_password(accounts(office), "head", "correct horse") == id
    assert await check_password(accounts(office), "head", "correct horsf") is None
    assert await check_password(accounts(office), "nobody", "correct horse") is None


async def test_an_account_without_password_cannot_be_opened_by_one(office: Office) -> None:
    await a_village(office)
    await an_account(office)
    assert await check_password(accounts(office), "head", "") is None


async def test_a_token_names_its_holder_until_revoked(office: Office) -> None:
    village_id = await a_village(office)
    id = await an_account(office)
    token = await a_token(office, id)
    held = await holder_of(accounts(office), office.clock, token)
    assert held is not None
    assert (held.who.id, held.who.role, held.who.village_id) == (id, Role.HEAD, village_id)
    assert held.kind is AccessKind.TOKEN
    await revoke(accounts(office), office.clock, token)
    assert await holder_of(accounts(office), office.clock, token) is None


async def test_a_session_ends_after_thirty_days(office: Office) -> None:
    await a_village(office)
    value = await open_session(accounts(office), office.clock, await an_account(office))
    office.clock.pass_(days=29)
    assert await holder_of(accounts(office), office.clock, value) is not None
    office.clock.pass_(days=2)
    assert await holder_of(accounts(office), office.clock, value) is None


async def test_an_account_name_is_used_once(office: Office) -> None:
    await a_village(office)
    await an_account(office)
    with pytest.raises(Conflict):
        await an_account(office)


async def test_a_head_without_village_is_refused(office: Office) -> None:
    with pytest.raises(InvalidInput) as refused:
        await an_account(office, village=None)
    assert refused.value.field == "village"
    with pytest.raises(InvalidInput) as refused:
        await an_account(office, village="0000000000")
    assert refused.value.field == "village"


async def test_a_short_password_is_refused(office: Office) -> None:
    await a_village(office)
    with pytest.raises(InvalidInput) as refused:
        await an_account(office, password="short")
    assert refused.value.field == "password"


def test_secrets_do_not_show_in_what_is_logged() -> None:
    new = NewAccount("head", Role.HEAD, password="correct horse", phone="010-2345-6789")
    assert "correct" not in repr(new)
    assert "2345" not in repr(new)


async def _resident(office: Office, id: ResidentId, who: Who = OFFICE) -> ResidentView:
    seen = await lists(office).resident(who, id)
    assert seen is not None
    return seen
