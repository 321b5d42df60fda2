"""What a reader is shown of residents and guardians; what the reader may not see is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AddressView:
    id: int
    kind: str
    masked: str | None
    value: str | None = field(repr=False)
    can_ring: bool
    can_sms: bool
    is_suppressed: bool
    is_dead: bool
    dead_reason: str | None


@dataclass(frozen=True, slots=True)
class ConsentView:
    category: str
    given_at: datetime
    given_how: str
    given_words: str
    withdrawn_at: datetime | None
    withdrawn_how: str | None


@dataclass(frozen=True, slots=True)
class ResidentView:
    id: int
    village: str
    name: str | None = field(repr=False)
    language: str
    born_in: int | None
    flags: Mapping[str, bool]
    route_rank: int
    absence: str | None
    absent_until: str | None
    moved_at: datetime | None
    deceased_at: datetime | None
    addresses: list[AddressView]
    consents: list[ConsentView]


@dataclass(frozen=True, slots=True)
class GuardianView:
    id: int
    name: str | None = field(repr=False)
    listens: bool
    told: bool
    rank: int
    agreed_at: datetime | None
    agreed_how: str
    addresses: list[AddressView]


@dataclass(frozen=True, slots=True)
class VillageView:
    id: int
    code: str
    name: str
    township: str | None
    caller_number: str
    calls_open_at: str | None
    head_name: str | None
    residents: int
