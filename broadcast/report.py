"""What became of a broadcast: counts, and a row for each person and each delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broadcast.lifecycle import GOOD
from broadcast.model import Channel, DeliveryState

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BroadcastView:
    """A broadcast with how far it has come, in the villages that the reader may see."""

    id: int
    state: str
    title: str
    text: str
    recording_id: int | None
    villages: Sequence[str]
    priority: str
    category: str
    cap_status: str
    msg_type: str
    severity: str | None
    urgency: str | None
    certainty: str | None
    response_type: str | None
    refers_to: int | None
    author: str
    needs_approval: bool
    approved_by: str | None
    approval_basis: str | None
    voice_state: str
    engine: str
    seconds: float | None
    round: int
    created_at: datetime
    scheduled_at: datetime | None
    expires_at: datetime
    approved_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    reaches: Counts
    deliveries: Counts
    by_channel: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One resident in one broadcast. `channel` is the one that got furthest, else the last one tried."""

    reach_id: int
    resident_id: int
    name: str | None = field(repr=False)
    village: str
    state: str
    rung: int
    channel: Channel | None
    delivery_state: DeliveryState | None
    reason: str | None
    attempts: int
    channels: Mapping[str, str]  # the best state by channel
    needs_help: bool
    on_door_list: bool
    deadline_at: datetime | None
    heard_at: datetime | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One delivery that serves a person, as a row of the report needs it."""

    id: int
    channel: Channel
    state: DeliveryState
    reason: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    number: int
    provider: str
    begun_at: datetime
    outcome: str | None
    reason: str | None
    call_status: str | None
    answered_by: str | None
    keys: str
    seconds: float | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery; `address` is masked, None where the reader sees no addresses."""

    id: int
    purpose: str
    channel: str
    state: str
    reason: str | None
    stop_asked: str | None
    round: int
    tries: int
    village: str
    address: str | None
    due_at: datetime | None
    updated_at: datetime
    attempts: Sequence[AttemptRow]


@dataclass(frozen=True, slots=True)
class ListenPage:
    """What the page of one attempt shows. `hash` names the sound on the shelf, None until it is made."""

    broadcast_id: int
    state: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    village: str
    created_at: datetime
    is_confirmed: bool
    hash: str | None
    seconds: float | None


def furthest(asked: Sequence[Asked]) -> Asked | None:
    """The delivery that got furthest; among those that got nowhere, the last."""
    return max(asked, key=lambda one: (GOOD.get(one.state, 0), one.id), default=None)


def by_channel(asked: Sequence[Asked]) -> dict[str, str]:
    """For each channel the state of its delivery that got furthest."""
    found = {
        one.channel: furthest([other for other in asked if other.channel is one.channel]) for one in asked
    }
    return {channel.value: best.state.value for channel, best in found.items() if best is not None}
