"""Who may do what, as a table: which villages a role composes for, looks after, sees, and in what detail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from broadcast.errors import NotAllowed
from broadcast.model import Role, VillageId


class Scope(IntEnum):
    """How far a right reaches."""

    NOWHERE = 0
    OWN_VILLAGE = 1
    OWN_TOWNSHIP = 2
    COUNTY = 3


class Detail(IntEnum):
    """What of a person is shown: nothing but an id, the name with a masked number, or the number as well."""

    NOTHING = 0
    NAME = 1
    NUMBER = 2


@dataclass(frozen=True, slots=True)
class Rights:
    """`composes`: broadcasts for; `keeps`: enrols and changes residents of; `sees`: reports of."""

    composes: Scope
    keeps: Scope
    sees: Scope
    detail: Detail
    keeps_villages: bool = False


_N, _V, _T, _C = Scope.NOWHERE, Scope.OWN_VILLAGE, Scope.OWN_TOWNSHIP, Scope.COUNTY

RIGHTS: Mapping[Role, Rights] = {
    Role.HEAD: Rights(_V, _V, _V, Detail.NAME),
    Role.DEPUTY: Rights(_V, _V, _V, Detail.NAME),
    Role.TOWNSHIP: Rights(_T, _T, _T, Detail.NAME),
    Role.COUNTY: Rights(_C, _C, _C, Detail.NUMBER, keeps_villages=True),
    Role.DISASTER_OFFICER: Rights(_C, _N, _C, Detail.NUMBER),
    Role.DUTY_ROOM: Rights(_N, _N, _C, Detail.NUMBER),
    Role.AUDITOR: Rights(_N, _N, _C, Detail.NOTHING),
    Role.ADMINISTRATOR: Rights(_C, _C, _C, Detail.NUMBER, keeps_villages=True),
}


class Holder(Protocol):
    """Somebody with a role and, where the role has one, a village or township."""

    @property
    def role(self) -> Role: ...

    @property
    def village_id(self) -> VillageId | None: ...

    @property
    def township_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A village with the township it lies in."""

    village_id: VillageId
    township_id: int | None = None


def covers(scope: Scope, who: Holder, place: Place) -> bool:
    """Whether a right of this scope, held by `who`, reaches the place."""
    if scope is Scope.COUNTY:
        return True
    if scope is Scope.OWN_TOWNSHIP:
        return who.township_id is not None and who.township_id == place.township_id
    return scope is Scope.OWN_VILLAGE and who.village_id == place.village_id


def may_compose(who: Holder, place: Place) -> bool:
    return covers(RIGHTS[who.role].composes, who, place)


def may_keep(who: Holder, place: Place) -> bool:
    """Whether `who` may enrol and change residents of the place."""
    return covers(RIGHTS[who.role].keeps, who, place)


def may_see(who: Holder, place: Place) -> bool:
    return covers(RIGHTS[who.role].sees, who, place)


def detail_for(who: Holder) -> Detail:
    return RIGHTS[who.role].detail


def require_compose(who: Holder, villages: Iterable[Place]) -> None:
    """Raises NotAllowed unless `who` may broadcast for every one of the villages."""
    if not all(may_compose(who, place) for place in villages):
        raise NotAllowed(
            "Your role may not broadcast for every village named.",
            "이 역할로는 적어 주신 마을 모두에 방송할 수 없습니다.",
            field="villages",
        )


def require_keep(who: Holder, place: Place) -> None:
    if not may_keep(who, place):
        raise NotAllowed(
            "Your role may not look after this village's residents.",
            "이 역할로는 이 마을 주민을 관리할 수 없습니다.",
        )


def require_keeps_villages(who: Holder) -> None:
    if not RIGHTS[who.role].keeps_villages:
        raise NotAllowed(
            "Only the county office may add or change villages.",
            "마을은 군청만 추가하거나 바꿀 수 있습니다.",
        )
