"""Ticks that keep deliveries from being lost: leases that ran out, look-ups, polls, endings, missed lists."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from broadcast import policy, wording
from broadcast.model import (
    AttemptId,
    BroadcastId,
    DeliveryId,
    DeliveryState,
    Message,
    Outcome,
    Priority,
    Receipt,
    Unclear,
)
from broadcast.outcomes import Decider, unchanged
from broadcast.ports import Clock, LooksUp, Polled, Sender
from broadcast.work import (
    AttemptFacts,
    Change,
    Claimed,
    DeliveryFacts,
    Finished,
    Missed,
    OpenAttempt,
    StopRequest,
    UnsettledAttempt,
)

log = logging.getLogger(__name__)

BATCH = 500
POLL_AGAIN = timedelta(minutes=2)
Compose = Callable[[Claimed, AttemptId, datetime], Message]


class LeaseStore(Protocol):
    async def release_due(self, now: datetime, n: int) -> int: ...

    async def lost_leases(self, now: datetime, n: int) -> list[DeliveryId]: ...

    async def change(
        self, ids: Sequence[DeliveryId], now: datetime, decide: Callable[[DeliveryFacts], Change | None]
    ) -> None: ...

    async def unsettled(self, ids: Sequence[DeliveryId]) -> list[UnsettledAttempt]: ...

    async def open_attempts(self, ids: Sequence[DeliveryId]) -> list[OpenAttempt]: ...


class WriteBack(Protocol):
    async def turn_over(
        self,
        finished: Sequence[Finished],
        group: Sequence[DeliveryId],
        *,
        provider: str,
        owner: str,
        now: datetime,
        lease: timedelta,
        lane: Priority,
        decide: Callable[
            [DeliveryFacts, AttemptFacts, Finished, datetime], tuple[Change | None, AttemptFacts]
        ],
    ) -> tuple[dict[DeliveryId, AttemptId], list[StopRequest]]: ...


class Reaper:
    """What was claimed, sent or left unconfirmed and has run out of time."""

    def __init__(
        self,
        leases: LeaseStore,
        write_back: WriteBack,
        clock: Clock,
        decider: Decider,
        senders: Mapping[str, Sender],
        compose: Compose,
        take: Callable[[Sequence[Receipt]], Awaitable[None]],
    ) -> None:
        self._leases = leases
        self._write_back = write_back
        self._clock = clock
        self._decider = decider
        self._senders = senders
        self._compose = compose
        self._take = take

    async def release_due(self) -> int:
        """Held deliveries whose moment came go to the queue."""
        total = 0
        while True:
            moved = await self._leases.release_due(self._clock.now(), 10 * BATCH)
            total += moved
            if moved < 10 * BATCH:
                return total

    async def run_due(self) -> int:
        now = self._clock.now()
        ids = await self._leases.lost_leases(now, BATCH)
        if not ids:
            return 0
        polled = await self._poll(ids, now)

        def decide(facts: DeliveryFacts) -> Change | None:
            if facts.lease_until is None or facts.lease_until > now:
                return None  # renewed, or moved on, since the look
            if facts.id in polled and facts.state is DeliveryState.SENT:
                return unchanged(facts, lease_until=now + POLL_AGAIN)
            return self._decider.timed_out(facts, now)

        await self._leases.change(ids, now, decide)
        await self._settle(ids)
        return len(ids)

    async def _poll(self, ids: Sequence[DeliveryId], now: datetime) -> set[DeliveryId]:
        """Ask providers that tell only when asked; returns what is not to be given up yet."""
        waiting: set[DeliveryId] = set()
        asked: set[tuple[str, str]] = set()
        for one in await self._leases.open_attempts(ids):
            sender = self._senders.get(one.provider)
            if not isinstance(sender, Polled):
                continue
            if now < policy.gives_up(sender.channel, one.begun_at):
                waiting.add(one.delivery_id)
            if (one.provider, one.reference) not in asked:
                asked.add((one.provider, one.reference))
                await self._poll_one(sender, one)
        return waiting

    async def _poll_one(self, sender: Polled, one: OpenAttempt) -> None:
        try:
            receipts = await sender.poll(one.reference)
        except Exception:
            log.exception("poll_failed", extra={"provider": one.provider, "attempt": one.attempt_id})
            return
        await self._take(receipts)

    async def _settle(self, ids: Sequence[DeliveryId]) -> None:
        """Ask the providers what became of unconfirmed deliveries; who cannot be asked goes on without."""
        finished: list[Finished] = []
        unaskable: set[DeliveryId] = set()
        for one in await self._leases.unsettled(ids):
            sender = self._senders.get(one.provider)
            if isinstance(sender, LooksUp):
                finished.append(Finished(one.claimed.id, one.attempt_id, await self._look_up(sender, one)))
            else:
                unaskable.add(one.claimed.id)
        now = self._clock.now()
        if finished:
            await self._write_back.turn_over(
                finished,
                [],
                provider="",
                owner="",
                now=now,
                lease=timedelta(0),
                lane=Priority.ROUTINE,
                decide=self._decider.outcome,
            )

        def decide(facts: DeliveryFacts) -> Change | None:
            is_open = facts.state is DeliveryState.UNCONFIRMED
            return self._decider.cannot_look_up(facts) if is_open else None

        await self._leases.change(sorted(unaskable), now, decide)

    async def _look_up(self, sender: LooksUp, one: UnsettledAttempt) -> Outcome:
        try:
            return await sender.look_up(self._compose(one.claimed, one.attempt_id, one.begun_at))
        except Exception as error:
            log.exception("look_up_failed", extra={"provider": one.provider, "attempt": one.attempt_id})
            return Unclear(type(error).__name__)


class FinishStore(Protocol):
    async def finish_done(self, now: datetime, year: int) -> list[Missed]: ...

    async def tell_heads(self, missed: Sequence[tuple[Missed, str]], now: datetime) -> None: ...

    async def expire_due(self, now: datetime) -> list[tuple[BroadcastId, list[StopRequest]]]: ...


class Finisher:
    """Ends broadcasts: done when nobody is open any more, expired when their time is over."""

    def __init__(
        self,
        store: FinishStore,
        clock: Clock,
        zone: ZoneInfo,
        on_taken_back: Callable[[BroadcastId, Sequence[StopRequest]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._on_taken_back = on_taken_back

    async def run_due(self) -> int:
        """Returns how many heads are told of people nobody reached."""
        now = self._clock.now()
        for broadcast_id, stops in await self._store.expire_due(now):
            self._on_taken_back(broadcast_id, stops)
        missed = await self._store.finish_done(now, now.astimezone(self._zone).year)
        told = [(one, wording.missed_list(one.people, one.callback)) for one in missed]
        await self._store.tell_heads(told, now)
        return len(told)
