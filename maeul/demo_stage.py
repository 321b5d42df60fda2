"""The demo's stage: the served app on loopback with its carrier, a clock that jumps, and requests to both."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from broadcast.model import LIVE, BroadcastId
from broadcast.store.queries.trace import Trace, trace
from maeul.service import Served
from scheduler.clock import JumpClock

API = "/api/v1"
CARRIER = "/simulator/control"
LOOK_S = 0.1
ENDED = frozenset({"done", "cancelled", "recalled", "expired", "failed"})

Json = dict[str, Any]


class Surprise(Exception):
    """The service did not answer as the demo expects; the text says to what."""


class Hourglass(JumpClock):
    """A jumping clock that remembers in real seconds when each simulated moment was over."""

    def __init__(self, begin: datetime) -> None:
        super().__init__(begin)
        self._moments: list[datetime] = []
        self._left: list[float] = []

    def _jump(self, until: datetime | None) -> bool:
        before = self.now()
        has_jumped = super()._jump(until)
        if has_jumped:
            self._moments.append(before)
            self._left.append(time.monotonic())
        return has_jumped

    def real(self, moment: datetime) -> float:
        """The machine's monotonic time at which the clock went on from this moment."""
        index = bisect_right(self._moments, moment) - 1
        return self._left[max(index, 0)] if self._left else time.monotonic()


@dataclass
class Counts:
    """What the progress shows of one broadcast."""

    state: str = ""
    reaches: Mapping[str, int] = field(default_factory=dict)
    deliveries: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        return self.state in ENDED and not any(self.deliveries.get(state) for state in LIVE)


class Stage:
    """What the demo does, as requests with a token. The clock stands still during each."""

    def __init__(self, served: Served, clock: Hourglass, http: aiohttp.ClientSession) -> None:
        self.served = served
        self.clock = clock
        self._http = http

    async def ask(
        self,
        method: str,
        path: str,
        token: str = "",
        *,
        json: object = None,
        data: aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The answer's JSON. Raises Surprise for anything but success."""
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        with self.clock.working():
            async with self._http.request(
                method, self.served.url + path, json=json, data=data, headers=sent
            ) as answer:
                if answer.status >= 400:
                    raise Surprise(f"{method} {path}: {answer.status} {(await answer.text())[:300]}")
                found: Json = await answer.json()
                return found

    async def counts(self, id: BroadcastId, token: str) -> Counts:
        seen = await self.ask("GET", f"{API}/broadcasts/{id}", token)
        return Counts(seen["state"], seen["reaches"], seen["deliveries"])

    async def traced(self, id: BroadcastId) -> Trace:
        return await trace(self.served.maeul.database, self.served.maeul.vault, id)

    async def witness(self) -> list[Json]:
        """The carrier's log of requests that took effect, in their order."""
        return list((await self.ask("GET", f"{CARRIER}/log"))["entries"])

    async def pass_until(self, moment: datetime) -> None:
        """Let the time go on to this moment, with all that happens until then."""
        running = asyncio.create_task(self.clock.run(until=moment))
        try:
            await self.clock.sleep_until(moment)
        finally:
            await _ended(running)
        await self.clock.quiet()

    async def until_settled(
        self,
        ids: Sequence[BroadcastId],
        token: str,
        *,
        latest: datetime,
        look: Callable[[BroadcastId, Counts], None],
    ) -> None:
        """Let the time go on until nothing of these broadcasts is under way, at most to `latest`."""
        passing = asyncio.create_task(self.pass_until(latest))
        try:
            while not passing.done():
                await asyncio.sleep(LOOK_S)
                found = {id: await self.counts(id, token) for id in ids}
                for id, counts in found.items():
                    look(id, counts)
                if all(counts.is_settled for counts in found.values()):
                    break
        finally:
            await _ended(passing)
        await self.clock.quiet()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
