"""The dispatcher of one channel: keeps a small buffer full, begins durably, sends, writes back together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from broadcast import policy
from broadcast.buffer import Buffer
from broadcast.lifecycle import DeliveryEvent
from broadcast.model import (
    Accepted,
    AttemptId,
    BroadcastId,
    Channel,
    DeliveryId,
    Priority,
)
from broadcast.outcomes import Decider
from broadcast.ports import Clock, Sender
from broadcast.wire import Compose, Wire
from broadcast.work import (
    AttemptFacts,
    Change,
    Claimed,
    DeliveryFacts,
    Finished,
    NotBegun,
    TurnedOver,
)

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
        rings_since: datetime | None = None,
        more: tuple[Channel, int] | None = None,
    ) -> TurnedOver: ...

    async def why_not_begun(
        self, ids: Sequence[DeliveryId], owner: str, now: datetime, rings_since: datetime
    ) -> dict[DeliveryId, NotBegun]: ...

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
    """How much a pump takes on. `reserved` of the `concurrency` is kept for emergencies.

    Up to three groups are on the wire at once: a turn-over takes as long as the busy event loop needs for one.
    """

    concurrency: int = 512
    reserved: int = 128
    group: int = 128
    buffer: int = 512
    lease: timedelta = timedelta(seconds=60)
    lines: int | None = None  # telephone lines for outbound calls; None: not a telephone channel


class Pump:
    """Moves one channel's deliveries from the tables to one provider.

    `wake` may be called at any time from the event loop; it is level-triggered. `halt` keeps a recalled
    broadcast from leaving this process between its begin and its request. `on_later` is called when
    something was put off to a moment that somebody else must watch for.
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
        self.on_later: Callable[[], None] = lambda: None
        self._store = store
        self._clock = clock
        self._decider = decider
        self._owner = f"{owner}/{sender.name}"
        self._limits = limits
        self._news = asyncio.Event()
        self._buffer = Buffer()
        self._wire = Wire(sender, clock, compose, self._news.set)
        self._may_have_more = True
        self._urgent = True
        self._draining = False

    def wake(self, priority: Priority = Priority.ROUTINE) -> None:
        self._may_have_more = True
        self._urgent = self._urgent or priority is Priority.EMERGENCY
        self._news.set()

    def halt(self, broadcast_id: BroadcastId) -> None:
        self._wire.halt(broadcast_id)

    async def stop(self, reference: str) -> None:
        """Ask the provider to end a hand-over; its final receipt tells what came of it."""
        await self._wire.stop(reference)

    def drain(self) -> None:
        """Take on nothing more; `run` returns once all that is on the wire is written back."""
        self._draining = True
        self._news.set()

    async def run(self) -> None:
        """Work until drained; begun again after a failure, it looks at everything anew."""
        self._may_have_more = self._urgent = True
        while not self._is_drained:
            with self._clock.working():
                progressed = await self._step()
            if not progressed and not self._is_drained:
                await self._news.wait()
                self._news.clear()
        await self._release_buffer()

    @property
    def _is_drained(self) -> bool:
        return self._draining and self._wire.is_idle

    async def _step(self) -> bool:
        """Refill, then one turn-over; False if there was nothing to do."""
        self._buffer.forget(self._clock.now())
        lines = await self._free_lines()
        await self._refill(lines)
        group = self._buffer.take(self._room(lines))
        finished = self._wire.take_finished()
        if not group and not finished:
            return False
        now = self._clock.now()
        try:
            going = await self._ripe(group, now)
            left = None if lines is None else max(lines - len(going), 0)
            attempts = await self._turn_over(finished, going, now, self._wanted(left))
        except Exception:
            self._wire.put_back(finished)
            self._buffer.put(group, now + self._limits.lease)
            raise
        self._wire.send_off([claimed for claimed in going if claimed.id in attempts], attempts, now)
        await self._settle_not_begun([claimed for claimed in going if claimed.id not in attempts], now)
        if len(going) < len(group) or any(not isinstance(one.outcome, Accepted) for one in finished):
            self.on_later()
        return True

    async def _turn_over(
        self, finished: Sequence[Finished], group: Sequence[Claimed], now: datetime, wanted: int
    ) -> dict[DeliveryId, AttemptId]:
        """Write back, begin, and claim `wanted` more on the way; returns the attempts of what was begun."""
        turned = await self._store.turn_over(
            finished,
            [claimed.id for claimed in group],
            provider=self.sender.name,
            owner=self._owner,
            now=now,
            lease=self._limits.lease,
            lane=min((claimed.priority for claimed in group), default=Priority.ROUTINE),
            decide=self._decider.outcome,
            rings_since=policy.today(now, self._decider.zone) if self._rings else None,
            more=(self.sender.channel, wanted) if wanted else None,
        )
        self._take_on(turned.claimed, wanted, now)
        self._wire.ask_to_stop(turned.stops)
        return turned.attempts

    # --- taking on --------------------------------------------------------------------------------

    @property
    def _rings(self) -> bool:
        return self.sender.channel is Channel.VOICE

    async def _free_lines(self) -> int | None:
        """Telephone lines not in use by any worker; None where there are no lines to count."""
        if self._limits.lines is None:
            return None
        return max(self._limits.lines - await self._store.open_calls(), 0)

    async def _refill(self, lines: int | None) -> None:
        """Claim what cannot wait for the next turn-over: emergencies, and anything where nothing is at hand."""
        if self._draining or lines == 0:
            return
        if self._urgent:  # put down first: a wake-up may come during the claim
            self._urgent = False
            await self._claim(Priority.EMERGENCY, self._most(self._limits.buffer, lines))
        if not self._buffer and (wanted := self._wanted(lines)):
            await self._claim(Priority.ROUTINE, wanted)

    def _wanted(self, lines: int | None) -> int:
        """How many to claim: just in time, so that what cannot go out soon waits in the table, where an
        emergency overtakes it. 0 where nothing is known to wait; asked for once."""
        lines = self._lines_for(Priority.ROUTINE, lines)
        is_low = len(self._buffer) <= self._limits.buffer // 2
        if self._draining or lines == 0 or not self._may_have_more or not is_low:
            return 0
        self._may_have_more = False
        return self._most(self._limits.buffer - len(self._buffer), lines)

    def _most(self, room: int, lines: int | None) -> int:
        return room if lines is None else max(min(room, lines - len(self._buffer)), 1)

    async def _claim(self, lane: Priority, wanted: int) -> None:
        """Claim this lane and those above it."""
        now = self._clock.now()
        claimed = await self._store.claim(
            self.sender.channel, wanted, self._owner, now, self._limits.lease, lane
        )
        self._buffer.put(claimed, now + self._limits.lease)
        self._may_have_more |= lane is Priority.ROUTINE and len(claimed) >= wanted

    def _take_on(self, claimed: Sequence[Claimed], wanted: int, now: datetime) -> None:
        self._buffer.put(claimed, now + self._limits.lease)
        self._may_have_more |= 0 < wanted <= len(claimed)

    def _room(self, lines: int | None) -> int:
        """How many messages may be begun now."""
        lane = self._buffer.lane
        if lane is None or self._draining:
            return 0
        reserved = 0 if lane is Priority.EMERGENCY else self._limits.reserved
        size = self.sender.batch_size
        free = (self._limits.concurrency - reserved) * size - self._wire.messages
        lines = self._lines_for(lane, lines)
        free = free if lines is None else min(free, lines)
        return max(min(free, max(self._limits.group // size, 1) * size), 0)  # whole requests

    def _lines_for(self, lane: Priority, lines: int | None) -> int | None:
        """Of the free lines, those that this lane may use: an emergency finds some free in any crowd."""
        if lines is None or lane is Priority.EMERGENCY:
            return lines
        kept = (self._limits.lines or 0) * self._limits.reserved // self._limits.concurrency
        return max(lines - kept, 0)

    # --- what was not begun -----------------------------------------------------------------------

    async def _ripe(self, group: Sequence[Claimed], now: datetime) -> list[Claimed]:
        """The group without those whose quiet hours have begun meanwhile; they are held, never dropped."""
        until = {claimed.id: self._decider.quiet_until(claimed, now) for claimed in group}
        late = [claimed.id for claimed in group if until[claimed.id] > now]
        if late:

            def decide(facts: DeliveryFacts) -> Change | None:
                return self._decider.postponed(facts, until[facts.id])

            await self._store.change_claimed(late, self._owner, now, decide)
        return [claimed for claimed in group if claimed.id not in late]

    async def _settle_not_begun(self, left: Sequence[Claimed], now: datetime) -> None:
        if not left:
            return
        why = await self._store.why_not_begun(
            [claimed.id for claimed in left], self._owner, now, policy.today(now, self._decider.zone)
        )

        def decide(facts: DeliveryFacts) -> Change | None:
            return self._decider.not_begun(facts, why[facts.id], now)

        await self._store.change_claimed(list(why), self._owner, now, decide)
        self.wake()
        self.on_later()

    async def _release_buffer(self) -> None:
        released = NotBegun(DeliveryEvent.RELEASED)

        def decide(facts: DeliveryFacts) -> Change | None:
            return self._decider.not_begun(facts, released, self._clock.now())

        await self._store.change_claimed(self._buffer.clear(), self._owner, self._clock.now(), decide)
