"""Work that keeps a shared clock from jumping while it is busy and lets it jump while it waits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta

from broadcast.ports import Clock
from channels.simulator.signals import Signal

log = logging.getLogger(__name__)


class Work:
    """One thing in progress. It holds `clock.working()` from its creation on, but for `until` and `sleep`.

    Every hand-over (spawned, told, woken) takes the hold before anybody else can run, so that there is no
    moment at which something is about to happen and the clock believes all to be idle.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holding: AbstractContextManager[None] | None = None
        self._inbox: deque[Signal] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self.hold()

    def hold(self) -> None:
        if self._holding is None:
            self._holding = self._clock.working()
            self._holding.__enter__()

    def release(self) -> None:
        if self._holding is not None:
            holding, self._holding = self._holding, None
            holding.__exit__(None, None, None)

    def now(self) -> datetime:
        return self._clock.now()

    def after(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    def tell(self, signal: Signal) -> None:
        """Something happened from outside; wakes an `until`."""
        self._inbox.append(signal)
        if self._waiting is not None and not self._waiting.done():
            self.hold()
            self._waiting.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait whatever happens."""
        moment = self.after(seconds)
        if seconds <= 0:
            return
        self.release()
        try:
            await self._clock.sleep_until(moment)
        finally:
            self.hold()

    async def until(self, moment: datetime) -> Signal | None:
        """The next signal, or None once the moment has come."""
        if not self._inbox and moment > self.now():
            await self._wait(moment)
        return self._inbox.popleft() if self._inbox else None

    async def _wait(self, moment: datetime) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        alarm = asyncio.create_task(self._alarm(moment, self._waiting))
        try:
            await self._waiting
        finally:
            self._waiting = None
            alarm.cancel()
            with suppress(asyncio.CancelledError):
                await alarm

    async def _alarm(self, moment: datetime, waiting: asyncio.Future[None]) -> None:
        self.release()
        try:
            await self._clock.sleep_until(moment)
        finally:
            self.hold()
        if not waiting.done():
            waiting.set_result(None)


class Works:
    """All that is in progress in one simulator."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_progress(self) -> int:
        return len(self._tasks)

    def new(self) -> Work:
        return Work(self.clock)

    def start(self, work: Work, job: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(lambda done: self._ended(done, work))

    async def idle(self) -> None:
        """Return once nothing is in progress, not even waiting."""
        await self._idle.wait()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None], work: Work) -> None:
        self._tasks.discard(task)
        work.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Only the kind of error: its text could hold an address.
            log.error("simulator_work_failed", extra={"error": type(error).__name__}, exc_info=error)
        if not self._tasks:
            self._idle.set()
