"""What an outcome, a lost lease or a look-up makes of a delivery: pure decisions over facts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from broadcast import policy
from broadcast.lifecycle import DeliveryEvent, DeliveryMove, move_delivery
from broadcast.model import (
    Accepted,
    Channel,
    Deferred,
    DeliveryState,
    Priority,
    Purpose,
    Reason,
    Rejected,
    Unclear,
)
from broadcast.policy import Hours
from broadcast.work import AttemptFacts, Change, Claimed, DeliveryFacts, Finished, NotBegun

LOOK_UP_AFTER = timedelta(seconds=5)
LOOK_UP_FOR = timedelta(minutes=10)
DEFERRED_TOO_LONG = (
    60  # hand-overs in a row that the provider put off; then the person's next rung has its turn
)


@dataclass(frozen=True, slots=True)
class Decider:
    """Decisions that need the county's zone."""

    zone: ZoneInfo

    def hours(self, facts: DeliveryFacts) -> Hours:
        return Hours(self.zone, facts.opens_at)

    def outcome(
        self, facts: DeliveryFacts, attempt: AttemptFacts, finished: Finished, now: datetime
    ) -> tuple[Change | None, AttemptFacts]:
        """What a channel's answer makes of the delivery and its attempt; no change if it has moved on."""
        noted = _noted(attempt, finished)
        if facts.attempt_id != attempt.id or facts.state not in (
            DeliveryState.SENDING,
            DeliveryState.UNCONFIRMED,
        ):
            return None, noted  # a receipt settled it first: the reply only fills in the reference
        return self._change(facts, finished, attempt.begun_at, now), noted

    def _change(self, facts: DeliveryFacts, finished: Finished, begun_at: datetime, now: datetime) -> Change:
        match finished.outcome:
            case Accepted():
                move = self._move(facts, DeliveryEvent.ACCEPTED)
                return changed(facts, move, lease_until=policy.looked_after_at(facts.channel, now))
            case Deferred(reason, retry_after):
                return self._deferred(facts, reason, retry_after, now)
            case Rejected(reason, _):
                return changed(facts, self._move(facts, DeliveryEvent.REJECTED), reason=reason)
            case Unclear():
                if facts.state is DeliveryState.UNCONFIRMED and now > begun_at + LOOK_UP_FOR:
                    return self.cannot_look_up(facts)
                if facts.state is DeliveryState.UNCONFIRMED:
                    return unchanged(facts, lease_until=now + LOOK_UP_AFTER)
                move = self._move(facts, DeliveryEvent.UNCLEAR)
                return changed(facts, move, lease_until=now + LOOK_UP_AFTER)
            case unknown:
                assert_never(unknown)

    def _deferred(
        self, facts: DeliveryFacts, reason: Reason, retry_after: timedelta | None, now: datetime
    ) -> Change:
        """Surely not sent: it costs no try; put off too often, it fails and the next rung has its turn."""
        again = policy.defer_until(reason, facts.defers, retry_after, now)
        again = policy.due_from(
            facts.channel, facts.priority, facts.act_now, facts.category, again, self.hours(facts)
        )
        if facts.defers >= DEFERRED_TOO_LONG or _is_too_late(facts, again):
            return changed(facts, self._move(facts, DeliveryEvent.REJECTED), reason=reason)
        move = move_delivery(
            facts.state, DeliveryEvent.DEFERRED, stop_asked=facts.stop_asked, later=again > now
        )
        return replace(
            changed(facts, move, reason=reason, due_at=again),
            tries=max(facts.tries - 1, 0),
            defers=facts.defers + 1,
        )

    def _move(self, facts: DeliveryFacts, event: DeliveryEvent) -> DeliveryMove:
        return move_delivery(facts.state, event, stop_asked=facts.stop_asked)

    def missed(self, facts: DeliveryFacts, reason: Reason | None, now: datetime) -> Change:
        """A negative receipt for the open attempt: tried again by plan, or spent."""
        again = self._again_at(facts, now)
        spent = again is None or _is_too_late(facts, again)
        move = move_delivery(
            facts.state,
            DeliveryEvent.MISSED,
            stop_asked=facts.stop_asked,
            later=again is not None and again > now,
            spent=spent,
        )
        change = changed(facts, move, reason=reason, due_at=again)
        is_first = facts.turn < policy.REDIAL_TURN
        if move.state in (DeliveryState.HELD, DeliveryState.QUEUED) and is_first:
            return replace(change, turn=facts.turn + policy.REDIAL_TURN)
        return change

    def _again_at(self, facts: DeliveryFacts, now: datetime) -> datetime | None:
        if facts.channel is Channel.VOICE:
            return policy.retry_call_at(
                facts.priority,
                facts.act_now,
                facts.tries,
                facts.first_due_at,
                now,
                self.hours(facts),
                before=facts.tried_before,
            )
        again = policy.retry_text_at(facts.tries, now)
        if again is None:
            return None
        return policy.text_from(facts.priority, facts.category, again, self.hours(facts))

    def not_begun(self, facts: DeliveryFacts, why: NotBegun, now: datetime) -> Change:
        """A claimed delivery that must not go out now, or not at all."""
        if why.event is DeliveryEvent.POSTPONED:
            return self.postponed(facts, self._free_again(facts, why, now))
        return changed(facts, self._move(facts, why.event), reason=why.reason)

    def _free_again(self, facts: DeliveryFacts, why: NotBegun, now: datetime) -> datetime:
        """When a number may be rung again that is engaged now, or has been rung often enough today."""
        hours = self.hours(facts)
        if why.rung_out:
            at = policy.tomorrow(now, hours)
        else:
            at = now + (policy.ENGAGED if facts.priority is Priority.EMERGENCY else policy.LEFT_ALONE)
        return policy.due_from(facts.channel, facts.priority, facts.act_now, facts.category, at, hours)

    def quiet_until(self, claimed: Claimed, now: datetime) -> datetime:
        """The moment from which this claimed delivery may go out: `now` unless quiet hours have begun."""
        hours = Hours(self.zone, claimed.opens_at)
        return policy.due_from(
            claimed.channel, claimed.priority, claimed.act_now, claimed.category, now, hours
        )

    def postponed(self, facts: DeliveryFacts, until: datetime) -> Change:
        """Held until then; where the broadcast expires before, the person's next rung has its turn at once."""
        if _is_too_late(facts, until):
            return changed(facts, self._move(facts, DeliveryEvent.GAVE_UP), reason=facts.reason)
        move = move_delivery(facts.state, DeliveryEvent.POSTPONED, stop_asked=facts.stop_asked)
        return changed(facts, move, due_at=until)

    def timed_out(self, facts: DeliveryFacts, now: datetime) -> Change | None:
        """A lease ran out: back to the queue, to be looked up, or given up."""
        match facts.state:
            case DeliveryState.CLAIMED:
                return changed(facts, self._move(facts, DeliveryEvent.LOST_LEASE))
            case DeliveryState.SENDING:
                move = self._move(facts, DeliveryEvent.LOST_LEASE)
                return changed(facts, move, lease_until=now + LOOK_UP_AFTER)
            case DeliveryState.SENT:
                return changed(facts, self._move(facts, DeliveryEvent.GAVE_UP), reason=Reason.NO_RECEIPT)
            case DeliveryState.UNCONFIRMED:
                return unchanged(facts, lease_until=now + LOOK_UP_AFTER)
            case _:
                return unchanged(facts, lease_until=None)

    def cannot_look_up(self, facts: DeliveryFacts) -> Change:
        """Unconfirmed where the provider cannot be asked: an EMERGENCY resends, else the next rung."""
        if facts.priority is Priority.EMERGENCY and facts.stop_asked is None:
            return changed(facts, self._move(facts, DeliveryEvent.RESEND))
        return changed(facts, self._move(facts, DeliveryEvent.GAVE_UP), reason=Reason.NO_RECEIPT)


