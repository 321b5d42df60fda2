"""The life of a delivery is the table of the design, pair by pair, and nothing beside it."""

from __future__ import annotations

from itertools import product
from typing import cast

import pytest

from broadcast import lifecycle
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
    sources,
)
from broadcast.model import LIVE, DeliveryState

Pair = tuple[DeliveryState, DeliveryEvent]
Moves = dict[Pair, frozenset[DeliveryState]]

STOPPED = "cancelled expired failed"
ALL = " ".join(DeliveryState)

# From, event, to, as the design has them. What ends otherwise because a stop was asked is listed beside.
DESIGNED = (
    ("held", "due", "queued"),
    ("held queued claimed", "covered cancelled", "cancelled"),
    ("held queued claimed", "expired", "expired"),
    ("held queued claimed", "barred", "failed"),
    ("queued", "claimed", "claimed"),
    ("queued claimed", "postponed", "held"),
    ("queued claimed", "gave_up", "failed"),
    ("claimed", "released lost_lease", "queued"),
    ("claimed", "begun", "sending"),
    ("sending", "accepted", "sent"),
    ("sending", "deferred", f"held queued {STOPPED}"),
    ("sending", "rejected", "failed"),
    ("sending", "unclear lost_lease", "unconfirmed"),
    ("sending sent", "missed", f"held queued {STOPPED}"),
    ("sending sent", "refused", STOPPED),
    ("sending sent", "covered cancelled expired barred", "same"),
    ("unconfirmed", "accepted", "sent"),
    ("unconfirmed", "rejected", "failed"),
    ("unconfirmed", "refused gave_up", STOPPED),
    ("unconfirmed", "deferred missed", f"held queued {STOPPED}"),  # held: only if the next try is later
    ("unconfirmed", "resend", f"queued {STOPPED}"),
    ("unconfirmed", "covered cancelled", "cancelled"),
    ("unconfirmed", "expired", "expired"),
    ("unconfirmed", "barred", "failed"),
    ("sent", "gave_up", STOPPED),
    ("held queued claimed sending unconfirmed sent cancelled expired failed", "delivered", "delivered"),
    ("held queued claimed sending unconfirmed sent cancelled expired failed delivered", "heard", "heard"),
    ("delivered heard", "delivered", "same"),
    ("heard", "heard", "same"),
    (ALL, "keyed tapped", "confirmed"),
    (ALL, "replayed stop_keyed", "same"),
    (ALL, "accepted deferred rejected unclear", "same"),  # for an attempt that a receipt has settled
)

HAND_OVER = {"accepted", "deferred", "rejected", "unclear"}
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
PAIRS: list[Pair] = list(product(DeliveryState, DeliveryEvent))
CIRCUMSTANCES = list(product([None, *StopReason], *[(False, True)] * 3))


def designed() -> Moves:
    moves: Moves = {}
    for states, events, targets in DESIGNED:
        for state, event in product(states.split(), events.split()):
            pair = DeliveryState(state), DeliveryEvent(event)
            ends = frozenset(DeliveryState(state if to == "same" else to) for to in targets.split())
            moves[pair] = moves.get(pair, frozenset()) | ends
    return moves


EXPECTED = designed()


def is_a_reply_that_nothing_settled(pair: Pair, settled: bool) -> bool:
    state, event = pair
    return event in HAND_OVER and not settled and state not in GOOD and EXPECTED[pair] == {state}


def behaves_as_designed(pair: Pair) -> bool:
    """Whether the function goes where the typed table says, and to each of its ends, in all circumstances."""
    reached = set()
    for stop, later, settled, spent in CIRCUMSTANCES:
        try:
            move = move_delivery(*pair, stop_asked=stop, later=later, settled=settled, spent=spent)
        except IllegalMove:
            if pair in EXPECTED and not is_a_reply_that_nothing_settled(pair, settled):
                return False
        else:
            reached.add(move.state)
    return reached == EXPECTED.get(pair, frozenset())


