"""How a broadcast stands, and which moves of it somebody may ask for now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broadcast.drafts import Who
from broadcast.errors import CallerMistake, Conflict, IllegalMove, NotAllowed
from broadcast.lifecycle_reach import BroadcastEvent, move_broadcast
from broadcast.model import AccountId, BroadcastId, BroadcastState, Priority, Role
from broadcast.roles import Place, may_compose

APPROVERS = frozenset({Role.COUNTY, Role.DISASTER_OFFICER, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a broadcast stands, for a use case that wants to move it."""

    id: BroadcastId
    state: BroadcastState
    priority: Priority
    author_id: AccountId
    needs_approval: bool
    expires_at: datetime
    villages: tuple[Place, ...]


def move(standing: Standing, who: Who, event: BroadcastEvent, now: datetime) -> BroadcastState:
    """The state after what `who` asks for. Raises NotAllowed or Conflict."""
    _RIGHT_TO[event](standing, who)
    try:
        return move_broadcast(
            standing.state,
            event,
            emergency=standing.priority is Priority.EMERGENCY,
            needs_approval=standing.needs_approval,
            expired=standing.expires_at <= now,
        )
    except IllegalMove:
        raise Conflict(
            f"A broadcast that is {standing.state} cannot be {event}.",
            f"지금 상태({standing.state})에서는 할 수 없습니다.",
        ) from None


def possible(standing: Standing, who: Who, now: datetime) -> frozenset[BroadcastEvent]:
    """What `who` may ask for now: what a page offers as buttons."""
    return frozenset(event for event in _RIGHT_TO if _may(standing, who, event, now))


def _may(standing: Standing, who: Who, event: BroadcastEvent, now: datetime) -> bool:
    try:
        move(standing, who, event, now)
    except CallerMistake:
        return False
    return True


def _approves(standing: Standing, who: Who) -> None:
    if who.role not in APPROVERS:
        raise NotAllowed("Your role may not approve.", "이 역할로는 승인할 수 없습니다.")
    if who.id == standing.author_id:
        raise NotAllowed(
            "An author cannot approve an own emergency.",
            "작성자는 자신의 긴급 방송을 승인할 수 없습니다.",
        )


def _refuses(standing: Standing, who: Who) -> None:
    if who.role not in APPROVERS and who.id != standing.author_id:
        raise NotAllowed("Your role may not refuse.", "이 역할로는 반려할 수 없습니다.")


def _holds(standing: Standing, who: Who) -> None:
    if who.id == standing.author_id or who.role in APPROVERS:
        return
    if not all(may_compose(who, place) for place in standing.villages):
        raise NotAllowed(
            "Your role may not change this broadcast.", "이 역할로는 이 방송을 바꿀 수 없습니다."
        )


_RIGHT_TO: Mapping[BroadcastEvent, Callable[[Standing, Who], None]] = {
    BroadcastEvent.APPROVED: _approves,
    BroadcastEvent.REFUSED: _refuses,
    BroadcastEvent.CANCELLED: _holds,
    BroadcastEvent.RECALLED: _holds,
    BroadcastEvent.RESEND_UNHEARD: _holds,
}
