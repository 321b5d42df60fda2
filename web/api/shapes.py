"""What the API takes and gives, with an example of each."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from broadcast.drafts import Draft
from broadcast.model import (
    AddressKind,
    BroadcastId,
    CapStatus,
    Category,
    Certainty,
    Priority,
    RecordingId,
    ResponseType,
    Severity,
    Urgency,
)
from broadcast.people.residents import Consent, Contact, Enrolment, NewGuardian, Trait, contact
from broadcast.people.villages import NewVillage
from web.validation import LONGEST_TITLE, Moment, Words, finding, line

T = TypeVar("T")

VillageCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,20}$")]
Id = Annotated[int, Field(ge=1, lt=2**63)]
EXAMPLE_VILLAGE = "4182025021"


class Taken(BaseModel):
    """Base of what comes in: unknown fields are refused, because a misspelt one would be lost."""

    model_config = ConfigDict(extra="forbid", use_enum_values=False)


class Page(BaseModel, Generic[T]):
    """Part of a list; ask again with `cursor=next_cursor` until that is null."""

    items: list[T]
    next_cursor: str | None


class PriorityWord(StrEnum):
    EMERGENCY = "EMERGENCY"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"


class BroadcastIn(Taken):
    """An announcement: words or a recording, for villages named by their codes."""

    title: line(LONGEST_TITLE, least=0) = ""  # type: ignore[valid-type]  # made by a function
    text: Words | None = None
    recording_id: Id | None = None
    villages: Annotated[list[VillageCode], Field(min_length=1, max_length=2_000)]
    priority: PriorityWord | None = None
    category: Category = Category.NOTICE
    scheduled_at: Moment | None = None
    expires_at: Moment | None = None
    cap_status: CapStatus = CapStatus.ACTUAL
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    response_type: ResponseType | None = None
    refers_to: Id | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and self.recording_id is None:
            raise finding(
                "nothing_to_say",
                "Give a text or a recording_id.",
                "text나 recording_id 가운데 하나가 필요합니다.",
            )
        return self

    def draft(self) -> Draft:
        return Draft(
            title=self.title,
            villages=tuple(self.villages),
            text=self.text or "",
            recording_id=RecordingId(self.recording_id) if self.recording_id else None,
            priority=Priority[self.priority.value] if self.priority else None,
            category=self.category,
            scheduled_at=self.scheduled_at,
            expires_at=self.expires_at,
            cap_status=self.cap_status,
            severity=self.severity,
            urgency=self.urgency,
            certainty=self.certainty,
            response_type=self.response_type,
            refers_to=BroadcastId(self.refers_to) if self.refers_to else None,
        )


class BroadcastMade(BaseModel):
    id: int
    state: str
    url: str


class Warning_(BaseModel):
    code: str
    detail: str


class RecordingMade(BaseModel):
    id: int
    seconds: float
    truncated: bool
    warnings: list[Warning_]
    url: str


class AddressIn(Taken):
    kind: AddressKind = AddressKind.PHONE
    value: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ConsentIn(Taken):
    """Agreement to be called and written to: how it was given, and in which words."""

    categories: Annotated[list[Category], Field(min_length=1)]
    how: Literal["paper", "telephone", "web", "chat", "office"]
    words: line(500, least=0) = ""  # type: ignore[valid-type]

    def consent(self) -> Consent:
        return Consent(tuple(dict.fromkeys(self.categories)), self.how, self.words)


class Traits(Taken):
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "ko"
    born_in: Annotated[int, Field(ge=1900, le=2100)] | None = None
    hard_of_hearing: bool = False
    cannot_walk: bool = False
    lives_alone: bool = False
    wants_calls: bool = False
    wants_slow: bool = False
    in_drills: bool = False
    route_rank: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    absence: Literal["hospital", "away", "home"] | None = None
    absent_until: date | None = None

    def given(self) -> dict[str, Trait]:
        """Only what was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set & Traits.model_fields.keys()}


class ResidentIn(Traits):
    village: VillageCode
    name: line(80)  # type: ignore[valid-type]
    addresses: Annotated[list[AddressIn], Field(max_length=10)] = []
    consent: ConsentIn

    def enrolment(self) -> Enrolment:
        contacts = contacts_of(self.addresses)
        return Enrolment(self.village, self.name, contacts, self.consent.consent(), self.given())


class ResidentChange(Traits):
    """Only what is sent is changed."""

    name: line(80) | None = None  # type: ignore[valid-type]


class Withdrawal(Taken):
    """Which categories are no longer wanted; all of them unless named."""

    categories: list[Category] = list(Category)
    how: Literal["paper", "telephone", "web", "chat", "office"] = "office"


class GuardianIn(Taken):
    name: line(80)  # type: ignore[valid-type]
    addresses: Annotated[list[AddressIn], Field(min_length=1, max_length=5)]
    agreed_how: Literal["paper", "telephone", "web", "chat", "office"]
    listens: bool = True
    told: bool = True
    rank: Annotated[int, Field(ge=0, le=100)] = 0

    def guardian(self) -> NewGuardian:
        contacts = contacts_of(self.addresses)
        return NewGuardian(self.name, contacts, self.agreed_how, self.listens, self.told, self.rank)


class VillageIn(Taken):
    code: VillageCode
    name: line(40)  # type: ignore[valid-type]
    township: line(40) | None = None  # type: ignore[valid-type]
    caller_number: Annotated[str, StringConstraints(max_length=30)] = ""
    calls_open_at: time | None = None
    head_name: line(40, least=0) = ""  # type: ignore[valid-type]

    def village(self) -> NewVillage:
        return NewVillage(
            self.code, self.name, self.township, self.caller_number, self.calls_open_at, self.head_name
        )


class Made(BaseModel):
    id: int


class SignIn(Taken):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Me(BaseModel):
    name: str
    role: str
    signed_in_by: str
    at: datetime


def contacts_of(addresses: list[AddressIn]) -> tuple[Contact, ...]:
    """Raises InvalidInput naming the address at fault."""
    return tuple(
        contact(one.kind, one.value, where=f"addresses.{n}.value") for n, one in enumerate(addresses)
    )


def next_cursor(ids: list[int], limit: int) -> str | None:
    """The cursor after this page; None if it was not full."""
    return str(ids[-1]) if len(ids) == limit else None