def test_the_table_is_the_one_that_was_designed() -> None:
    assert EXPECTED == DELIVERY_MOVES


@pytest.mark.parametrize("state", DeliveryState)
def test_every_pair_goes_where_it_should_or_is_illegal(state: DeliveryState) -> None:
    assert [event for event in DeliveryEvent if not behaves_as_designed((state, event))] == []


def test_a_planted_fault_in_any_entry_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = cast(Moves, dict(DELIVERY_MOVES))
    monkeypatch.setattr(lifecycle, "DELIVERY_MOVES", faulty)
    unfound = []
    for pair in PAIRS:
        right = faulty.pop(pair, frozenset())
        planted = [frozenset[DeliveryState](), *(frozenset({state}) for state in DeliveryState)]
        for wrong in planted:
            faulty[pair] = wrong
            if wrong != right and behaves_as_designed(pair):
                unfound.append((*pair, wrong))
        faulty[pair] = right
    assert unfound == []


CHOICES: list[tuple[str, str, dict[str, bool], str]] = [
    ("sending", "deferred", {}, "queued"),
    ("sending", "deferred", {"later": True}, "held"),
    ("sending", "deferred", {"spent": True}, "queued"),  # a throttle uses no attempt
    ("sending", "deferred", {"later": True, "spent": True}, "held"),
    ("unconfirmed", "deferred", {}, "queued"),
    ("unconfirmed", "deferred", {"later": True}, "held"),
    ("sending", "missed", {}, "queued"),
    ("sending", "missed", {"later": True}, "held"),
    ("sending", "missed", {"later": True, "spent": True}, "failed"),
    ("sent", "missed", {}, "queued"),
    ("sent", "missed", {"later": True}, "held"),
    ("sent", "missed", {"spent": True}, "failed"),
    ("unconfirmed", "missed", {}, "queued"),
    ("unconfirmed", "missed", {"later": True}, "held"),
    ("unconfirmed", "missed", {"spent": True}, "failed"),
    ("sending", "refused", {"later": True}, "failed"),
    ("sent", "refused", {}, "failed"),
    ("unconfirmed", "refused", {"later": True}, "failed"),
    ("sent", "gave_up", {"later": True}, "failed"),
    ("unconfirmed", "gave_up", {}, "failed"),
    ("unconfirmed", "resend", {}, "queued"),
    ("unconfirmed", "resend", {"later": True, "spent": True}, "queued"),
    ("sending", "accepted", {"settled": True}, "sending"),
    ("unconfirmed", "rejected", {"settled": True}, "unconfirmed"),
    ("held", "deferred", {"settled": True}, "held"),
    ("failed", "unclear", {"settled": True}, "failed"),
    ("heard", "accepted", {}, "heard"),  # an earlier attempt was heard while the next was on the wire
    ("delivered", "rejected", {}, "delivered"),
]


@pytest.mark.parametrize(("state", "event", "circumstances", "end"), CHOICES)
def test_circumstances_choose_among_the_ends(
    state: str, event: str, circumstances: dict[str, bool], end: str
) -> None:
    move = move_delivery(DeliveryState(state), DeliveryEvent(event), stop_asked=None, **circumstances)
    assert move == DeliveryMove(DeliveryState(end), None, moved=end != state)


@pytest.mark.parametrize("event", sorted(HAND_OVER))
@pytest.mark.parametrize("state", ["held", "queued", "claimed", "sent", "cancelled", "expired", "failed"])
def test_a_reply_nobody_waits_for_is_a_bug(state: str, event: str) -> None:
    with pytest.raises(IllegalMove):
        move_delivery(DeliveryState(state), DeliveryEvent(event))


ENDS_AS = {"covered": "cancelled", "cancelled": "cancelled", "expired": "expired", "barred": "failed"}


