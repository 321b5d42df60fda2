"""Values that pass between the use cases and the store while deliveries are worked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from broadcast.lifecycle import DeliveryEvent, StopReason
from broadcast.model import (
    AddressId,
    AttemptId,
    BroadcastId,
    CapStatus,
    Category,
    Channel,
    DeliveryId,
    DeliveryState,
    Outcome,
    Priority,
    Purpose,
    ReachId,
    ReachState,
    Reason,
    ReceiptKind,
    ResidentId,
    VillageId,
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in a worker's buffer, with all that its message needs. Never log it."""

    id: DeliveryId
    broadcast_id: BroadcastId
    purpose: Purpose
    channel: Channel
    priority: Priority
    turn: int
    address_id: AddressId
    category: Category
    cap_status: CapStatus
    act_now: bool
    expires_at: datetime
    to: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    village: str = ""
    county: str = ""
    callback: str = ""
    caller: str = ""
    opens_at: time | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of one hand-over."""

    delivery_id: DeliveryId
    attempt_id: AttemptId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """A delivery as the tables have it now, with what policy needs to know of its broadcast and village."""

    id: DeliveryId
    broadcast_id: BroadcastId
    purpose: Purpose
    channel: Channel
    priority: Priority
    category: Category
    act_now: bool
    state: DeliveryState
    attempt_id: AttemptId | None
    address_id: AddressId
    tries: int
    defers: int
    first_due_at: datetime
    stop_asked: StopReason | None
    reason: Reason | None
    expires_at: datetime
    opens_at: time | None
    turn: int
    due_at: datetime | None = None
    lease_until: datetime | None = None
    tried_before: int = 0  # attempts of earlier rounds over the same channel and address


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Why a claimed delivery must not go out now, or not at all. `rung_out`: the number had its calls today."""

    event: DeliveryEvent
    reason: Reason | None = None
    rung_out: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written to one delivery. `due_at` matters for held and queued, `lease_until` elsewhere."""

    id: DeliveryId
    state: DeliveryState
    attempt_id: AttemptId | None
    tries: int
    defers: int
    turn: int
    due_at: datetime | None = None
    lease_until: datetime | None = None
    stop_asked: StopReason | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """An attempt as the tables have it now."""

    id: AttemptId
    delivery_id: DeliveryId
    provider: str
    reference: str | None
    begun_at: datetime
    outcome: str | None = None
    reason: Reason | None = None
    call_status: ReceiptKind | None = None
    answered_by: ReceiptKind | None = None
    played_at: datetime | None = None
    keys: str = ""
    seconds: float | None = None
    ended_at: datetime | None = None
    settle_at: datetime | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A hand-over that the provider is to be asked to stop."""

    provider: str
    reference: str


@dataclass(frozen=True, slots=True)
class TurnedOver:
    """What one turn-over came to: the attempts of what was begun (what is missing must not be sent), what the
    provider is to be asked to stop, and what was claimed for later."""

    attempts: dict[DeliveryId, AttemptId]
    stops: Sequence[StopRequest] = ()
    claimed: Sequence[Claimed] = ()


@dataclass(frozen=True, slots=True)
class UnsettledAttempt:
    """An unconfirmed delivery's open attempt, to be looked up."""

    claimed: Claimed
    attempt_id: AttemptId
    provider: str
    begun_at: datetime
    taken: tuple[str, ...] = ()  # references that other attempts to this address hold


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A hand-over that the provider has and has said nothing final about."""

    delivery_id: DeliveryId
    attempt_id: AttemptId
    channel: Channel
    provider: str
    reference: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class ReachFacts:
    """One reach whose deadline came."""

    id: ReachId
    broadcast_id: BroadcastId
    resident_id: ResidentId
    village_id: VillageId
    priority: Priority
    category: Category
    act_now: bool
    state: ReachState
    rung: int
    wants_calls: bool
    opens_at: time | None
    addresses: dict[Channel, AddressId]
    live: frozenset[Channel]
    tried: frozenset[Channel]  # whose present address was ever asked
    calls: int
    misses: int
    expires_at: datetime
    voice_ready: bool = True


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that the ladder or an errand asks for; the round is chosen by the store."""

    broadcast_id: BroadcastId
    purpose: Purpose
    subject: int
    address_id: AddressId
    channel: Channel
    village_id: VillageId
    priority: Priority
    due_at: datetime | None  # None: waits for its rendition
    reach_ids: tuple[ReachId, ...] = ()


@dataclass(frozen=True, slots=True)
class ReachChange:
    id: ReachId
    state: ReachState
    rung: int
    deadline_at: datetime | None
    on_door_list: bool = False


@dataclass(frozen=True, slots=True)
class ErrandText:
    """The words of an errand; names are in it, so it is sealed at rest."""

    broadcast_id: BroadcastId
    purpose: Purpose
    subject: int
    title: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Names:
    """What an errand's text needs, unsealed. Never log it."""

    resident: str = field(repr=False)
    village: str
    county: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """What the due reaches come to: rows to write, texts to seal."""

    changes: Sequence[ReachChange]
    asks: Sequence[NewDelivery]
    errands: Sequence[ErrandText] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A broadcast whose moment came, as fan-out needs it."""

    id: BroadcastId
    priority: Priority
    category: Category
    act_now: bool
    cap_status: CapStatus
    round: int
    cursor: int
    expires_at: datetime
    villages: dict[VillageId, time | None]  # with the hour at which each lets routine calls begin


@dataclass(frozen=True, slots=True)
class Slice:
    """One piece of fan-out: rows made, and whether more remain."""

    cursor: int
    reaches: int
    deliveries: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """Whom nobody reached in a village, for its head; flagged and 75+ first."""

    broadcast_id: BroadcastId
    village_id: VillageId
    priority: Priority
    address_id: AddressId
    channel: Channel
    people: tuple[tuple[str, int | None], ...] = field(repr=False)
    callback: str = field(repr=False)
