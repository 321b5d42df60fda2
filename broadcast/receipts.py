"""What receipts make of an attempt and its delivery, and their natural group commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from broadcast import policy
from broadcast.lifecycle import GOOD, STOPPABLE, DeliveryEvent, DeliveryMove, receipt_move
from broadcast.model import Channel, DeliveryState, Priority, Reason, Receipt, ReceiptKind
from broadcast.outcomes import Decider, changed
from broadcast.ports import Clock
from broadcast.work import AttemptFacts, Change, DeliveryFacts, StopRequest

GOOD_NEWS = {
    ReceiptKind.DELIVERED: DeliveryEvent.DELIVERED,
    ReceiptKind.HEARD: DeliveryEvent.HEARD,
    ReceiptKind.TAPPED: DeliveryEvent.TAPPED,
}
AMD = {ReceiptKind.HUMAN, ReceiptKind.MACHINE, ReceiptKind.NOT_KNOWN}
HELP_KEY = "9"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What some receipts of one attempt come to. `change` is None where the delivery stays as it is."""

    attempt: AttemptFacts
    change: Change | None = None
    asks_help: bool = False


def judge(
    decider: Decider,
    delivery: DeliveryFacts,
    attempt: AttemptFacts,
    receipts: Sequence[Receipt],
    now: datetime,
) -> Judgement:
    """Apply one attempt's receipts in turn. Order does not matter to where they end; repeats change nothing."""
    facts, change, asks_help = delivery, None, False
    for receipt in receipts:
        attempt = _noted(attempt, facts, receipt, now)
        made = _direct(decider, facts, attempt, receipt, now)
        asks_help = asks_help or (receipt.kind is ReceiptKind.KEYED and receipt.key == HELP_KEY)
        if made is not None:
            facts, change = after(facts, made), made
    attempt, made = _settled(decider, facts, attempt, now)
    return Judgement(attempt, made or change, asks_help)


def settle(decider: Decider, delivery: DeliveryFacts, attempt: AttemptFacts, now: datetime) -> Judgement:
    """A call whose AMD verdict did not come within 30 s of its final status."""
    attempt, change = _settled(decider, delivery, attempt, now)
    return Judgement(replace(attempt, settle_at=None), change)


def _noted(attempt: AttemptFacts, facts: DeliveryFacts, receipt: Receipt, now: datetime) -> AttemptFacts:
    """The attempt with this receipt's piece of news; the first telling stays."""
    if receipt.reference and not attempt.reference:
        attempt = replace(attempt, reference=receipt.reference)
    if receipt.kind is ReceiptKind.PLAYED:
        return replace(attempt, played_at=attempt.played_at or receipt.at)
    if receipt.kind in AMD:
        return replace(attempt, answered_by=attempt.answered_by or receipt.kind)
    if receipt.kind is ReceiptKind.KEYED:
        return replace(attempt, keys=attempt.keys + receipt.key)
    if facts.channel is Channel.VOICE and receipt.kind in policy.FINAL and attempt.call_status is None:
        waits = receipt.kind is ReceiptKind.COMPLETED and attempt.answered_by is None
        return replace(
            attempt,
            call_status=receipt.kind,
            seconds=receipt.seconds,
            ended_at=receipt.at,
            settle_at=now + policy.SETTLES_AFTER if waits and not attempt.settled else None,
        )
    return attempt


def _direct(
    decider: Decider, facts: DeliveryFacts, attempt: AttemptFacts, receipt: Receipt, now: datetime
) -> Change | None:
    """What this receipt moves by itself, apart from a call's pieces."""
    is_open = facts.attempt_id == attempt.id
    if receipt.kind in GOOD_NEWS:
        return _moved(facts, GOOD_NEWS[receipt.kind], attempt)
    if receipt.kind is ReceiptKind.KEYED:
        return _moved(facts, policy.key_event(receipt.key), attempt)
    if receipt.kind is ReceiptKind.REFUSED and is_open:
        return _moved(facts, DeliveryEvent.REFUSED, attempt, receipt.reason or Reason.BAD_ADDRESS)
    if facts.channel is not Channel.VOICE and receipt.kind in policy.FINAL and is_open:
        return _missed(decider, facts, receipt.reason or Reason.UNDELIVERED, now)
    if is_open and facts.state is DeliveryState.UNCONFIRMED and receipt.reference:
        change = _moved(facts, DeliveryEvent.ACCEPTED, attempt)  # who tells us of it must have it
        return change and replace(change, lease_until=policy.looked_after_at(facts.channel, now))
    return None


