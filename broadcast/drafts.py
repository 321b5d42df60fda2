"""What an author wants said: the values of a draft and of a checked submission, and how they are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from broadcast import policy
from broadcast.errors import InvalidInput
from broadcast.model import (
    AccountId,
    ApprovalBasis,
    BroadcastId,
    BroadcastState,
    CapStatus,
    Category,
    Certainty,
    MsgType,
    Priority,
    RecordingId,
    ResponseType,
    Role,
    Severity,
    Urgency,
    VillageId,
)
from broadcast.roles import Place

TITLE_LENGTH = 60


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


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked draft, ready to be kept."""

    state: BroadcastState
    title: str
    text: str
    script: str
    recording_id: RecordingId | None
    priority: Priority
    category: Category
    cap_status: CapStatus
    msg_type: MsgType
    severity: Severity | None
    urgency: Urgency | None
    certainty: Certainty | None
    response_type: ResponseType | None
    act_now: bool
    refers_to: BroadcastId | None
    author_id: AccountId
    approved_by: AccountId | None
    approval_basis: ApprovalBasis | None
    needs_approval: bool
    created_at: datetime
    scheduled_at: datetime
    expires_at: datetime
    villages: tuple[Place, ...]


def priority_for(draft: Draft) -> Priority:
    """CAP's triple decides where it is given; it must not contradict the priority that was chosen."""
    triple = (draft.severity, draft.urgency, draft.certainty)
    if draft.severity is None or draft.urgency is None or draft.certainty is None:
        if any(part is not None for part in triple):
            raise InvalidInput(
                "Give severity, urgency and certainty together.",
                "심각도, 긴급도, 확실성을 함께 적어 주세요.",
                field="severity",
            )
        return Priority.ROUTINE if draft.priority is None else draft.priority
    computed = policy.priority_of(draft.severity, draft.urgency, draft.certainty)
    if draft.priority is not None and draft.priority is not computed:
        raise InvalidInput(
            f"Severity, urgency and certainty make this {computed.name}.",
            f"심각도, 긴급도, 확실성에 따르면 우선순위는 {computed.name}입니다.",
            field="priority",
        )
    return computed


def times_for(draft: Draft, priority: Priority, now: datetime) -> tuple[datetime, datetime]:
    if draft.scheduled_at is not None and draft.scheduled_at < now:
        raise InvalidInput("The time has passed.", "이미 지난 시각입니다.", field="scheduled_at")
    if priority is Priority.EMERGENCY and draft.expires_at is None:
        raise InvalidInput(
            "An emergency needs the moment at which it expires.",
            "긴급 방송에는 끝나는 시각이 필요합니다.",
            field="expires_at",
        )
    begins = draft.scheduled_at or now
    expires = draft.expires_at or begins + policy.ROUTINE_LIFE
    if expires <= begins:
        raise InvalidInput(
            "It would expire before it begins.", "시작하기 전에 끝나는 시각입니다.", field="expires_at"
        )
    if expires > begins + policy.LONGEST_LIFE:
        raise InvalidInput("At most 30 days.", "30일을 넘을 수 없습니다.", field="expires_at")
    return begins, expires


def title_for(draft: Draft) -> str:
    title = draft.title.strip() or next(
        (line.strip() for line in draft.text.splitlines() if line.strip()), ""
    )
    if len(title) <= TITLE_LENGTH:
        return title or "음성 방송"
    return title[: TITLE_LENGTH - 1] + "…"
