"""Which state a broadcast or a reach goes to on which event; deliveries are in `lifecycle.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from broadcast.errors import IllegalMove
from broadcast.model import BroadcastState, ReachState

_B, _R = BroadcastState, ReachState

# --- broadcast --------------------------------------------------------------------------------


class BroadcastEvent(StrEnum):
    SUBMITTED = "submitted"
    READY = "ready"  # every rendition is on the shelf
    APPROVED = "approved"
    REFUSED = "refused"
    RENDER_FAILED = "render_failed"  # all engines failed
    DUE = "due"
    LAST_SLICE = "last_slice"
    ALL_CLOSED = "all_closed"  # no open reach is left
    CANCELLED = "cancelled"
    RECALLED = "recalled"
    EXPIRED = "expired"
    RESEND_UNHEARD = "resend_unheard"


BROADCAST_ENDED = frozenset({_B.DONE, _B.CANCELLED, _B.RECALLED, _B.EXPIRED, _B.FAILED})
"""Expiry leaves these alone. `done` may still be recalled, or resent while it has not expired."""

_RENDERED = frozenset({BroadcastEvent.READY, BroadcastEvent.RENDER_FAILED})


def _broadcast_moves() -> Iterator[tuple[BroadcastState, BroadcastEvent, frozenset[BroadcastState]]]:
    event = BroadcastEvent
    yield _B.DRAFT, event.SUBMITTED, frozenset({_B.RENDERING, _B.AWAITING_APPROVAL, _B.SCHEDULED})
    yield _B.RENDERING, event.READY, frozenset({_B.AWAITING_APPROVAL, _B.SCHEDULED})
    yield _B.RENDERING, event.RENDER_FAILED, frozenset({_B.FAILED})
    yield _B.AWAITING_APPROVAL, event.APPROVED, frozenset({_B.SCHEDULED})
    yield _B.AWAITING_APPROVAL, event.REFUSED, frozenset({_B.DRAFT})
    yield _B.SCHEDULED, event.DUE, frozenset({_B.FANNING_OUT})
    yield _B.FANNING_OUT, event.LAST_SLICE, frozenset({_B.SENDING})
    yield _B.SENDING, event.ALL_CLOSED, frozenset({_B.DONE})
    yield _B.DONE, event.RESEND_UNHEARD, frozenset({_B.FANNING_OUT})
    for state in (_B.DRAFT, _B.RENDERING, _B.AWAITING_APPROVAL, _B.SCHEDULED):
        yield state, event.CANCELLED, frozenset({_B.CANCELLED})
    for state in (_B.FANNING_OUT, _B.SENDING, _B.DONE):
        yield state, event.RECALLED, frozenset({_B.RECALLED})
    for state in frozenset(_B) - BROADCAST_ENDED:
        yield state, event.EXPIRED, frozenset({_B.EXPIRED})
    # An EMERGENCY is rendered beside its life, so the end of rendering may come in any state of it.
    for state in frozenset(_B) - {_B.RENDERING, _B.FAILED}:
        for rendered in _RENDERED:
            yield state, rendered, frozenset({state})


BROADCAST_MOVES: Mapping[tuple[BroadcastState, BroadcastEvent], frozenset[BroadcastState]] = {
    (state, event): targets for state, event, targets in _broadcast_moves()
}


def move_broadcast(
    state: BroadcastState,
    event: BroadcastEvent,
    *,
    emergency: bool = False,
    needs_approval: bool = False,
    expired: bool = False,
) -> BroadcastState:
    """The state after the event; `expired` says that the broadcast's end has passed. Raises IllegalMove."""
    targets = BROADCAST_MOVES.get((state, event), frozenset())
    beside = event in _RENDERED and state is not _B.RENDERING
    if not targets or (beside and not emergency) or (expired and event is BroadcastEvent.RESEND_UNHEARD):
        raise IllegalMove(f"broadcast: {state} cannot take {event}")
    if len(targets) == 1:
        return next(iter(targets))
    if event is BroadcastEvent.SUBMITTED and not emergency:
        return _B.RENDERING
    return _B.AWAITING_APPROVAL if needs_approval else _B.SCHEDULED


# --- reach ------------------------------------------------------------------------------------


class ReachEvent(StrEnum):
    HEARD = "heard"
    CONFIRMED = "confirmed"
    LADDER_SPENT = "ladder_spent"
    CANCELLED = "cancelled"
    RECALLED = "recalled"
    EXPIRED = "expired"
    BARRED = "barred"


REACH_ENDED = frozenset({_R.CONFIRMED, _R.MISSED, _R.CLOSED})
"""Ended at every priority; `heard` ends a reach too, except in EMERGENCY (see `ladder_is_over`)."""

_CLOSING = (ReachEvent.CANCELLED, ReachEvent.RECALLED, ReachEvent.EXPIRED, ReachEvent.BARRED)


def _reach_moves() -> Iterator[tuple[ReachState, ReachEvent, frozenset[ReachState]]]:
    """Every pair is listed: ticks and receipts race, and whoever comes second changes nothing.

    A spent ladder moves only an open reach: one heard in EMERGENCY stays heard, and one that was missed
    stays missed when a resend finds nobody either. What closes a reach leaves an end that says more.
    """
    for state in _R:
        worth = _R.CONFIRMED if state is _R.CONFIRMED else _R.HEARD
        yield state, ReachEvent.HEARD, frozenset({worth})
        yield state, ReachEvent.CONFIRMED, frozenset({_R.CONFIRMED})
        spent = _R.MISSED if state is _R.OPEN else state
        yield state, ReachEvent.LADDER_SPENT, frozenset({spent})
        for event in _CLOSING:
            yield state, event, _when_closing(state)


def _when_closing(state: ReachState) -> frozenset[ReachState]:
    if state is _R.HEARD:
        return frozenset({_R.HEARD, _R.CLOSED})  # closed in EMERGENCY, where heard is not the end
    return frozenset({_R.CONFIRMED if state is _R.CONFIRMED else _R.CLOSED})


REACH_MOVES: Mapping[tuple[ReachState, ReachEvent], frozenset[ReachState]] = {
    (state, event): targets for state, event, targets in _reach_moves()
}


def move_reach(state: ReachState, event: ReachEvent, *, emergency: bool) -> ReachState:
    """The state after the event. Raises IllegalMove for a pair that is not listed."""
    targets = REACH_MOVES.get((state, event), frozenset())
    if not targets:
        raise IllegalMove(f"reach: {state} cannot take {event}")
    if len(targets) == 1:
        return next(iter(targets))
    return _R.CLOSED if emergency else _R.HEARD


def reach_sources(event: ReachEvent, *, emergency: bool) -> frozenset[ReachState]:
    """The states that the event changes: what a set-based UPDATE puts into its WHERE."""
    return frozenset(state for state in _R if move_reach(state, event, emergency=emergency) is not state)


def ladder_is_over(state: ReachState, *, emergency: bool) -> bool:
    """Whether no further rung may be tried; in EMERGENCY only the resident's own sign ends the ladder."""
    return state in REACH_ENDED or (state is _R.HEARD and not emergency)
