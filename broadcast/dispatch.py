"""The dispatcher of one channel: keeps a small buffer full, begins durably, sends, writes back together."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from broadcast.lifecycle import DeliveryEvent
from broadcast.model import (
    AttemptId,
    BroadcastId,
    Channel,
    Deferred,
    DeliveryId,
    Message,
    Outcome,
    Priority,
    Reason,
    Unclear,
)
from broadcast.outcomes import Decider
from broadcast.ports import Clock, Sender, Stoppable
from broadcast.work import (
    AttemptFacts,
    Change,
    Claimed,
    DeliveryFacts,
    Finished,
    StopRequest,
)

log = logging.getLogger(__name__)

Decide = Callable[[DeliveryFacts, AttemptFacts, Finished, datetime], tuple[Change | None, AttemptFacts]]


class DispatchStore(Protocol):
    """What a pump asks of the tables."""

    async def claim(
        self, channel: Channel, n: int, owner: str, now: datetime, lease: timedelta, lane: Priority
    ) -> list[Claimed]: ...

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
        decide: Decide,
    ) -> tuple[dict[DeliveryId, AttemptId], list[StopRequest]]: ...

    async def why_not_begun(
        self, ids: Sequence[DeliveryId], owner: str, now: datetime
    ) -> dict[DeliveryId, DeliveryEvent]: ...

    async def change_claimed(
        self,
        ids: Sequence[DeliveryId],
        owner: str,
        now: datetime,
        decide: Callable[[DeliveryFacts], Change | None],
    ) -> None: ...

    async def open_calls(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a pump takes on. `reserved` of the `concurrency` is kept for emergencies."""

    concurrency: int = 40
    reserved: int = 10
    group: int = 64
    buffer: int = 200
    lease: timedelta = timedelta(seconds=60)
    lines: int | None = None  # telephone lines for outbound calls; None: not a telephone channel


Compose = Callable[[Claimed, AttemptId, datetime], Message]


