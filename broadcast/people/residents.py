"""Use cases about residents: enrol with consent, change, withdraw, death, moving away, guardians."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from broadcast.errors import Conflict, InvalidInput, NotAllowed, NotFound
from broadcast.model import AddressId, AddressKind, Category, GuardianId, ResidentId, VillageId
from broadcast.people.numbers import parse_phone
from broadcast.ports import Clock
from broadcast.roles import RIGHTS, Holder, Place, Scope, require_keep
from broadcast.work import StopRequest

Trait = str | int | bool | date | None
FLAGS = ("hard_of_hearing", "cannot_walk", "lives_alone", "wants_calls", "wants_slow", "in_drills")
TRAITS = frozenset({"language", "born_in", "route_rank", "absence", "absent_until", *FLAGS})
"""What of a resident may be changed besides the name."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach somebody, ready to be kept: an E.164 number or a chat provider's user key."""

    kind: AddressKind
    value: str = field(repr=False)
    can_ring: bool = False
    can_sms: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """Agreement to these categories of the village's broadcasts: how and in which words it was given."""

    categories: tuple[Category, ...]
    how: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A resident to be. `traits` holds values for names in TRAITS."""

    village: str
    name: str = field(repr=False)
    contacts: tuple[Contact, ...]
    consent: Consent
    traits: Mapping[str, Trait] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewGuardian:
    """Somebody whom the resident agreed to have listen along (`listens`) or told when unreached (`told`)."""

    name: str = field(repr=False)
    contacts: tuple[Contact, ...]
    agreed_how: str
    listens: bool = True
    told: bool = True
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The village that somebody lives in, for deciding who may change what."""

    place: Place
    is_gone: bool  # moved away or dead


class PeopleStore(Protocol):
    """Each method is one transaction."""

    async def place(self, village: str) -> Place | None: ...

    async def whereabouts(self, resident_id: ResidentId) -> Whereabouts | None: ...

    async def enrol(self, village_id: VillageId, form: Enrolment, now: datetime) -> ResidentId: ...

    async def change(self, id: ResidentId, name: str | None, traits: Mapping[str, Trait]) -> None: ...

    async def add_contact(self, id: ResidentId, contact: Contact) -> AddressId: ...

    async def consent(self, id: ResidentId, village_id: VillageId, given: Consent, now: datetime) -> None: ...

    async def add_guardian(self, id: ResidentId, guardian: NewGuardian, now: datetime) -> GuardianId: ...


class Endings(Protocol):
    """What stops a person from being reached; open reaches close in the same transaction."""

    async def withdraw(
        self, id: ResidentId, categories: Sequence[Category], how: str, now: datetime
    ) -> list[StopRequest]: ...

    async def deceased(self, id: ResidentId, now: datetime) -> list[StopRequest]: ...

    async def moved(self, id: ResidentId, now: datetime) -> list[StopRequest]: ...

    async def suppress(
        self, id: ResidentId, address_id: AddressId, now: datetime
    ) -> list[StopRequest] | None: ...

    async def is_used_elsewhere(self, id: ResidentId, address_id: AddressId) -> bool: ...


Stop = Callable[[Sequence[StopRequest]], Awaitable[None]]


class People:
    """The office's work on its residents. `stop` asks providers to end what they already have."""

    def __init__(self, store: PeopleStore, endings: Endings, clock: Clock, stop: Stop) -> None:
        self._store = store
        self._endings = endings
        self._clock = clock
        self._stop = stop

    async def enrol(self, who: Holder, form: Enrolment) -> ResidentId:
        place = await self._store.place(form.village)
        if place is None:
            raise InvalidInput(
                "There is no village with this code.", "이 코드의 마을이 없습니다.", field="village"
            )
        require_keep(who, place)
        _check_traits(form.traits)
        return await self._store.enrol(place.village_id, form, self._clock.now())

    async def change(
        self, who: Holder, id: ResidentId, name: str | None, traits: Mapping[str, Trait]
    ) -> None:
        await self._kept_by(who, id)
        _check_traits(traits)
        await self._store.change(id, name, traits)

    async def add_contact(self, who: Holder, id: ResidentId, contact: Contact) -> AddressId:
        await self._kept_by(who, id)
        return await self._store.add_contact(id, contact)

    async def consent(self, who: Holder, id: ResidentId, given: Consent) -> None:
        place = await self._kept_by(who, id, still_here=True)
        await self._store.consent(id, place.village_id, given, self._clock.now())

    async def add_guardian(self, who: Holder, id: ResidentId, guardian: NewGuardian) -> GuardianId:
        await self._kept_by(who, id)
        return await self._store.add_guardian(id, guardian, self._clock.now())

    async def withdraw(self, who: Holder, id: ResidentId, categories: Sequence[Category], how: str) -> None:
        await self._kept_by(who, id)
        await self._stop(await self._endings.withdraw(id, categories, how, self._clock.now()))

    async def deceased(self, who: Holder, id: ResidentId) -> None:
        await self._kept_by(who, id)
        await self._stop(await self._endings.deceased(id, self._clock.now()))

    async def moved(self, who: Holder, id: ResidentId) -> None:
        await self._kept_by(who, id)
        await self._stop(await self._endings.moved(id, self._clock.now()))

    async def suppress(self, who: Holder, id: ResidentId, address_id: AddressId) -> None:
        """Nothing more goes to this address of the resident's, whoever else in the village shares it.

        Where somebody of another village has it too, only the county may: a head could else silence anybody
        by writing down their number.
        """
        await self._kept_by(who, id)
        is_county = RIGHTS[who.role].keeps is Scope.COUNTY
        if not is_county and await self._endings.is_used_elsewhere(id, address_id):
            raise NotAllowed(
                "Somebody of another village has this number too; ask the county office.",
                "다른 마을 주민도 쓰는 번호입니다. 군청에 말씀하세요.",
            )
        stops = await self._endings.suppress(id, address_id, self._clock.now())
        if stops is None:
            raise _nobody()
        await self._stop(stops)

    async def _kept_by(self, who: Holder, id: ResidentId, *, still_here: bool = False) -> Place:
        where = await self._store.whereabouts(id)
        if where is None:
            raise _nobody()
        require_keep(who, where.place)
        if still_here and where.is_gone:
            raise Conflict("This resident has died or moved away.", "사망하셨거나 이사하신 주민입니다.")
        return where.place


def contact(kind: AddressKind, written: str, *, where: str | None = None) -> Contact:
    """A contact from what somebody wrote down. Raises InvalidInput naming the field `where`."""
    if kind is AddressKind.PHONE:
        number = parse_phone(written, where=where)
        return Contact(kind, number.e164, number.can_ring, number.can_sms)
    value = written.strip()
    if not value or len(value) > 200 or not value.isprintable():
        raise InvalidInput("This is not a chat user key.", "채팅 사용자 키가 아닙니다.", field=where)
    return Contact(kind, value)


def _check_traits(traits: Mapping[str, Trait]) -> None:
    unknown = sorted(set(traits) - TRAITS)
    if unknown:
        raise InvalidInput("Residents have no such field.", "주민에게 없는 항목입니다.", field=unknown[0])


def _nobody() -> NotFound:
    return NotFound("There is no such resident here.", "해당 주민을 찾을 수 없습니다.")
