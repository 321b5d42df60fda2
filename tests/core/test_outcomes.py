"""What an answer, a lost lease or a look-up makes of a delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import policy
from broadcast.lifecycle import DeliveryEvent, StopReason
from broadcast.model import (
    Accepted,
    AttemptId,
    Channel,
    Deferred,
    DeliveryId,
    DeliveryState,
    Outcome,
    Priority,
    Reason,
    Rejected,
    Unclear,
)
from broadcast.outcomes import DEFERRED_TOO_LONG, LOOK_UP_AFTER, LOOK_UP_FOR
from broadcast.receipts import after
from broadcast.work import AttemptFacts, Change, DeliveryFacts, Finished, NotBegun
from tests.core.facts import DECIDER, NOW, OPEN, a_delivery, an_attempt

D = DeliveryState


def answered(
    outcome: Outcome, facts: DeliveryFacts | None = None, now: datetime = NOW
) -> tuple[Change | None, AttemptFacts]:
    facts = facts or a_delivery()
    return DECIDER.outcome(facts, an_attempt(), Finished(DeliveryId(1), OPEN, outcome), now)


def changed(outcome: Outcome, facts: DeliveryFacts | None = None, now: datetime = NOW) -> Change:
    change, _ = answered(outcome, facts, now)
    assert change is not None
    return change


# --- answers ----------------------------------------------------------------------------------


def test_an_accepted_call_is_sent_and_looked_after() -> None:
    change, attempt = answered(Accepted("CA1"), a_delivery(defers=4))
    assert change is not None
    assert (change.state, change.lease_until) == (D.SENT, NOW + timedelta(minutes=15))
    assert change.defers == 0
    assert (attempt.reference, attempt.settled) == ("CA1", False)


@pytest.mark.parametrize("channel", Channel)
def test_whatever_is_sent_has_a_moment_to_give_up(channel: Channel) -> None:
    assert changed(Accepted("x"), a_delivery(channel=channel)).lease_until is not None


def test_a_deferral_uses_no_attempt() -> None:
    change, attempt = answered(Deferred(Reason.THROTTLED, timedelta(seconds=3)), a_delivery(tries=2))
    assert change is not None
    assert (change.state, change.due_at) == (D.HELD, NOW + timedelta(seconds=3))
    assert (change.tries, change.defers, change.attempt_id) == (1, 1, None)
    assert attempt.settled


def test_a_deferral_into_quiet_hours_waits_for_morning() -> None:
    late = NOW + timedelta(hours=9, minutes=59, seconds=59)  # 19:59:59
    assert changed(Deferred(Reason.PROVIDER_DOWN), now=late).due_at == NOW + timedelta(hours=22)


def test_a_carrier_that_stays_down_gives_way_to_the_next_rung() -> None:
    """Within an hour or so, in every priority: nothing is put off for ever."""
    for priority in Priority:
        facts, now, state = a_delivery(priority=priority, act_now=True), NOW, D.SENDING
        for _ in range(DEFERRED_TOO_LONG + 2):
            change = changed(Deferred(Reason.PROVIDER_DOWN), facts, now)
            state = change.state
            if state is D.FAILED:
                break
            assert change.due_at is not None
            now = change.due_at
            facts = replace(after(facts, change), defers=change.defers, state=D.SENDING, attempt_id=OPEN)
        assert state is D.FAILED
        assert now - NOW < timedelta(minutes=70)


def test_what_cannot_go_out_before_it_expires_fails_at_once() -> None:
    facts = a_delivery(expires_at=NOW + timedelta(seconds=30))
    assert changed(Deferred(Reason.THROTTLED, timedelta(minutes=1)), facts).state is D.FAILED


def test_a_rejection_keeps_its_reason() -> None:
    change, attempt = answered(Rejected(Reason.BAD_ADDRESS))
    assert change is not None
    assert (change.state, change.reason) == (D.FAILED, Reason.BAD_ADDRESS)
    assert attempt.reason is Reason.BAD_ADDRESS


def test_an_unclear_answer_is_looked_up_soon() -> None:
    change, attempt = answered(Unclear("reset"))
    assert change is not None
    assert (change.state, change.lease_until) == (D.UNCONFIRMED, NOW + LOOK_UP_AFTER)
    assert (change.attempt_id, attempt.settled) == (OPEN, False)


@pytest.mark.parametrize("state", [state for state in D if state not in (D.SENDING, D.UNCONFIRMED)])
def test_a_reply_after_its_receipt_only_fills_in_the_reference(state: DeliveryState) -> None:
    change, attempt = answered(Accepted("CA1"), a_delivery(state))
    assert (change, attempt.reference) == (None, "CA1")


def test_a_reply_to_an_earlier_attempt_moves_nothing() -> None:
    change, attempt = answered(Deferred(Reason.THROTTLED), a_delivery(attempt_id=AttemptId(8)))
    assert (change, attempt.outcome) == (None, "deferred")


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        (StopReason.COVERED, D.CANCELLED),
        (StopReason.CANCELLED, D.CANCELLED),
        (StopReason.EXPIRED, D.EXPIRED),
        (StopReason.BARRED, D.FAILED),
    ],
)
def test_what_is_to_stop_is_not_put_off_but_ended(asked: StopReason, end: DeliveryState) -> None:
    assert changed(Deferred(Reason.THROTTLED), a_delivery(stop_asked=asked)).state is end
    missed = DECIDER.missed(a_delivery(D.SENT, stop_asked=asked), Reason.BUSY, NOW)
    assert missed.state is end


# --- missed -----------------------------------------------------------------------------------


def test_a_missed_call_waits_for_its_next_time_behind_first_attempts() -> None:
    change = DECIDER.missed(a_delivery(D.SENT), Reason.BUSY, NOW)
    assert (change.state, change.due_at) == (D.HELD, NOW + timedelta(minutes=90))  # 11:30
    assert change.turn == 5 + policy.REDIAL_TURN
    again = DECIDER.missed(a_delivery(D.SENT, turn=change.turn), Reason.BUSY, NOW)
    assert again.turn == change.turn


def test_the_third_miss_is_the_last() -> None:
    assert DECIDER.missed(a_delivery(D.SENT, tries=3), Reason.BUSY, NOW).state is D.FAILED
    assert DECIDER.missed(a_delivery(D.SENT, tries=1, tried_before=2), Reason.BUSY, NOW).state is D.FAILED


def test_a_redial_after_expiry_is_not_waited_for() -> None:
    facts = a_delivery(D.SENT, expires_at=NOW + timedelta(minutes=89))
    assert DECIDER.missed(facts, Reason.NO_ANSWER, NOW).state is D.FAILED


def test_a_failed_text_is_tried_again_in_a_minute() -> None:
    change = DECIDER.missed(a_delivery(D.SENT, channel=Channel.SMS), Reason.UNDELIVERED, NOW)
    assert (change.state, change.due_at) == (D.HELD, NOW + timedelta(minutes=1))


@given(st.sampled_from(Channel), st.sampled_from(Priority), st.integers(0, 6))
def test_misses_end(channel: Channel, priority: Priority, before: int) -> None:
    """Tried on and on, every delivery ends in failed, and over all rounds within the plan's most."""
    facts = a_delivery(D.SENT, channel=channel, priority=priority, tries=1, tried_before=before, act_now=True)
    facts = replace(facts, expires_at=NOW + timedelta(days=30))
    now, state = NOW, D.SENT
    for _ in range(10):
        change = DECIDER.missed(facts, Reason.NO_ANSWER, now)
        state = change.state
        if state is D.FAILED:
            break
        assert change.due_at is not None
        assert change.due_at > now
        now = change.due_at
        facts = replace(after(facts, change), state=D.SENT, attempt_id=OPEN, tries=facts.tries + 1)
    assert state is D.FAILED
    most = {Priority.ROUTINE: 3, Priority.URGENT: 3, Priority.EMERGENCY: 6}[priority]
    if channel is Channel.VOICE:
        assert facts.tries + before <= max(most, before + 1)