class Pump:
    """Moves one channel's deliveries from the tables to one provider.

    `wake` may be called at any time from the event loop; it is level-triggered. `halt` keeps a recalled
    broadcast from leaving this process between its begin and its request.
    """

    def __init__(
        self,
        sender: Sender,
        store: DispatchStore,
        clock: Clock,
        decider: Decider,
        compose: Compose,
        owner: str,
        limits: Limits = Limits(),
    ) -> None:
        self.sender = sender
        self._store = store
        self._clock = clock
        self._decider = decider
        self._compose = compose
        self._owner = f"{owner}/{sender.name}"
        self._limits = limits
        self._news = asyncio.Event()
        self._buffer: list[tuple[int, int, int, Claimed]] = []
        self._finished: list[Finished] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._busy_messages = 0
        self._halted: set[BroadcastId] = set()
        self._may_have_more = True
        self._urgent = False
        self._draining = False

    def wake(self, priority: Priority = Priority.ROUTINE) -> None:
        self._may_have_more = True
        self._urgent = self._urgent or priority is Priority.EMERGENCY
        self._news.set()

    def halt(self, broadcast_id: BroadcastId) -> None:
        self._halted.add(broadcast_id)

    def drain(self) -> None:
        """Take on nothing more; `run` returns once all that is on the wire is written back."""
        self._draining = True
        self._news.set()

    async def run(self) -> None:
        """Work until drained."""
        while not (self._draining and not self._in_flight and not self._finished):
            with self._clock.working():
                progressed = await self._step()
            if not progressed and not (self._draining and not self._in_flight):
                await self._news.wait()
                self._news.clear()
        await self._release_buffer()

    async def _step(self) -> bool:
        """Refill, then one turn-over; False if there was nothing to do."""
        lines = await self._free_lines()
        await self._refill(lines)
        group = await self._ripe(self._next_group(self._free(lines)))
        finished, self._finished = self._finished, []
        if not group and not finished:
            return False
        now = self._clock.now()
        lane = min((claimed.priority for claimed in group), default=Priority.ROUTINE)
        try:
            attempts, stops = await self._store.turn_over(
                finished,
                [claimed.id for claimed in group],
                provider=self.sender.name,
                owner=self._owner,
                now=now,
                lease=self._limits.lease,
                lane=lane,
                decide=self._decider.outcome,
            )
        except Exception:
            self._finished = finished + self._finished  # what the provider said must not be forgotten
            raise
        self._send_off(group, attempts, now)
        self._ask_to_stop(stops)
        await self._settle_not_begun([claimed for claimed in group if claimed.id not in attempts], now)
        return True

    # --- taking on --------------------------------------------------------------------------------

    async def _free_lines(self) -> int | None:
        """Telephone lines not in use by any worker; None where there are no lines to count."""
        if self._limits.lines is None:
            return None
        return max(self._limits.lines - await self._store.open_calls(), 0)

    async def _refill(self, lines: int | None) -> None:
        """Claim just in time: what cannot go out soon stays in the table, where an emergency overtakes it."""
        if self._draining or lines == 0:
            return
        if self._urgent:
            self._urgent = False
            await self._claim(Priority.EMERGENCY, self._limits.buffer, lines)
        if self._may_have_more and len(self._buffer) <= self._limits.buffer // 2:
            self._may_have_more = False
            room = self._limits.buffer - len(self._buffer)
            if await self._claim(Priority.ROUTINE, room, lines):
                self._may_have_more = True

    async def _claim(self, lane: Priority, room: int, lines: int | None) -> bool:
        """Claim this lane and those above it; True if there may be more."""
        wanted = room if lines is None else max(min(room, lines - len(self._buffer)), 1)
        claimed = await self._store.claim(
            self.sender.channel, wanted, self._owner, self._clock.now(), self._limits.lease, lane
        )
        for one in claimed:
            heapq.heappush(self._buffer, (int(one.priority), one.turn, int(one.id), one))
        return len(claimed) >= wanted

    def _free(self, lines: int | None) -> int:
        """How many messages may be begun now."""
        if not self._buffer or self._draining:
            return 0
        is_emergency = self._buffer[0][0] == Priority.EMERGENCY
        reserved = 0 if is_emergency else self._limits.reserved
        free = (self._limits.concurrency - reserved) * self.sender.batch_size - self._busy_messages
        return max(free if lines is None else min(free, lines), 0)

    async def _ripe(self, group: list[Claimed]) -> list[Claimed]:
        """The group without those whose quiet hours have begun meanwhile; they are held, never dropped."""
        now = self._clock.now()
        until = {claimed.id: self._decider.quiet_until(claimed, now) for claimed in group}
        late = [claimed.id for claimed in group if until[claimed.id] > now]
        if late:

            def decide(facts: DeliveryFacts) -> Change | None:
                return self._decider.postponed(facts, until[facts.id])

            await self._store.change_claimed(late, self._owner, now, decide)
        return [claimed for claimed in group if claimed.id not in late]

    def _next_group(self, free: int) -> list[Claimed]:
        most = min(free, max(self._limits.group, self.sender.batch_size))
        group: list[Claimed] = []
        while self._buffer and len(group) < most:
            if group and group[0].priority is Priority.EMERGENCY and self._buffer[0][0] != Priority.EMERGENCY:
                break  # an emergency's group is not made larger by what can wait
            group.append(heapq.heappop(self._buffer)[3])
        return group

    # --- sending ----------------------------------------------------------------------------------

    def _send_off(
        self, group: Sequence[Claimed], attempts: dict[DeliveryId, AttemptId], now: datetime
    ) -> None:
        begun = [claimed for claimed in group if claimed.id in attempts]
        size = self.sender.batch_size
        for start in range(0, len(begun), size):
            batch = begun[start : start + size]
            self._busy_messages += len(batch)
            task = asyncio.create_task(self._hand_over(batch, attempts, now))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _hand_over(
        self, batch: Sequence[Claimed], attempts: dict[DeliveryId, AttemptId], now: datetime
    ) -> None:
        with self._clock.working():
            outcomes: Sequence[Outcome]
            try:
                outcomes = await self._outcomes(batch, attempts, now)
            except Exception as error:  # a bug of ours must not lose the batch: perhaps it was sent
                log.exception("send_failed", extra={"provider": self.sender.name, "size": len(batch)})
                outcomes = [Unclear(type(error).__name__)] * len(batch)
            finally:
                self._busy_messages -= len(batch)
            for claimed, outcome in zip(batch, outcomes, strict=True):
                self._finished.append(Finished(claimed.id, attempts[claimed.id], outcome))
            self._news.set()

    async def _outcomes(
        self, batch: Sequence[Claimed], attempts: dict[DeliveryId, AttemptId], now: datetime
    ) -> Sequence[Outcome]:
        going = [claimed for claimed in batch if claimed.broadcast_id not in self._halted]
        messages = [self._compose(claimed, attempts[claimed.id], now) for claimed in going]
        answered = await self.sender.send(messages) if messages else []
        by_id = {claimed.id: outcome for claimed, outcome in zip(going, answered, strict=True)}
        return [by_id.get(claimed.id, Deferred(Reason.STOPPED)) for claimed in batch]

    def _ask_to_stop(self, stops: Sequence[StopRequest]) -> None:
        for stop in stops:
            task = asyncio.create_task(self.stop(stop.reference))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def stop(self, reference: str) -> None:
        """Ask the provider to end a hand-over; its final receipt tells what came of it."""
        if isinstance(self.sender, Stoppable):
            with self._clock.working(), suppress(Exception):
                await self.sender.stop(reference)

    # --- what was not begun -----------------------------------------------------------------------

    async def _settle_not_begun(self, left: Sequence[Claimed], now: datetime) -> None:
        if not left:
            return
        events = await self._store.why_not_begun([claimed.id for claimed in left], self._owner, now)

        def decide(facts: DeliveryFacts) -> Change | None:
            return self._decider.not_begun(facts, events[facts.id], now)

        await self._store.change_claimed(list(events), self._owner, now, decide)
        self.wake()

    async def _release_buffer(self) -> None:
        ids = [claimed.id for *_, claimed in self._buffer]
        self._buffer.clear()

        def decide(facts: DeliveryFacts) -> Change | None:
            return self._decider.not_begun(facts, DeliveryEvent.RELEASED, self._clock.now())

        await self._store.change_claimed(ids, self._owner, self._clock.now(), decide)
