"""Villages, people and accounts for tests, made through the real use cases and queries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from broadcast.compose import Who
from broadcast.model import (
    AccountId,
    AddressKind,
    AttemptId,
    BroadcastId,
    BroadcastState,
    Category,
    Channel,
    DeliveryState,
    GuardianId,
    Priority,
    Purpose,
    ReachState,
    ResidentId,
    Role,
    VillageId,
)
from broadcast.people.accounts import NewAccount, create_account, issue_token
from broadcast.people.residents import Consent, Contact, Enrolment, NewGuardian, Trait, contact
from broadcast.people.villages import NewVillage, add_village
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.people import PeopleQueries, new_id
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.tables import Attempt, Broadcast, Delivery, DeliveryReach, Reach
from broadcast.store.unit import Database, fetch
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


async def a_broadcast(
    office: Office,
    author_id: AccountId,
    *,
    category: Category = Category.NOTICE,
    priority: Priority = Priority.ROUTINE,
    state: BroadcastState = BroadcastState.SENDING,
) -> BroadcastId:
    """A broadcast on its way, as its use cases leave it."""
    now = office.clock.now()
    made = insert(Broadcast).values(
        state=state.value,
        title="단수 안내",
        text="내일 단수됩니다.",
        script="",
        priority=int(priority),
        category=category.value,
        author_id=author_id,
        created_at=now,
        expires_at=now + timedelta(hours=24),
    )
    async with office.database.write() as connection:
        return BroadcastId(new_id(await connection.execute(made)))


@dataclass
class Reached:
    resident_id: ResidentId
    reach_id: int
    delivery_id: int
    attempt_id: AttemptId


async def a_reach(
    office: Office,
    broadcast_id: BroadcastId,
    *,
    channel: Channel = Channel.KAKAO,
    state: ReachState = ReachState.OPEN,
    delivery: DeliveryState = DeliveryState.SENT,
    purpose: Purpose = Purpose.ANNOUNCEMENT,
    **resident: Any,
) -> Reached:
    """A resident of the village with a delivery under way, as fan-out and a hand-over leave them."""
    now = office.clock.now()
    resident_id = await a_resident(office, **resident)
    async with office.database.write() as connection:
        where = await fetch(
            connection,
            "SELECT p.village_id, l.address_id FROM resident p JOIN resident_address l ON l.resident_id = p.id"
            " WHERE p.id = :id",
            id=resident_id,
        )
        of_reach = insert(Reach).values(
            broadcast_id=broadcast_id,
            resident_id=resident_id,
            village_id=where[0].village_id,
            state=state.value,
            started_at=now,
            deadline_at=now + timedelta(hours=1),
        )
        reach_id = new_id(await connection.execute(of_reach))
        of_delivery = insert(Delivery).values(
            broadcast_id=broadcast_id,
            purpose=purpose.value,
            address_id=where[0].address_id,
            channel=channel.value,
            village_id=where[0].village_id,
            state=delivery.value,
            priority=2,
            first_due_at=now,
            updated_at=now,
            tries=1,
        )
        delivery_id = new_id(await connection.execute(of_delivery))
        link = insert(DeliveryReach).values(delivery_id=delivery_id, reach_id=reach_id)
        await connection.execute(link)
        of_attempt = insert(Attempt).values(
            delivery_id=delivery_id,
            number=1,
            provider="kakao",
            reference=f"ref-{delivery_id}",
            begun_at=now,
            outcome="accepted",
        )
        attempt_id = AttemptId(new_id(await connection.execute(of_attempt)))
        await connection.exec_driver_sql(
            f"UPDATE delivery SET attempt_id = {attempt_id} WHERE id = {delivery_id}"
        )
    return Reached(resident_id, reach_id, delivery_id, attempt_id)
