"""Clocks: the system's, kept monotonic, and one that jumps to the next event when nothing is going on."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Wall time at the start plus monotonic time since, so that a clock set back never turns time back."""

    def __init__(self) -> None:
        self._began_at = datetime.now(UTC)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    async def sleep_until(self, moment: datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110  (no event: time passes)
            await asyncio.sleep(min(left, 3600.0))

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()


QUIET_S = 0.002  # real seconds without any work, and then
QUIET_TURNS = 8  # turns of the loop without any, before the clock jumps: work hands over to work within fewer


class JumpClock:
    """Stands still while anybody works, jumps to the next sleeper's moment when all sleep.

    For the demo, stories and drills: hours pass in the time that the work itself takes.
    """

    def __init__(self, begin: datetime) -> None:
        self._now = begin
        self._busy = 0
        self._changes = 0  # of who works
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self._now:
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._numbers), awake))
        self._changed.set()
        await awake

    @contextmanager
    def working(self) -> Iterator[None]:
        self._busy += 1
        self._changes += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._changes += 1
            self._changed.set()

    async def run(self, until: datetime | None = None) -> None:
        """Jump whenever all is quiet, until cancelled or `until` is reached."""
        while until is None or self._now < until:
            if not await self.step(until):
                self._changed.clear()
                await self._changed.wait()

    async def step(self, until: datetime | None = None) -> bool:
        """Jump once, as soon as all is quiet; False if nobody sleeps."""
        await self.quiet()
        return self._jump(until)

    async def quiet(self) -> None:
        """Return when nobody works and nobody is about to."""
        while True:
            changes = self._changes
            await asyncio.sleep(QUIET_S)
            for _ in range(QUIET_TURNS):
                await asyncio.sleep(0)
            if not self._busy and changes == self._changes:
                return

    def _jump(self, until: datetime | None) -> bool:
        """Wake all whose moment is the next one; False if nobody sleeps."""
        self._drop_gone()
        if not self._sleepers:
            return False
        self._now = max(self._now, self._sleepers[0][0])
        if until is not None:
            self._now = min(self._now, until)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            awake = heapq.heappop(self._sleepers)[2]
            if not awake.done():
                awake.set_result(None)
        return True

    def _drop_gone(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