@pytest.mark.parametrize("reason", StopReason)
@pytest.mark.parametrize("state", sorted(STOPPABLE))
def test_what_the_provider_has_is_asked_to_stop(state: DeliveryState, reason: StopReason) -> None:
    asked = move_delivery(state, DeliveryEvent(reason.value))
    assert asked == DeliveryMove(state, reason, moved=False)
    for later_reason in StopReason:
        assert move_delivery(state, DeliveryEvent(later_reason.value), stop_asked=reason) == asked


@pytest.mark.parametrize("reason", StopReason)
@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("sending", "deferred"),
        ("sending", "missed"),
        ("sending", "refused"),
        ("sent", "missed"),
        ("sent", "refused"),
        ("sent", "gave_up"),
        ("unconfirmed", "deferred"),
        ("unconfirmed", "missed"),
        ("unconfirmed", "refused"),
        ("unconfirmed", "gave_up"),
        ("unconfirmed", "resend"),
    ],
)
def test_after_an_asked_stop_nothing_is_tried_again(state: str, event: str, reason: StopReason) -> None:
    for later, spent in product((False, True), repeat=2):
        move = move_delivery(
            DeliveryState(state), DeliveryEvent(event), stop_asked=reason, later=later, spent=spent
        )
        assert move == DeliveryMove(DeliveryState(ENDS_AS[reason]), reason, moved=True)


@pytest.mark.parametrize("reason", StopReason)
def test_an_asked_stop_survives_the_reply_to_the_request(reason: StopReason) -> None:
    accepted = move_delivery(DeliveryState.SENDING, DeliveryEvent.ACCEPTED, stop_asked=reason)
    unclear = move_delivery(DeliveryState.SENDING, DeliveryEvent.UNCLEAR, stop_asked=reason)
    assert (accepted.state, accepted.stop_asked) == (DeliveryState.SENT, reason)
    assert (unclear.state, unclear.stop_asked) == (DeliveryState.UNCONFIRMED, reason)


@pytest.mark.parametrize("event", DeliveryEvent)
def test_sources_are_the_states_that_really_move(event: DeliveryEvent) -> None:
    moving = {state for state in DeliveryState if EXPECTED.get((state, event), {state}) != {state}}
    assert sources(event) == moving
    for state in DeliveryState:
        moves = [receipt_move(state, event, settled=settled).moved for settled in (False, True)]
        assert any(moves) == (state in moving and not (event in HAND_OVER and state in GOOD))


@pytest.mark.parametrize("pair", PAIRS)
def test_a_receipt_never_raises_and_else_agrees(pair: Pair) -> None:
    state, event = pair
    for stop, later, settled, spent in CIRCUMSTANCES:
        try:
            asked = move_delivery(state, event, stop_asked=stop, later=later, settled=settled, spent=spent)
        except IllegalMove:
            asked = DeliveryMove(state, stop, moved=False)
        told = receipt_move(state, event, stop_asked=stop, later=later, settled=settled, spent=spent)
        assert told == asked


@pytest.mark.parametrize("event", RECEIPTS)
@pytest.mark.parametrize("state", DeliveryState)
def test_a_receipt_applied_twice_equals_once(state: DeliveryState, event: DeliveryEvent) -> None:
    for stop, later, settled, spent in CIRCUMSTANCES:
        once = receipt_move(state, event, stop_asked=stop, later=later, settled=settled, spent=spent)
        twice = receipt_move(
            once.state, event, stop_asked=once.stop_asked, later=later, settled=settled, spent=spent
        )
        assert (twice.state, twice.stop_asked) == (once.state, once.stop_asked)


def test_a_delivery_is_live_or_has_ended() -> None:
    ended = {"delivered", "heard", "confirmed", "cancelled", "expired", "failed"}
    assert {str(state) for state in DELIVERY_ENDED} == ended
    assert not DELIVERY_ENDED & LIVE
    assert sorted(GOOD, key=lambda state: GOOD[state]) == ["delivered", "heard", "confirmed"]
