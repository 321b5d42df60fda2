"""What a played demo leaves behind: its broadcasts, and what the carrier saw of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broadcast.model import BroadcastId, DeliveryId, ReachState, ResidentId
from broadcast.store.queries.trace import Trace, TracedReach
from maeul.demo_people import Person
from maeul.demo_stage import Json

CALLS, TEXTS, CHATS = "calls", "messages", "talks"  # kinds of the carrier's entries


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Act:
    """One broadcast of the demo when it had come to rest. `began`: the machine's monotonic time."""

    title: str
    english: str
    id: BroadcastId
    begins_at: datetime
    began: float
    trace: Trace

    @property
    def attempts(self) -> frozenset[str]:
        """Their ids, as the carrier's entries name them."""
        return frozenset(str(attempt.id) for one in self.trace.deliveries for attempt in one.attempts)

    @property
    def unheard(self) -> frozenset[str]:
        """The attempts in which the reading was not heard to its end."""
        return frozenset(
            str(attempt.id)
            for one in self.trace.deliveries
            for attempt in one.attempts
            if attempt.played_at is None
        )


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The routine deliveries that were still waiting when the emergency had been accepted."""

    waiting: frozenset[DeliveryId]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The attempts that had been begun when the recall had been accepted, and how many had not."""

    at: datetime
    begun: frozenset[str]
    waiting: int


@dataclass(frozen=True, slots=True)
class Played:
    """What the demo has to show for itself."""

    head: Account
    officer: Account
    ids: Mapping[str, ResidentId]
    typed: Act
    recorded: Act
    routine: Act
    emergency: Act
    recalled: Act
    overtaken: Overtaken
    taken_back: TakenBack
    recording_s: float
    log: Sequence[Json]
    calls: Sequence[Json]
    messages: Sequence[Json]
    told_guardian: Sequence[str]
    dead: frozenset[str]

    @property
    def acts(self) -> tuple[Act, ...]:
        return (self.typed, self.recorded, self.routine, self.emergency, self.recalled)

    def reach(self, act: Act, person: Person) -> TracedReach | None:
        wanted = self.ids[person.name]
        return next((reach for reach in act.trace.reaches if reach.resident_id == wanted), None)

    def state(self, act: Act, person: Person) -> ReachState | None:
        reach = self.reach(act, person)
        return reach.state if reach else None

    def witnessed(self, act: Act, kind: str = "", to: str = "") -> list[Json]:
        """The carrier's entries about this broadcast, in their order."""
        own = act.attempts
        return [
            entry
            for entry in self.log
            if entry["attempt"] in own and kind in ("", entry["kind"]) and to in ("", entry["to"])
        ]
