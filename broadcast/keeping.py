"""Ticks that keep deliveries from being lost: leases that ran out, look-ups, polls, endings, missed lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from broadcast import policy, wording
from broadcast.inquiries import Inquiries, InquiryStore, WriteBack
from broadcast.model import BroadcastId, DeliveryId, DeliveryState, Receipt
from broadcast.outcomes import Decider, unchanged
from broadcast.ports import Clock, Sender
from broadcast.wire import Compose
from broadcast.work import Change, DeliveryFacts, Missed, OpenAttempt, StopRequest

BATCH = 500
POLL_AGAIN = timedelta(minutes=2)


class LeaseStore(InquiryStore, Protocol):
    async def release_due(self, now: datetime, n: int) -> int: ...

    async def lost_leases(self, now: datetime, n: int) -> list[DeliveryId]: ...

    async def open_attempts(self, ids: Sequence[DeliveryId]) -> list[OpenAttempt]: ...


class Reaper:
    """What was claimed, sent or left unconfirmed and has run out of time.

    Its ticks only read and write tables; what providers are to be asked they note in `inquiries`.
    """

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
        self._clock = clock
        self._decider = decider
        self.inquiries = Inquiries(leases, write_back, clock, decider, senders, compose, take)

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
        taken = await self._leases.open_attempts(ids)
        again = {one.delivery_id: moment for one in taken if (moment := self._look_again(one, now)) > now}
        unconfirmed: list[DeliveryId] = []

        def decide(facts: DeliveryFacts) -> Change | None:
            if facts.lease_until is None or facts.lease_until > now:
                return None  # renewed, or moved on, since the look
            if facts.id in again and facts.state is DeliveryState.SENT:
                return unchanged(facts, lease_until=again[facts.id])
            change = self._decider.timed_out(facts, now)
            if change is not None and change.state is DeliveryState.UNCONFIRMED:
                unconfirmed.append(facts.id)
            return change

        await self._leases.change(ids, now, decide)
        polled = [one for one in taken if one.delivery_id in again and self.inquiries.is_polled(one.provider)]
        self.inquiries.note(unconfirmed, polled)
        return len(ids)

    def _look_again(self, one: OpenAttempt, now: datetime) -> datetime:
        """When what the provider has is given up; until then who tells only when asked is asked now and then."""
        until = policy.gives_up(one.channel, one.begun_at)
        return min(until, now + POLL_AGAIN) if self.inquiries.is_polled(one.provider) else until


class FinishStore(Protocol):
    async def finish_done(self, now: datetime, year: int, words: Callable[[Missed], str]) -> int: ...

    async def expire_due(
        self, now: datetime, year: int, words: Callable[[Missed], str]
    ) -> Sequence[tuple[BroadcastId, Sequence[StopRequest]]]: ...


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
        """Returns how many broadcasts expired and heads are told: whether there is something to send."""
        now = self._clock.now()
        year = now.astimezone(self._zone).year
        ended = await self._store.expire_due(now, year, _words)
        for broadcast_id, stops in ended:
            self._on_taken_back(broadcast_id, stops)
        return len(ended) + await self._store.finish_done(now, year, _words)


def _words(one: Missed) -> str:
    return wording.missed_list(one.people, one.callback)
