"""Speech from the first engine that can; each has a deadline and a circuit breaker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from broadcast.ports import EngineFailed, Speech, Synthesizer

FAILURES_TO_OPEN = 3
REST_S = 60.0
LAST_RESORT = "espeak"


class EngineState(StrEnum):
    """What an engine's breaker says: usable, left alone after failures, or about to be tried again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class EngineHealth:
    name: str
    state: EngineState
    failures: int  # in a row


@runtime_checkable
class HasDeadline(Protocol):
    """An engine that says itself how many seconds one text may take."""

    deadline_s: float


@dataclass(slots=True)
class Breaker:
    """Open after three failures in a row; after a rest one call at a time may try again."""

    failures: int = 0
    rests_until: float = 0.0

    def is_open(self, now: float) -> bool:
        return self.failures >= FAILURES_TO_OPEN and now < self.rests_until

    def state(self, now: float) -> EngineState:
        if self.failures < FAILURES_TO_OPEN:
            return EngineState.CLOSED
        return EngineState.OPEN if self.is_open(now) else EngineState.HALF_OPEN

    def failed(self, now: float) -> None:
        self.failures += 1
        self.rests_until = now + REST_S

    def trying(self, now: float) -> None:
        """Others keep off while the first one after the rest tries."""
        if self.failures >= FAILURES_TO_OPEN:
            self.rests_until = now + REST_S

    def worked(self) -> None:
        self.failures = 0


class Voices:
    """The configured engines in their order. `now` is a monotonic clock in seconds.

    `deadline_s` holds for an engine that does not name a deadline of its own.
    """

    def __init__(
        self,
        engines: Sequence[Synthesizer],
        deadline_s: float = 30.0,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engines = tuple(engines)
        self._deadline_s = deadline_s
        self._now = now
        self._breakers = {engine.name: Breaker() for engine in self._engines}

    def usable(self) -> list[str]:
        """Names of the engines that would be tried now, in order; all of them if none would."""
        names = [engine.name for engine in self._engines]
        return [name for name in names if not self._breakers[name].is_open(self._now())] or names

    def health(self) -> list[EngineHealth]:
        """Each engine in order with what its breaker says."""
        now = self._now()
        return [
            EngineHealth(name, breaker.state(now), breaker.failures)
            for name, breaker in self._breakers.items()
        ]

    def warnings(self) -> list[str]:
        """What the operator should mend, in words for /readyz."""
        found = [
            f"speech engine {one.name} failed {one.failures} times and is left alone for a while"
            for one in self.health()
            if one.state is not EngineState.CLOSED
        ]
        if list(self._breakers) == [LAST_RESORT]:
            found.append(
                "espeak is the only speech engine: a voice for trying out; set MAEUL_TTS_ENGINES to a better one"
            )
        return found

    def _deadline(self, engine: Synthesizer) -> float:
        return engine.deadline_s if isinstance(engine, HasDeadline) else self._deadline_s

    async def speak(
        self, script: str, *, language: str = "ko", voice: str = "default", speed: float = 1.0
    ) -> tuple[Speech, str]:
        """The speech and the name of the engine that spoke; EngineFailed if none could."""
        reasons = []
        usable = self.usable()
        for engine in self._engines:
            if engine.name not in usable:
                continue
            try:
                return await self._try(engine, script, language, voice, speed), engine.name
            except EngineFailed as failure:
                reasons.append(str(failure))
        raise EngineFailed("; ".join(reasons))

    async def _try(self, engine: Synthesizer, script: str, language: str, voice: str, speed: float) -> Speech:
        breaker = self._breakers[engine.name]
        breaker.trying(self._now())
        try:
            async with asyncio.timeout(self._deadline(engine)):
                speech = await engine.speak(script, language=language, voice=voice, speed=speed)
        except TimeoutError:
            breaker.failed(self._now())
            raise EngineFailed(f"{engine.name}: deadline") from None
        except EngineFailed:
            breaker.failed(self._now())
            raise
        breaker.worked()
        return speech

    async def close(self) -> None:
        for engine in self._engines:
            await engine.close()
