"""Villages, people and accounts for tests, made through the real use cases and queries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from broadcast.compose import Who
from broadcast.model import AccountId, AddressKind, Category, GuardianId, ResidentId, Role, VillageId
from broadcast.people.accounts import NewAccount, create_account, issue_token
from broadcast.people.residents import Consent, Contact, Enrolment, NewGuardian, Trait, contact
from broadcast.people.villages import NewVillage, add_village
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import Database
from broadcast.store.vault import Vault

MORNING = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Korea
OFFICE = Who(AccountId(0), Role.ADMINISTRATOR, "office")
VILLAGE = "4182025021"

_numbers = itertools.count(1)


@dataclass
class StillClock:
    """Time that stands until a test moves it."""

    moment: datetime = MORNING

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)

    @contextmanager
    def working(self) -> Iterator[None]:
        yield

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)


@dataclass
class Office:
    """What a builder needs: a migrated database, its vault and a clock."""

    database: Database
    vault: Vault = field(default_factory=lambda: Vault.from_secret(bytes(32)))
    clock: StillClock = field(default_factory=StillClock)


async def a_village(
    office: Office,
    code: str = VILLAGE,
    name: str = "샘골리",
    *,
    township: str = "북면",
    head_name: str = "김이장",
) -> VillageId:
    new = NewVillage(code, name, township=township, head_name=head_name)
    return await add_village(VillageQueries(office.database, office.vault).add, OFFICE, new)


async def a_resident(
    office: Office,
    *,
    village: str = VILLAGE,
    name: str = "박순자",
    phone: str | None = None,
    kakao: str | None = None,
    categories: tuple[Category, ...] = tuple(Category),
    **traits: Trait,
) -> ResidentId:
    """Somebody with a mobile number of their own unless `phone` (maybe "") or `kakao` says otherwise."""
    store = PeopleQueries(office.database, office.vault)
    place = await store.place(village)
    assert place is not None
    contacts = _contacts(phone, kakao)
    form = Enrolment(village, name, contacts, Consent(categories, "paper", "동의합니다"), traits)
    return await store.enrol(place.village_id, form, office.clock.now())


def _contacts(phone: str | None, kakao: str | None) -> tuple[Contact, ...]:
    if phone is None and kakao is None:
        phone = f"010-2000-{next(_numbers):04}"
    phones = [contact(AddressKind.PHONE, phone)] if phone else []
    chats = [contact(AddressKind.KAKAO, kakao)] if kakao else []
    return (*phones, *chats)


async def a_guardian(
    office: Office, resident_id: ResidentId, *, name: str = "박보호", phone: str | None = None
) -> GuardianId:
    guardian = NewGuardian(name, _contacts(phone, None), agreed_how="paper")
    return await PeopleQueries(office.database, office.vault).add_guardian(
        resident_id, guardian, office.clock.now()
    )


async def an_account(
    office: Office,
    name: str = "head",
    role: Role = Role.HEAD,
    *,
    village: str | None = VILLAGE,
    township: str | None = None,
    password: str | None = None,
) -> AccountId:
    new = NewAccount(name, role, village=village, township=township, password=password)
    return await create_account(AccountQueries(office.database, office.vault), office.clock, new)


async def a_token(office: Office, account_id: AccountId) -> str:
    return await issue_token(AccountQueries(office.database, office.vault), office.clock, account_id)