def _is_too_late(facts: DeliveryFacts, at: datetime) -> bool:
    """Nothing is said after its broadcast's end, but whom it missed: the list may wait for the morning."""
    return facts.purpose is not Purpose.MISSED_LIST and at >= facts.expires_at


def _noted(attempt: AttemptFacts, finished: Finished) -> AttemptFacts:
    match finished.outcome:
        case Accepted(reference):
            return replace(attempt, reference=reference, outcome="accepted")
        case Deferred(reason, _):
            return replace(attempt, outcome="deferred", reason=attempt.reason or reason, settled=True)
        case Rejected(reason, _):
            return replace(attempt, outcome="rejected", reason=attempt.reason or reason, settled=True)
        case Unclear():
            return replace(attempt, outcome=attempt.outcome or "unclear")
        case unknown:
            assert_never(unknown)


def changed(
    facts: DeliveryFacts,
    move: DeliveryMove,
    *,
    reason: Reason | None = None,
    due_at: datetime | None = None,
    lease_until: datetime | None = None,
) -> Change:
    """The change that a move makes; times are kept only in states that they mean something in."""
    waits = move.state in (DeliveryState.HELD, DeliveryState.QUEUED)
    leased = move.state in (DeliveryState.SENDING, DeliveryState.UNCONFIRMED, DeliveryState.SENT)
    return Change(
        id=facts.id,
        state=move.state,
        attempt_id=None if waits else facts.attempt_id,
        tries=facts.tries,
        defers=0 if move.state is DeliveryState.SENT else facts.defers,
        turn=facts.turn,
        due_at=due_at if waits else None,
        lease_until=lease_until if leased else None,
        stop_asked=move.stop_asked,
        reason=reason or facts.reason,
    )


def unchanged(facts: DeliveryFacts, *, lease_until: datetime | None) -> Change:
    return Change(
        id=facts.id,
        state=facts.state,
        attempt_id=facts.attempt_id,
        tries=facts.tries,
        defers=facts.defers,
        turn=facts.turn,
        due_at=facts.due_at,
        lease_until=lease_until,
        stop_asked=facts.stop_asked,
        reason=facts.reason,
    )
