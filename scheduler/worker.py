"""The worker: pumps, renderer and ticks of one process, each restarted when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Literal, Protocol

from broadcast.dispatch import Pump
from broadcast.inquiries import Inquiries
from broadcast.model import Priority
from broadcast.ports import Clock
from broadcast.render import Renderer
from broadcast.wiring import Maeul
from scheduler.housekeeping import chores, housekeeping
from scheduler.ticks import Tick

log = logging.getLogger(__name__)

RESTART_S = 1.0
BREATH_S = 0.005  # what is due but another loop's to do must not spin this one
SAFETY_S = 30.0  # the slow poll behind every wake-up; of the machine's time, so that jumps skip no polls


class Moments(Protocol):
    async def next_moment(self) -> datetime | None: ...


class Worker:
    """Runs everything that is not an HTTP request. `wake` says that something may have become due."""

    def __init__(
        self,
        clock: Clock,
        pumps: Sequence[Pump],
        renderer: Renderer,
        ticks: Sequence[Tick],
        moments: Moments,
        warm: Callable[[], Awaitable[None]] | None = None,
        inquiries: Inquiries | None = None,
    ) -> None:
        self._clock = clock
        self._pumps = pumps
        self._renderer = renderer
        self._loops: dict[str, list[Tick]] = {}
        for tick in ticks:
            self._loops.setdefault(tick.loop, []).append(tick)
        self._moments = moments
        self._warm = warm
        self._inquiries = inquiries
        self._news = {loop: asyncio.Event() for loop in self._loops}
        for pump in pumps:
            pump.on_later = self._look_at_moments

    def wake(self, priority: Priority = Priority.ROUTINE) -> None:
        """Level-triggered: from the event loop, as often as one likes."""
        self._look_at_moments()
        self._renderer.wake()
        for pump in self._pumps:
            pump.wake(priority)

    def _look_at_moments(self) -> None:
        """A pump has put something off: the ticks' next moment may be nearer than they know."""
        for news in self._news.values():
            news.set()

    def _wake_pumps(self) -> None:
        """A tick made work of some lane: the emergency lane is looked into first."""
        for pump in self._pumps:
            pump.wake(Priority.EMERGENCY)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work inside the block; drained at its end: what is on the wire is written back first."""
        loops = [asyncio.create_task(self._kept_up(loop, partial(self._tick, loop))) for loop in self._loops]
        loops.append(asyncio.create_task(self._kept_up("renderer", self._renderer.run)))
        if self._warm is not None:
            loops.append(asyncio.create_task(self._kept_up("warm", self._warm)))
        if self._inquiries is not None:
            ask = partial(self._inquire, self._inquiries)
            loops.append(asyncio.create_task(self._kept_up("inquiries", ask)))
        pumps = [asyncio.create_task(self._kept_up(p.sender.name, p.run)) for p in self._pumps]
        self.wake(Priority.ROUTINE)
        try:
            yield
        finally:
            for task in loops:
                task.cancel()
            for pump in self._pumps:
                pump.drain()
            await asyncio.wait(pumps, timeout=20) if pumps else None
            for task in pumps:
                task.cancel()
            for task in (*loops, *pumps):
                with suppress(asyncio.CancelledError):
                    await task

    async def _kept_up(self, loop: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run until it returns; what fails is logged and begun again, never given up."""
        while True:
            try:
                await run()
                return
            except Exception:
                log.exception("loop_failed", extra={"loop": loop})
                await self._pause()

    async def _pause(self) -> None:
        """Before something that failed is begun again; a clock that jumps waits for it."""
        with self._clock.working():
            await asyncio.sleep(RESTART_S)

    async def _tick(self, loop: str) -> None:
        news = self._news[loop]
        while True:
            news.clear()
            with self._clock.working():
                passes = [await self._pass(tick) for tick in self._loops[loop]]
                if any(passes):
                    self._wake_pumps()
                upcoming = await self._moments.next_moment()
            if None in passes:
                await self._pause()
            else:
                await self._until(upcoming, news)

    @staticmethod
    async def _pass(tick: Tick) -> bool | None:
        """Whether there may be work to send; None if it failed, which does not keep the others from theirs."""
        try:
            return bool(await tick.run())
        except Exception:
            log.exception("tick_failed", extra={"tick": tick.task})
            return None

    async def _inquire(self, inquiries: Inquiries) -> None:
        """Providers are asked apart from the ticks: one that hangs must not hold an emergency up."""
        while True:
            await inquiries.wait()
            await inquiries.ask_noted()
            self.wake(Priority.EMERGENCY)

    async def _until(self, upcoming: datetime | None, news: asyncio.Event) -> None:
        """Sleep until the next moment, a wake-up, or the safety poll."""
        if news.is_set() or (upcoming is not None and upcoming <= self._clock.now()):
            with self._clock.working():  # what is due is due now, not after a jump
                await asyncio.sleep(BREATH_S)
            return
        waits = [asyncio.ensure_future(news.wait())]
        if upcoming is not None:
            waits.append(asyncio.ensure_future(self._woken_at(upcoming)))
        try:
            done, _ = await asyncio.wait(waits, timeout=SAFETY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not done:
            self._wake_pumps()  # a wake-up of theirs may have been lost with a connection

    async def _woken_at(self, moment: datetime) -> Literal[True]:
        await self._clock.sleep_until(moment)
        return True


def attach(maeul: Maeul) -> Worker:
    """Give a composed service its worker: ticks in the order in which they feed each other."""
    ticks = [
        Tick("fan_out", maeul.fan_out.run_due, "fan_out"),  # a million rows must not hold the others up
        Tick("release", maeul.reaper.release_due),
        Tick("settle", maeul.receipts.settle_due),
        Tick("reap", maeul.reaper.run_due),
        Tick("escalate", maeul.escalator.run_due),
        Tick("finish", maeul.finisher.run_due),
    ]
    worker = Worker(
        maeul.clock,
        maeul.pumps,
        maeul.renderer,
        ticks,
        maeul.leases,
        maeul.studio.warm,
        maeul.reaper.inquiries,
    )
    maeul.alarm.listen(worker.wake)

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        async with housekeeping(chores(maeul)), worker.running():
            yield

    maeul.background = background
    return worker