# --- not begun --------------------------------------------------------------------------------


def test_an_engaged_number_is_tried_again_soon() -> None:
    why = NotBegun(DeliveryEvent.POSTPONED)
    routine = DECIDER.not_begun(a_delivery(D.CLAIMED), why, NOW)
    emergency = DECIDER.not_begun(a_delivery(D.CLAIMED, priority=Priority.EMERGENCY), why, NOW)
    assert (routine.state, routine.due_at) == (D.HELD, NOW + timedelta(minutes=2))
    assert (emergency.state, emergency.due_at) == (D.HELD, NOW + timedelta(seconds=20))
    assert routine.turn == 5


def test_a_number_rung_often_enough_rests_until_morning() -> None:
    why = NotBegun(DeliveryEvent.POSTPONED, rung_out=True)
    change = DECIDER.not_begun(a_delivery(D.CLAIMED), why, NOW)
    assert (change.state, change.due_at) == (D.HELD, NOW + timedelta(hours=22))  # 08:00


def test_what_would_wait_beyond_its_expiry_gives_way() -> None:
    facts = a_delivery(D.CLAIMED, expires_at=NOW + timedelta(hours=12))
    assert DECIDER.not_begun(facts, NotBegun(DeliveryEvent.POSTPONED, rung_out=True), NOW).state is D.FAILED


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (DeliveryEvent.COVERED, D.CANCELLED),
        (DeliveryEvent.CANCELLED, D.CANCELLED),
        (DeliveryEvent.EXPIRED, D.EXPIRED),
        (DeliveryEvent.BARRED, D.FAILED),
        (DeliveryEvent.RELEASED, D.QUEUED),
    ],
)
def test_what_is_not_begun_ends_by_its_reason(event: DeliveryEvent, end: DeliveryState) -> None:
    change = DECIDER.not_begun(a_delivery(D.CLAIMED), NotBegun(event), NOW)
    assert (change.state, change.reason) == (end, None)


