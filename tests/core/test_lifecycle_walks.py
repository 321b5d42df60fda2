"""Walks over legal moves only: what must hold on every path that a delivery can take."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broadcast.errors import IllegalMove
from broadcast.lifecycle import (
    DELIVERY_ENDED,
    DELIVERY_MOVES,
    GOOD,
    STOPPABLE,
    DeliveryEvent,
    DeliveryMove,
    StopReason,
    move_delivery,
    receipt_move,
)
from broadcast.model import DeliveryState

RECEIPTS = [
    DeliveryEvent.MISSED,
    DeliveryEvent.REFUSED,
    DeliveryEvent.DELIVERED,
    DeliveryEvent.HEARD,
    DeliveryEvent.KEYED,
    DeliveryEvent.REPLAYED,
    DeliveryEvent.STOP_KEYED,
    DeliveryEvent.TAPPED,
]
STOPS = [DeliveryEvent(reason.value) for reason in StopReason]
RISES = {"delivered": 1, "heard": 2, "keyed": 3, "tapped": 3}
WAITING = frozenset({DeliveryState.HELD, DeliveryState.QUEUED, DeliveryState.CLAIMED})


def rank(state: DeliveryState) -> int:
    return GOOD.get(state, 0)


def legal(state: DeliveryState) -> list[DeliveryEvent]:
    return [on for at, on in DELIVERY_MOVES if at is state]


def ways_on(state: DeliveryState) -> list[DeliveryEvent]:
    """Legal events that move the state or ask for a stop; without good news, which ends a walk too soon."""
    moving = [on for on in legal(state) if DELIVERY_MOVES[state, on] != {state} and on not in RISES]
    return [*moving, *(on for on in STOPS if state in STOPPABLE)]


class OneDelivery(RuleBasedStateMachine):
    """A delivery met anywhere in its life; each step is drawn from the moves that are legal there."""

    def __init__(self) -> None:
        super().__init__()
        self.state = DeliveryState.HELD
        self.stop: StopReason | None = None
        self.begun = 0

    @initialize(state=st.sampled_from(DeliveryState), stop=st.sampled_from([None, *StopReason]))
    def meet(self, state: DeliveryState, stop: StopReason | None) -> None:
        self.state = state
        self.begun = int(state not in WAITING)
        self.stop = stop if self.begun else None

    @rule(data=st.data(), later=st.booleans(), spent=st.booleans())
    def it_goes_on(self, data: st.DataObject, later: bool, spent: bool) -> None:
        events = ways_on(self.state) or legal(self.state)
        self._take(data.draw(st.sampled_from(events)), later=later, spent=spent)

    @rule(data=st.data(), later=st.booleans(), settled=st.booleans(), spent=st.booleans())
    def something_legal(self, data: st.DataObject, later: bool, settled: bool, spent: bool) -> None:
        event = data.draw(st.sampled_from(legal(self.state)))
        self._take(event, later=later, settled=settled, spent=spent)

    @rule(event=st.sampled_from(RECEIPTS), later=st.booleans(), spent=st.booleans())
    def a_receipt_comes_twice(self, event: DeliveryEvent, later: bool, spent: bool) -> None:
        self._check(receipt_move(self.state, event, stop_asked=self.stop, later=later, spent=spent), event)
        again = receipt_move(self.state, event, stop_asked=self.stop, later=later, spent=spent)
        assert (again.state, again.stop_asked, again.moved) == (self.state, self.stop, False)

    def _take(
        self, event: DeliveryEvent, *, later: bool = False, settled: bool = False, spent: bool = False
    ) -> None:
        try:
            move = move_delivery(
                self.state, event, stop_asked=self.stop, later=later, settled=settled, spent=spent
            )
        except IllegalMove:  # only a reply that nothing settled, where no reply is waited for
            assert event in {"accepted", "deferred", "rejected", "unclear"}
            assert not settled
            assert self.state not in GOOD
            return
        self._check(move, event)

    def _check(self, move: DeliveryMove, event: DeliveryEvent) -> None:
        assert move.moved == (move.state is not self.state)
        assert rank(move.state) == max(rank(self.state), RISES.get(event, 0))
        if self.state in DELIVERY_ENDED:
            assert move.state is self.state or move.state in GOOD
        if self.stop is not None:
            assert move.stop_asked is self.stop
        elif move.stop_asked is not None:
            assert self.state in STOPPABLE
            assert (move.stop_asked.value, move.moved) == (event.value, False)
        self.begun += event is DeliveryEvent.BEGUN and move.moved
        self.state, self.stop = move.state, move.stop_asked

    @invariant()
    def nothing_stopped_is_tried_again(self) -> None:
        assert self.stop is None or self.state not in WAITING

    @invariant()
    def what_was_handed_over_was_begun(self) -> None:
        handed_over = {DeliveryState.SENDING, DeliveryState.UNCONFIRMED, DeliveryState.SENT}
        assert self.begun or self.state not in handed_over


OneDelivery.TestCase.settings = settings(
    max_examples=400, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOneDelivery = OneDelivery.TestCase


@given(st.sampled_from(DeliveryState), st.lists(st.sampled_from(RECEIPTS), max_size=8), st.randoms())
@settings(deadline=None)
def test_good_news_does_not_depend_on_order(
    state: DeliveryState, receipts: list[DeliveryEvent], random: Random
) -> None:
    shuffled = random.sample(receipts * 2, 2 * len(receipts))
    best = max([rank(state), *(RISES.get(event, 0) for event in receipts)])
    for order in (receipts, shuffled):
        at = state
        for event in order:
            at = receipt_move(at, event).state
        assert rank(at) == best


@given(st.sampled_from(sorted(DELIVERY_ENDED)), st.lists(st.sampled_from(DeliveryEvent), max_size=12))
@settings(deadline=None)
def test_an_end_is_left_only_for_better_news(state: DeliveryState, events: list[DeliveryEvent]) -> None:
    at = state
    for event in events:
        then = receipt_move(at, event, later=True).state
        assert then is at or (rank(then) > rank(at) and event in RISES)
        at = then


@given(st.sampled_from(sorted(STOPPABLE)), st.sampled_from(StopReason), st.data())
@settings(deadline=None, max_examples=300)
def test_a_stopped_ring_ends_without_another_try(
    state: DeliveryState, reason: StopReason, data: st.DataObject
) -> None:
    at = state
    while events := ways_on(at):
        event = data.draw(st.sampled_from([on for on in events if on not in STOPS] or events))
        at = move_delivery(at, event, stop_asked=reason, later=data.draw(st.booleans())).state
        assert at not in WAITING
    assert at in DELIVERY_ENDED
