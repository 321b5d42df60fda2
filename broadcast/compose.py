"""Use cases of an announcement: submit, approve, refuse, cancel, recall, ask the unheard again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from broadcast.model import (
    AccountId,
    BroadcastId,
    CapStatus,
    Category,
    Certainty,
    Priority,
    RecordingId,
    ResponseType,
    Role,
    Severity,
    Urgency,
    VillageId,
)


@dataclass(frozen=True, slots=True)
class Who:
    """The signed-in person behind a request."""

    id: AccountId
    role: Role
    name: str = field(repr=False)
    village_id: VillageId | None = None
    is_proven: bool = True  # a signed-in device, or proven by call-back
    township_id: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author wants said, not yet checked. `villages` are codes; either `text` or a recording."""

    title: str
    villages: tuple[str, ...]
    text: str = ""
    recording_id: RecordingId | None = None
    priority: Priority | None = None
    category: Category = Category.NOTICE
    scheduled_at: datetime | None = None
    expires_at: datetime | None = None
    cap_status: CapStatus = CapStatus.ACTUAL
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    response_type: ResponseType | None = None
    refers_to: BroadcastId | None = None
