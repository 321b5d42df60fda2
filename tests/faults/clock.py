"""One clock for several processes: the machine's time, moved on by whoever holds the shared file."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import mmap
import struct
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOK_S = 0.02
SIZE = 8


class SharedClock:
    """Time runs at its usual pace and jumps when `move_to` is called in any process that has the file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(SIZE))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), SIZE)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        (ahead_us,) = struct.unpack("<q", self._shared[:SIZE])
        return datetime.now(UTC) + timedelta(microseconds=ahead_us)

    def move_to(self, moment: datetime) -> None:
        """Never back: all processes see time go forwards only."""
        if moment <= self.now():
            return
        ahead = moment - datetime.now(UTC)
        self._shared[:SIZE] = struct.pack("<q", ahead // timedelta(microseconds=1))

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self.now():
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._numbers), awake))
        if self._alarm is None or self._alarm.done():
            self._alarm = asyncio.create_task(self._wake())
        await awake

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def _wake(self) -> None:
        """One look at the shared time for all sleepers of this process."""
        while self._sleepers:
            left = (self._sleepers[0][0] - self.now()).total_seconds()
            if left > 0:
                await asyncio.sleep(min(left, LOOK_S))
                continue
            awake = heapq.heappop(self._sleepers)[2]
            if not awake.done():
                awake.set_result(None)
