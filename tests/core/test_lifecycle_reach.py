"""The lives of a broadcast and of a reach are the tables of the design, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest

from broadcast.errors import IllegalMove
from broadcast.lifecycle_reach import (
    BROADCAST_ENDED,
    BROADCAST_MOVES,
    REACH_MOVES,
    BroadcastEvent,
    ReachEvent,
    ladder_is_over,
    move_broadcast,
    move_reach,
    reach_sources,
)
from broadcast.model import BroadcastState, ReachState

Row = tuple[str, str, str, str]
BEFORE = ("draft", "rendering", "awaiting_approval", "scheduled")
SENT_OUT = ("fanning_out", "sending")
BESIDE = ("draft", "awaiting_approval", "scheduled", *SENT_OUT, "done", "cancelled", "recalled", "expired")


def ends(states: Iterable[str], event: str) -> list[Row]:
    return [(state, event, event, event) for state in states]


# From, event, then the end where no approval is needed and where it is.
ORDINARY: tuple[Row, ...] = (
    ("draft", "submitted", "rendering", "rendering"),
    ("rendering", "ready", "scheduled", "awaiting_approval"),
    ("rendering", "render_failed", "failed", "failed"),
    ("awaiting_approval", "approved", "scheduled", "scheduled"),
    ("awaiting_approval", "refused", "draft", "draft"),
    ("scheduled", "due", "fanning_out", "fanning_out"),
    ("fanning_out", "last_slice", "sending", "sending"),
    ("sending", "all_closed", "done", "done"),
    ("done", "resend_unheard", "fanning_out", "fanning_out"),
    *ends(BEFORE, "cancelled"),
    *ends((*SENT_OUT, "done"), "recalled"),
    *ends((*BEFORE, *SENT_OUT), "expired"),
)
EMERGENCY: tuple[Row, ...] = (
    ("draft", "submitted", "scheduled", "awaiting_approval"),
    *(row for row in ORDINARY if row[1] != "submitted"),
    *((state, event, state, state) for state in BESIDE for event in ("ready", "render_failed")),
)

Flow = dict[tuple[str, str, bool], str]


def flow(rows: Iterable[Row]) -> Flow:
    plain = {(state, event, False): end for state, event, end, _ in rows}
    return plain | {(state, event, True): end for state, event, _, end in rows}


def found(emergency: bool) -> Flow:
    moves: Flow = {}
    for state, event, approval in product(BroadcastState, BroadcastEvent, (False, True)):
        try:
            end = move_broadcast(state, event, emergency=emergency, needs_approval=approval)
        except IllegalMove:
            continue
        moves[str(state), str(event), approval] = str(end)
    return moves


def test_an_ordinary_broadcast_moves_as_designed() -> None:
    assert found(emergency=False) == flow(ORDINARY)


def test_rendering_never_blocks_an_emergency_broadcast() -> None:
    assert found(emergency=True) == flow(EMERGENCY)


def test_the_broadcast_table_lists_just_these_ends() -> None:
    listed: dict[tuple[BroadcastState, BroadcastEvent], set[str]] = {}
    for state, event, *targets in (*ORDINARY, *EMERGENCY):
        listed.setdefault((BroadcastState(state), BroadcastEvent(event)), set()).update(targets)
    assert listed == BROADCAST_MOVES


@pytest.mark.parametrize("emergency", [False, True])
def test_what_has_expired_is_not_resent(emergency: bool) -> None:
    with pytest.raises(IllegalMove):
        move_broadcast(BroadcastState.DONE, BroadcastEvent.RESEND_UNHEARD, emergency=emergency, expired=True)


def test_expiry_ends_whatever_has_not_ended() -> None:
    assert {str(state) for state in BROADCAST_ENDED} == {"done", "cancelled", "recalled", "expired", "failed"}
    for state in frozenset(BroadcastState) - BROADCAST_ENDED:
        assert move_broadcast(state, BroadcastEvent.EXPIRED, expired=True) is BroadcastState.EXPIRED


# Reach: from, event, the end below EMERGENCY and in it.
CLOSING = ("cancelled", "recalled", "expired", "barred")
REACHES = (
    ("open", "heard", "heard", "heard"),
    ("open", "confirmed", "confirmed", "confirmed"),
    ("open", "ladder_spent", "missed", "missed"),
    *(("open", event, "closed", "closed") for event in CLOSING),
    ("heard", "heard", "heard", "heard"),
    ("heard", "confirmed", "confirmed", "confirmed"),
    ("heard", "ladder_spent", "heard", "heard"),
    *(("heard", event, "heard", "closed") for event in CLOSING),
    ("missed", "heard", "heard", "heard"),
    ("missed", "confirmed", "confirmed", "confirmed"),
    ("missed", "ladder_spent", "missed", "missed"),
    *(("missed", event, "closed", "closed") for event in CLOSING),
    ("closed", "heard", "heard", "heard"),
    ("closed", "confirmed", "confirmed", "confirmed"),
    *(("closed", event, "closed", "closed") for event in ("ladder_spent", *CLOSING)),
    *(("confirmed", str(event), "confirmed", "confirmed") for event in ReachEvent),
)


@pytest.mark.parametrize(("state", "event", "ordinary", "emergency"), REACHES)
def test_a_reach_moves_as_designed(state: str, event: str, ordinary: str, emergency: str) -> None:
    pair = ReachState(state), ReachEvent(event)
    assert move_reach(*pair, emergency=False) == ordinary
    assert move_reach(*pair, emergency=True) == emergency
    assert REACH_MOVES[pair] == {ordinary, emergency}


def test_every_pair_of_a_reach_is_decided() -> None:
    decided = {(state, event) for state, event, _, _ in REACHES}
    assert decided == set(product(ReachState, ReachEvent)) == set(REACH_MOVES)


@pytest.mark.parametrize("emergency", [False, True])
def test_nothing_worse_follows_once_a_reach_is_known(emergency: bool) -> None:
    for event, again in product(ReachEvent, ReachEvent):
        told = move_reach(ReachState.OPEN, event, emergency=emergency)
        then = move_reach(told, again, emergency=emergency)
        assert move_reach(then, again, emergency=emergency) is then
        assert not (told is ReachState.CONFIRMED and then is not told)


@pytest.mark.parametrize("emergency", [False, True])
@pytest.mark.parametrize("event", ReachEvent)
def test_reach_sources_are_the_states_that_change(event: ReachEvent, emergency: bool) -> None:
    column = 3 if emergency else 2
    assert reach_sources(event, emergency=emergency) == {
        row[0] for row in REACHES if row[1] == event and row[column] != row[0]
    }


@pytest.mark.parametrize("state", ReachState)
def test_hearing_ends_the_ladder_except_in_emergency(state: ReachState) -> None:
    assert ladder_is_over(state, emergency=True) == (state in {"confirmed", "missed", "closed"})
    assert ladder_is_over(state, emergency=False) == (state in {"confirmed", "missed", "closed", "heard"})
