"""What one pump has on the wire: hand-overs under way, their answers, and what must not leave any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from broadcast.model import (
    AttemptId,
    BroadcastId,
    Deferred,
    DeliveryId,
    Message,
    Outcome,
    Reason,
    Unclear,
)
from broadcast.ports import Clock, Sender, Stoppable
from broadcast.work import Claimed, Finished, StopRequest

log = logging.getLogger(__name__)

Compose = Callable[[Claimed, AttemptId, datetime], Message]


class Wire:
    """Requests to one provider. `on_news` is called whenever an answer has come or a task has ended."""

    def __init__(self, sender: Sender, clock: Clock, compose: Compose, on_news: Callable[[], None]) -> None:
        self._sender = sender
        self._clock = clock
        self._compose = compose
        self._on_news = on_news
        self._finished: list[Finished] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._halted: set[BroadcastId] = set()
        self.messages = 0  # on the wire now

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and all that has come is taken."""
        return not self._tasks and not self._finished

    def halt(self, broadcast_id: BroadcastId) -> None:
        """Nothing of this broadcast leaves from here any more, begun or not."""
        self._halted.add(broadcast_id)

    def take_finished(self) -> list[Finished]:
        finished, self._finished = self._finished, []
        return finished

    def put_back(self, finished: Sequence[Finished]) -> None:
        """What could not be written: what a provider said must not be forgotten."""
        self._finished = [*finished, *self._finished]

    def send_off(
        self, begun: Sequence[Claimed], attempts: Mapping[DeliveryId, AttemptId], now: datetime
    ) -> None:
        """Hand these over, as many at once as the provider takes in one request."""
        size = self._sender.batch_size
        for start in range(0, len(begun), size):
            batch = begun[start : start + size]
            self.messages += len(batch)
            self._start(self._hand_over(batch, attempts, now))

    def ask_to_stop(self, stops: Sequence[StopRequest]) -> None:
        for stop in stops:
            self._start(self.stop(stop.reference))

    async def stop(self, reference: str) -> None:
        """Ask the provider to end a hand-over; its final receipt tells what came of it."""
        if isinstance(self._sender, Stoppable):
            with self._clock.working(), suppress(Exception):
                await self._sender.stop(reference)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_news()

    async def _hand_over(
        self, batch: Sequence[Claimed], attempts: Mapping[DeliveryId, AttemptId], now: datetime
    ) -> None:
        with self._clock.working():
            outcomes: Sequence[Outcome]
            try:
                outcomes = await self._outcomes(batch, attempts, now)
            except Exception as error:  # a bug of ours must not lose the batch: perhaps it was sent
                log.exception("send_failed", extra={"provider": self._sender.name, "size": len(batch)})
                outcomes = [Unclear(type(error).__name__)] * len(batch)
            finally:
                self.messages -= len(batch)
            for claimed, outcome in zip(batch, outcomes, strict=True):
                self._finished.append(Finished(claimed.id, attempts[claimed.id], outcome))
            self._on_news()

    async def _outcomes(
        self, batch: Sequence[Claimed], attempts: Mapping[DeliveryId, AttemptId], now: datetime
    ) -> Sequence[Outcome]:
        going = [claimed for claimed in batch if claimed.broadcast_id not in self._halted]
        messages = [self._compose(claimed, attempts[claimed.id], now) for claimed in going]
        answered = await self._sender.send(messages) if messages else []
        by_id = {claimed.id: outcome for claimed, outcome in zip(going, answered, strict=True)}
        return [by_id.get(claimed.id, Deferred(Reason.STOPPED)) for claimed in batch]
