"""Which state a delivery goes to on which event; broadcasts and reaches are in `lifecycle_reach.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from broadcast.errors import IllegalMove
from broadcast.model import LIVE, DeliveryState

_D = DeliveryState


class StopReason(StrEnum):
    """Why the provider is asked to stop what it already has; stored in `delivery.stop_asked`."""

    COVERED = "covered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BARRED = "barred"


class DeliveryEvent(StrEnum):
    DUE = "due"
    CLAIMED = "claimed"
    COVERED = "covered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BARRED = "barred"  # consent withdrawn, address suppressed, death
    POSTPONED = "postponed"  # quiet hours began with a backlog
    GAVE_UP = "gave_up"  # deferred too long, or no receipt in time
    RELEASED = "released"
    LOST_LEASE = "lost_lease"
    BEGUN = "begun"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    RESEND = "resend"  # EMERGENCY, where the provider cannot be asked
    MISSED = "missed"  # receipt: busy, no answer, hung up early, machine, stopped
    REFUSED = "refused"  # receipt: bad number, opt-out
    DELIVERED = "delivered"
    HEARD = "heard"
    KEYED = "keyed"  # any key but 2 and 0
    REPLAYED = "replayed"  # key 2
    STOP_KEYED = "stop_keyed"  # key 0
    TAPPED = "tapped"


_E = DeliveryEvent

DELIVERY_ENDED = frozenset(_D) - LIVE

GOOD: Mapping[DeliveryState, int] = {_D.DELIVERED: 1, _D.HEARD: 2, _D.CONFIRMED: 3}
"""Good news by rank: nothing moves a delivery to a lower one."""

STOPPABLE = frozenset({_D.SENDING, _D.SENT})
"""Where covered, cancelled, expired and barred change no state but ask the provider to stop."""

_HAND_OVER = frozenset({_E.ACCEPTED, _E.DEFERRED, _E.REJECTED, _E.UNCLEAR})
_STOPS = {_E.COVERED: _D.CANCELLED, _E.CANCELLED: _D.CANCELLED, _E.EXPIRED: _D.EXPIRED, _E.BARRED: _D.FAILED}
_STOPPED = frozenset(_STOPS.values())
_RETRIED = frozenset({_D.HELD, _D.QUEUED})

_Row = tuple[Iterable[DeliveryState], DeliveryEvent, frozenset[DeliveryState]]


def _before_hand_over() -> Iterator[_Row]:
    waiting = (_D.QUEUED, _D.CLAIMED)
    yield (_D.HELD,), _E.DUE, frozenset({_D.QUEUED})
    yield (_D.QUEUED,), _E.CLAIMED, frozenset({_D.CLAIMED})
    yield waiting, _E.POSTPONED, frozenset({_D.HELD})
    yield waiting, _E.GAVE_UP, frozenset({_D.FAILED})
    yield (_D.CLAIMED,), _E.RELEASED, frozenset({_D.QUEUED})
    yield (_D.CLAIMED,), _E.LOST_LEASE, frozenset({_D.QUEUED})
    yield (_D.CLAIMED,), _E.BEGUN, frozenset({_D.SENDING})
    for event, end in _STOPS.items():
        # DESIGN lists no barred for unconfirmed; it ends there as everywhere else, in failed.
        yield (_D.HELD, *waiting, _D.UNCONFIRMED), event, frozenset({end})


def _handed_over() -> Iterator[_Row]:
    in_flight = (_D.SENDING, _D.SENT, _D.UNCONFIRMED)
    asked = (_D.SENDING, _D.UNCONFIRMED)  # an answer to the request, or to the look-up, is still to come
    yield asked, _E.ACCEPTED, frozenset({_D.SENT})
    yield asked, _E.DEFERRED, _RETRIED | _STOPPED
    yield asked, _E.REJECTED, frozenset({_D.FAILED})
    yield (_D.SENDING,), _E.UNCLEAR, frozenset({_D.UNCONFIRMED})
    yield (_D.SENDING,), _E.LOST_LEASE, frozenset({_D.UNCONFIRMED})
    yield (_D.UNCONFIRMED,), _E.RESEND, frozenset({_D.QUEUED}) | _STOPPED
    yield in_flight, _E.MISSED, _RETRIED | _STOPPED
    yield in_flight, _E.REFUSED, _STOPPED
    yield (_D.SENT, _D.UNCONFIRMED), _E.GAVE_UP, _STOPPED


def _in_any_state() -> Iterator[_Row]:
    for state in _D:
        here = frozenset({state})
        for event in (*_HAND_OVER, _E.REPLAYED, _E.STOP_KEYED):
            yield here, event, here
        for event in (_E.KEYED, _E.TAPPED):
            yield here, event, frozenset({_D.CONFIRMED})
    for state in frozenset(_D) - {_D.CONFIRMED}:
        yield {state}, _E.DELIVERED, frozenset({state if state in GOOD else _D.DELIVERED})
        yield {state}, _E.HEARD, frozenset({_D.HEARD})
    for event in _STOPS:
        for state in STOPPABLE:
            yield {state}, event, frozenset({state})


def _delivery_moves() -> dict[tuple[DeliveryState, DeliveryEvent], frozenset[DeliveryState]]:
    moves: dict[tuple[DeliveryState, DeliveryEvent], frozenset[DeliveryState]] = {}
    for rows in (_before_hand_over(), _handed_over(), _in_any_state()):
        for states, event, targets in rows:
            for state in states:
                moves[state, event] = moves.get((state, event), frozenset()) | targets
    return moves


DELIVERY_MOVES: Mapping[tuple[DeliveryState, DeliveryEvent], frozenset[DeliveryState]] = _delivery_moves()


@dataclass(frozen=True, slots=True)
class DeliveryMove:
    """`moved` is about the state alone: a stop that was only asked for leaves it False."""

    state: DeliveryState
    stop_asked: StopReason | None
    moved: bool


def move_delivery(
    state: DeliveryState,
    event: DeliveryEvent,
    *,
    stop_asked: StopReason | None = None,
    later: bool = False,
    settled: bool = False,
    spent: bool = False,
) -> DeliveryMove:
    """The state after the event, and why the provider is to be asked to stop. Raises IllegalMove.

    `stop_asked`: asked earlier; the first reason wins, and it ends what would else be tried again.
    `later`: the next try lies in the future (held), not now (queued); for DEFERRED and MISSED.
    `settled`: a receipt has settled this attempt, so the reply to its request moves nothing.
    `spent`: no further attempt is allowed; for MISSED (a deferral uses no attempt).
    A MISSED or REFUSED of another attempt than the open one is not to be brought here.
    """
    target = _target(state, event, stop_asked, later=later, settled=settled, spent=spent)
    if state in STOPPABLE and event in _STOPS:
        stop_asked = stop_asked or StopReason(event.value)
    return DeliveryMove(target, stop_asked, moved=target is not state)


def _target(
    state: DeliveryState,
    event: DeliveryEvent,
    stop_asked: StopReason | None,
    *,
    later: bool,
    settled: bool,
    spent: bool,
) -> DeliveryState:
    targets = DELIVERY_MOVES.get((state, event), frozenset())
    if event in _HAND_OVER:
        # Good news can also come from an earlier attempt while a later one is on the wire.
        targets = targets & {state} if settled or state in GOOD else targets - {state}
    if not targets:
        raise IllegalMove(f"delivery: {state} cannot take {event}")
    if len(targets) == 1:
        return next(iter(targets))
    if stop_asked is not None:
        return _STOPS[_E(stop_asked.value)]
    if event in (_E.REFUSED, _E.GAVE_UP) or (spent and event is _E.MISSED):
        return _D.FAILED
    return _D.HELD if later and _D.HELD in targets else _D.QUEUED


def receipt_move(
    state: DeliveryState,
    event: DeliveryEvent,
    *,
    stop_asked: StopReason | None = None,
    later: bool = False,
    settled: bool = False,
    spent: bool = False,
) -> DeliveryMove:
    """As `move_delivery`, but a pair that is not listed moves nothing: receipts come when they like."""
    try:
        return move_delivery(state, event, stop_asked=stop_asked, later=later, settled=settled, spent=spent)
    except IllegalMove:
        return DeliveryMove(state, stop_asked, moved=False)


def sources(event: DeliveryEvent) -> frozenset[DeliveryState]:
    """The states that the event can change: what a set-based UPDATE puts into its WHERE.

    `STOPPABLE` is not among those of covered, cancelled, expired and barred: there `stop_asked` is set.
    """
    moves = ((state, targets) for (state, on), targets in DELIVERY_MOVES.items() if on is event)
    return frozenset(state for state, targets in moves if targets != {state})
