"""What the chat's answers depend on, and where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from broadcast.model import AddressKind, AttemptId, Purpose, ResidentId, VillageId
from broadcast.promise import Promise

TO_RESIDENTS = (Purpose.ANNOUNCEMENT, Purpose.REMINDER)


@dataclass(frozen=True, slots=True)
class ChatUser:
    """A chat provider's user: an address of this kind."""

    kind: AddressKind
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What an attempt over chat tells, to whom it was meant for."""

    attempt_id: AttemptId
    purpose: Purpose
    promise: Promise
    village: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    has_sound: bool  # or will have: an emergency's message goes out before its sound is made

    @property
    def is_broadcast(self) -> bool:
        """Not an errand with words of its own."""
        return self.purpose in (*TO_RESIDENTS, Purpose.LISTEN_ALONG)

    @property
    def asks_to_act(self) -> bool:
        """An emergency told to a resident: a guardian elsewhere is not to leave the house."""
        return self.promise.is_emergency and self.purpose in TO_RESIDENTS


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest broadcast for somebody's villages. `attempt_id`: the last over this chat, if any."""

    village: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    is_emergency: bool
    is_exercise: bool
    has_sound: bool
    attempt_id: AttemptId | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A resident, alive and living here, behind a chat user."""

    id: ResidentId
    village_id: VillageId
    is_subscribed: bool


@dataclass(frozen=True, slots=True)
class KnownVillage:
    id: VillageId
    code: str
    name: str
    county: str


class ChatStore(Protocol):
    async def told(self, attempt_id: AttemptId, user: ChatUser) -> Told | None:
        """None for an attempt that does not exist or was meant for somebody else."""
        ...

    async def latest(self, user: ChatUser, since: datetime, now: datetime) -> Latest | None:
        """Of the villages and categories that this user's residents are subscribed to; nothing that was
        taken back, no emergency that has expired, no exercise for who is not enrolled in drills."""
        ...

    async def neighbours(self, user: ChatUser) -> list[Neighbour]: ...

    async def village(self, code: str) -> KnownVillage | None: ...

    async def reopen(self, user: ChatUser) -> None:
        """The address takes broadcasts again: its owner has just written from it and asked for them."""
        ...