def _settled(
    decider: Decider, facts: DeliveryFacts, attempt: AttemptFacts, now: datetime
) -> tuple[AttemptFacts, Change | None]:
    """A call's verdict, once its pieces are together; a piece that comes later can only make it better."""
    if facts.channel is not Channel.VOICE:
        return attempt, None
    pieces = policy.CallFacts(attempt.call_status, attempt.answered_by, attempt.played_at is not None)
    waited = attempt.settled or (attempt.settle_at is not None and attempt.settle_at <= now)
    verdict = policy.call_verdict(pieces, waited=waited)
    if verdict is None or (attempt.settled and verdict.event is DeliveryEvent.MISSED):
        return attempt, None
    if attempt.settled:
        return replace(attempt, reason=None), _moved(facts, verdict.event, attempt)
    attempt = replace(attempt, settled=True, settle_at=None, reason=attempt.reason or verdict.reason)
    if verdict.event is not DeliveryEvent.MISSED:
        return attempt, _moved(facts, verdict.event, attempt)
    if facts.attempt_id != attempt.id:
        return attempt, None  # a late no-answer of an earlier attempt does not touch the open one
    return attempt, _missed(decider, facts, verdict.reason or Reason.UNKNOWN, now)


def _moved(
    facts: DeliveryFacts, event: DeliveryEvent, attempt: AttemptFacts, reason: Reason | None = None
) -> Change | None:
    """The move, if it is one. Good news names the attempt that brought it, whichever is open now."""
    move: DeliveryMove = receipt_move(facts.state, event, stop_asked=facts.stop_asked)
    if not move.moved:
        return None
    change = changed(facts, move, reason=reason)
    return replace(change, attempt_id=attempt.id) if move.state in GOOD else change


def _missed(decider: Decider, facts: DeliveryFacts, reason: Reason, now: datetime) -> Change | None:
    if not receipt_move(facts.state, DeliveryEvent.MISSED, stop_asked=facts.stop_asked).moved:
        return None
    return decider.missed(facts, reason, now)


def after(facts: DeliveryFacts, change: Change) -> DeliveryFacts:
    return replace(
        facts,
        state=change.state,
        attempt_id=change.attempt_id,
        tries=change.tries,
        turn=change.turn,
        due_at=change.due_at,
        lease_until=change.lease_until,
        stop_asked=change.stop_asked,
        reason=change.reason,
    )


def overtakes(change: Change, before: DeliveryFacts) -> bool:
    """Whether good news of an earlier attempt makes the open one needless: its provider is to stop it."""
    if before.state not in STOPPABLE or before.attempt_id in (None, change.attempt_id):
        return False
    return change.state is DeliveryState.CONFIRMED or (
        change.state is DeliveryState.HEARD and before.priority is not Priority.EMERGENCY
    )


def is_good(change: Change) -> bool:
    """Whether a human has heard or answered: the reaches that the delivery serves are to be told."""
    return GOOD.get(change.state, 0) >= GOOD[DeliveryState.HEARD]


# --- taking them in ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of receipts set off. `urgent`: the most urgent lane that has new work, if any."""

    stops: Sequence[StopRequest] = ()
    urgent: Priority | None = None


class ReceiptStore(Protocol):
    async def apply(self, receipts: Sequence[Receipt], now: datetime, decider: Decider) -> Applied:
        """Store raw and apply, in one transaction. Repeats are dropped."""
        ...

    async def settle_due(self, now: datetime, n: int, decider: Decider) -> Applied: ...


_Pending = tuple[Sequence[Receipt], asyncio.Future[None]]


def _answer(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # its request was broken off
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        done.exception()  # whoever waits is still told; nobody may be waiting any more


class ReceiptBook:
    """Takes receipts in: whatever gathers during one commit goes into the next."""

    def __init__(
        self,
        store: ReceiptStore,
        clock: Clock,
        decider: Decider,
        on_applied: Callable[[Applied], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._decider = decider
        self._on_applied = on_applied
        self._pending: list[_Pending] = []
        self._lock = asyncio.Lock()

    async def take(self, receipts: Sequence[Receipt]) -> None:
        """Return when these receipts are durable and applied; raises what the commit raised."""
        if not receipts:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((receipts, done))
        async with self._lock:
            if not done.done():  # shielded: whose request is broken off must not break off the others'
                await asyncio.shield(asyncio.ensure_future(self._flush()))
        await done

    async def _flush(self) -> None:
        batch, self._pending = self._pending, []
        try:
            applied = await self._apply([receipt for receipts, _ in batch for receipt in receipts])
        except Exception as error:  # noqa: BLE001  (whoever waits is told)
            await self._one_by_one(batch, error)
            return
        for _, done in batch:
            _answer(done, None)
        self._told(applied)

    async def _one_by_one(self, batch: Sequence[_Pending], error: Exception) -> None:
        """What cannot be stored must not take along what came beside it."""
        for receipts, done in batch:
            if len(batch) == 1:
                _answer(done, error)
                return
            try:
                applied = await self._apply(receipts)
            except Exception as its_own:  # noqa: BLE001  (as above)
                _answer(done, its_own)
            else:
                _answer(done, None)
                self._told(applied)

    async def _apply(self, receipts: Sequence[Receipt]) -> Applied:
        with self._clock.working():
            return await self._store.apply(receipts, self._clock.now(), self._decider)

    async def settle_due(self) -> None:
        """Calls whose AMD verdict is overdue."""
        self._told(await self._store.settle_due(self._clock.now(), 500, self._decider))

    def _told(self, applied: Applied) -> None:
        if applied.urgent is not None or applied.stops:
            self._on_applied(applied)
