"""Use cases of an announcement: submit, approve, refuse, cancel, recall, ask the unheard again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from broadcast import policy
from broadcast.drafts import Draft as Draft
from broadcast.drafts import Submission, priority_for, times_for, title_for
from broadcast.drafts import Who as Who
from broadcast.errors import Conflict, InvalidInput
from broadcast.lifecycle_reach import BroadcastEvent, move_broadcast
from broadcast.model import (
    AccountId,
    ApprovalBasis,
    BroadcastId,
    BroadcastState,
    CapStatus,
    MsgType,
    Priority,
    RecordingId,
    Role,
)
from broadcast.ports import Clock, Scribe
from broadcast.roles import Place, require_compose
from broadcast.standing import APPROVERS, move
from broadcast.standing import Standing as Standing
from broadcast.work import StopRequest

HEAD_EMERGENCIES_AN_HOUR = 2
TRIES = 5


class ComposeStore(Protocol):
    async def places(self, codes: Sequence[str]) -> dict[str, Place]: ...

    async def recording_owner(self, recording_id: RecordingId) -> AccountId | None: ...

    async def knows(self, broadcast_id: BroadcastId) -> bool: ...

    async def keep(self, submission: Submission, *, most_own: int, since: datetime) -> BroadcastId | None:
        """None if it is a head's own emergency and as many of them were kept since then. Counts and keeps
        at once, so that many at the same moment are not each the first."""
        ...

    async def standing(self, broadcast_id: BroadcastId) -> Standing:
        """Raises NotFound."""
        ...

    async def move(
        self,
        broadcast_id: BroadcastId,
        before: BroadcastState,
        after: BroadcastState,
        now: datetime,
        *,
        approved_by: AccountId | None = None,
        basis: ApprovalBasis | None = None,
    ) -> bool:
        """Compare and set; False if somebody else moved it first."""
        ...

    async def take_back(
        self, standing: Standing, after: BroadcastState, event: BroadcastEvent, now: datetime
    ) -> Sequence[StopRequest] | None:
        """End all that is not handed over, in one transaction; None if somebody else moved it first."""
        ...

    async def ask_again(self, broadcast_id: BroadcastId, now: datetime) -> bool:
        """Begin round n+1 for those unheard; False if somebody else moved it first."""
        ...


class Composer:
    """What authors, approvers and officers do with a broadcast.

    `on_change` wakes what has new work; `on_taken_back` keeps what was begun from leaving and asks the
    providers to stop.
    """

    def __init__(
        self,
        store: ComposeStore,
        clock: Clock,
        scribe: Scribe,
        on_change: Callable[[Priority], None],
        on_taken_back: Callable[[BroadcastId, Sequence[StopRequest]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._scribe = scribe
        self._on_change = on_change
        self._on_taken_back = on_taken_back

    async def submit(self, draft: Draft, who: Who) -> BroadcastId:
        """Check and keep a draft, durably; its sound is made afterwards. Raises CallerMistake."""
        submission = await self._checked(draft, who)
        broadcast_id = await self._keep(submission)
        if broadcast_id is None:  # too many of the head's own: a second person looks at this one
            broadcast_id = await self._keep(_to_be_approved(submission))
        assert broadcast_id is not None  # only what nobody is to approve is counted
        self._on_change(submission.priority)
        return broadcast_id

    async def approve(self, broadcast_id: BroadcastId, who: Who) -> None:
        await self._move(
            broadcast_id,
            who,
            BroadcastEvent.APPROVED,
            approved_by=who.id,
            basis=ApprovalBasis.SECOND_PERSON,
        )

    async def refuse(self, broadcast_id: BroadcastId, who: Who) -> None:
        """Send a waiting emergency back to its author as a draft."""
        await self._move(broadcast_id, who, BroadcastEvent.REFUSED)

    async def cancel(self, broadcast_id: BroadcastId, who: Who) -> None:
        """Before anything went out."""
        await self._take_back(broadcast_id, who, BroadcastEvent.CANCELLED)

    async def recall(self, broadcast_id: BroadcastId, who: Who) -> None:
        """Hold back all that is not handed over; what rings is asked to stop."""
        await self._take_back(broadcast_id, who, BroadcastEvent.RECALLED)

    async def resend_unheard(self, broadcast_id: BroadcastId, who: Who) -> None:
        """Ask those who were not reached once more, in a new round."""
        standing = await self._store.standing(broadcast_id)
        now = self._clock.now()
        move(standing, who, BroadcastEvent.RESEND_UNHEARD, now)
        if not await self._store.ask_again(broadcast_id, now):
            raise _moved_meanwhile()
        self._on_change(standing.priority)

    # --- moving -----------------------------------------------------------------------------------

    async def _move(
        self,
        broadcast_id: BroadcastId,
        who: Who,
        event: BroadcastEvent,
        *,
        approved_by: AccountId | None = None,
        basis: ApprovalBasis | None = None,
    ) -> None:
        standing = await self._store.standing(broadcast_id)
        now = self._clock.now()
        after = move(standing, who, event, now)
        if not await self._store.move(
            standing.id, standing.state, after, now, approved_by=approved_by, basis=basis
        ):
            raise _moved_meanwhile()
        self._on_change(standing.priority)

    async def _take_back(self, broadcast_id: BroadcastId, who: Who, event: BroadcastEvent) -> None:
        """Looked at anew when it moved meanwhile: a recall is not lost because the last slice came between."""
        for _ in range(TRIES):
            standing = await self._store.standing(broadcast_id)
            now = self._clock.now()
            after = move(standing, who, event, now)
            if event is BroadcastEvent.RECALLED:
                self._on_taken_back(broadcast_id, ())  # first of all nothing more leaves this process
            stops = await self._store.take_back(standing, after, event, now)
            if stops is not None:
                self._on_taken_back(broadcast_id, stops)
                self._on_change(standing.priority)
                return
        raise _moved_meanwhile()

    async def _keep(self, submission: Submission) -> BroadcastId | None:
        since = submission.created_at - timedelta(hours=1)
        return await self._store.keep(submission, most_own=HEAD_EMERGENCIES_AN_HOUR, since=since)

    # --- checking ---------------------------------------------------------------------------------

    async def _checked(self, draft: Draft, who: Who) -> Submission:
        now = self._clock.now()
        places = await self._places(draft, who)
        priority = priority_for(draft)
        scheduled_at, expires_at = times_for(draft, priority, now)
        await self._check_references(draft, who)
        script = await asyncio.to_thread(self._scribe.script, draft.text, "ko") if draft.text else ""
        basis = _basis(draft, who, priority)
        needs_approval = priority is Priority.EMERGENCY and basis is None
        return Submission(
            state=move_broadcast(
                BroadcastState.DRAFT,
                BroadcastEvent.SUBMITTED,
                emergency=priority is Priority.EMERGENCY,
                needs_approval=needs_approval,
            ),
            title=title_for(draft),
            text=draft.text,
            script=script,
            recording_id=draft.recording_id,
            priority=priority,
            category=draft.category,
            cap_status=draft.cap_status,
            msg_type=MsgType.ALERT if draft.refers_to is None else MsgType.UPDATE,
            severity=draft.severity,
            urgency=draft.urgency,
            certainty=draft.certainty,
            response_type=draft.response_type,
            act_now=policy.is_act_now(draft.response_type, draft.urgency),
            refers_to=draft.refers_to,
            author_id=who.id,
            approved_by=who.id if basis is not None else None,
            approval_basis=basis,
            needs_approval=needs_approval,
            created_at=now,
            scheduled_at=scheduled_at,
            expires_at=expires_at,
            villages=places,
        )

    async def _places(self, draft: Draft, who: Who) -> tuple[Place, ...]:
        if not draft.villages:
            raise InvalidInput("Choose at least one village.", "마을을 하나 이상 고르세요.", field="villages")
        found = await self._store.places(draft.villages)
        unknown = [code for code in draft.villages if code not in found]
        if unknown:
            named = ", ".join(code[:40] for code in unknown[:5])
            raise InvalidInput(f"Unknown village: {named}.", f"없는 마을입니다: {named}.", field="villages")
        places = tuple(dict.fromkeys(found[code] for code in draft.villages))
        require_compose(who, places)
        return places

    async def _check_references(self, draft: Draft, who: Who) -> None:
        if bool(draft.text.strip()) == (draft.recording_id is not None) and not draft.text.strip():
            raise InvalidInput(
                "Write a text or give a recording.", "글을 쓰거나 녹음해 주세요.", field="text"
            )
        if draft.recording_id is not None:
            owner = await self._store.recording_owner(draft.recording_id)
            if owner is None or (owner != who.id and who.role not in APPROVERS):
                raise InvalidInput(
                    "There is no such recording.", "그런 녹음이 없습니다.", field="recording_id"
                )
        if draft.refers_to is not None and not await self._store.knows(draft.refers_to):
            raise InvalidInput("There is no such broadcast.", "그런 방송이 없습니다.", field="refers_to")


def _basis(draft: Draft, who: Who, priority: Priority) -> ApprovalBasis | None:
    """On what an emergency may go out without a second person; None: it may not."""
    if priority is not Priority.EMERGENCY:
        return None
    if draft.cap_status is not CapStatus.ACTUAL:
        return ApprovalBasis.NOT_ACTUAL
    is_heads = who.role in (Role.HEAD, Role.DEPUTY) and who.is_proven
    return ApprovalBasis.HEAD_OWN_VILLAGE if is_heads else None


def _to_be_approved(submission: Submission) -> Submission:
    state = move_broadcast(
        BroadcastState.DRAFT, BroadcastEvent.SUBMITTED, emergency=True, needs_approval=True
    )
    return replace(submission, state=state, approved_by=None, approval_basis=None, needs_approval=True)


def _moved_meanwhile() -> Conflict:
    return Conflict(
        "Somebody else changed this broadcast meanwhile; look again.",
        "그 사이 다른 사람이 이 방송을 바꾸었습니다. 다시 확인하세요.",
    )
