"""A clock that stands still until the test lets it run, and then jumps from one waiting moment to the next."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # ten in the morning in Korea
ROUNDS = 6  # turns of the loop without work, after which nothing is under way


class JumpingClock:
    def __init__(self) -> None:
        self._now = START
        self._workers = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._now

    @property
    def elapsed_s(self) -> float:
        return (self._now - START).total_seconds()

    async def sleep_until(self, moment: datetime) -> None:
        if moment > self._now:
            sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._sleepers, (moment, next(self._order), sleeper))
            await sleeper

    def working(self) -> AbstractContextManager[None]:
        return self._work()

    @contextmanager
    def _work(self) -> Iterator[None]:
        self._workers += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._workers -= 1
            if not self._workers:
                self._quiet.set()

    async def run_for(self, seconds: float) -> None:
        """Let this much time pass, with all that happens in it."""
        target = self._now + timedelta(seconds=seconds)
        while await self._jump(target):
            pass
        self._now = target

    async def run_out(self) -> None:
        """Let time pass until nobody waits for anything any more."""
        while await self._jump(datetime.max.replace(tzinfo=UTC)):
            pass

    async def _jump(self, limit: datetime) -> bool:
        await self._until_idle()
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers or self._sleepers[0][0] > limit:
            return False
        moment, _, sleeper = heapq.heappop(self._sleepers)
        self._now = max(self._now, moment)
        sleeper.set_result(None)
        return True

    async def _until_idle(self) -> None:
        rounds = 0
        while rounds < ROUNDS:
            await self._quiet.wait()
            await asyncio.sleep(0)
            rounds = 0 if self._workers else rounds + 1