# --- leases -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "after_it"),
    [(D.CLAIMED, D.QUEUED), (D.SENDING, D.UNCONFIRMED), (D.SENT, D.FAILED), (D.UNCONFIRMED, D.UNCONFIRMED)],
)
def test_a_lease_that_ran_out(state: DeliveryState, after_it: DeliveryState) -> None:
    change = DECIDER.timed_out(a_delivery(state), NOW)
    assert change is not None
    assert change.state is after_it
    if after_it is D.UNCONFIRMED:
        assert change.lease_until == NOW + LOOK_UP_AFTER


def test_a_look_up_that_cannot_say_is_repeated_and_then_given_up() -> None:
    facts = a_delivery(D.UNCONFIRMED)
    assert changed(Unclear("?"), facts, NOW + LOOK_UP_FOR).state is D.UNCONFIRMED
    much_later = NOW + LOOK_UP_FOR + timedelta(seconds=1)
    assert changed(Unclear("?"), facts, much_later).state is D.FAILED
    emergency = replace(facts, priority=Priority.EMERGENCY)
    assert changed(Unclear("?"), emergency, much_later).state is D.QUEUED


def test_only_an_emergency_is_sent_again_unasked() -> None:
    for priority in Priority:
        facts = a_delivery(D.UNCONFIRMED, priority=priority)
        expected = D.QUEUED if priority is Priority.EMERGENCY else D.FAILED
        assert DECIDER.cannot_look_up(facts).state is expected
    stopped = a_delivery(D.UNCONFIRMED, priority=Priority.EMERGENCY, stop_asked=StopReason.CANCELLED)
    assert DECIDER.cannot_look_up(stopped).state is D.CANCELLED
