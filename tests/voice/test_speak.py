"""Which engine speaks: the first in order that can."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from broadcast.ports import EngineFailed, Speech, Synthesizer
from voice.engines.espeak import Espeak
from voice.speak import FAILURES_TO_OPEN, REST_S, EngineState, Voices


class Better:
    """An engine at the port that fails or hangs when told to."""

    name: ClassVar[str] = "better"

    def __init__(self) -> None:
        self.calls, self.is_broken, self.hangs = 0, False, False

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_broken:
            raise EngineFailed("broken")
        return Speech(b"\0\0" * 100, 8000)

    async def close(self) -> None: ...


class LastResort(Better):
    name: ClassVar[str] = "last"


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def a_pair() -> tuple[Better, LastResort, Watch, Voices]:
    better, last, watch = Better(), LastResort(), Watch()
    engines: list[Synthesizer] = [better, last]
    return better, last, watch, Voices(engines, deadline_s=0.05, now=watch)


async def spoken_by(voices: Voices) -> str:
    return (await voices.speak("가"))[1]


async def test_the_first_engine_speaks_and_the_second_is_not_asked() -> None:
    _, last, _, voices = a_pair()
    assert await spoken_by(voices) == "better"
    assert last.calls == 0


async def test_an_engine_that_hangs_is_passed_over_at_its_deadline() -> None:
    better, _, _, voices = a_pair()
    better.hangs = True
    assert await spoken_by(voices) == "last"


async def test_after_three_failures_an_engine_is_left_alone_for_a_while() -> None:
    better, _, watch, voices = a_pair()
    better.is_broken = True
    for _ in range(FAILURES_TO_OPEN + 5):
        assert await spoken_by(voices) == "last"
    assert better.calls == FAILURES_TO_OPEN
    assert voices.usable() == ["last"]
    better.is_broken = False
    watch.seconds += REST_S
    assert await spoken_by(voices) == "better"
    assert voices.usable() == ["better", "last"]


async def test_after_the_rest_one_failure_is_enough() -> None:
    better, _, watch, voices = a_pair()
    better.is_broken = True
    for _ in range(FAILURES_TO_OPEN):
        await spoken_by(voices)
    watch.seconds += REST_S
    await spoken_by(voices)
    assert voices.usable() == ["last"]


async def test_if_all_rest_all_are_tried_rather_than_none() -> None:
    better, last, _, voices = a_pair()
    better.is_broken = last.is_broken = True
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(EngineFailed):
            await voices.speak("가")
    last.is_broken = False
    assert await spoken_by(voices) == "last"


async def test_an_engines_own_deadline_counts_before_the_common_one() -> None:
    class Hasty(Better):
        name: ClassVar[str] = "hasty"
        deadline_s = 0.02

    hasty, last = Hasty(), LastResort()
    hasty.hangs = True
    engines: list[Synthesizer] = [hasty, last]
    assert await spoken_by(Voices(engines, deadline_s=3_600.0)) == "last"


async def test_health_tells_each_engines_breaker() -> None:
    better, _, watch, voices = a_pair()
    assert [(one.name, one.state) for one in voices.health()] == [("better", "closed"), ("last", "closed")]
    assert voices.warnings() == []
    better.is_broken = True
    for _ in range(FAILURES_TO_OPEN):
        await spoken_by(voices)
    assert voices.health()[0].state is EngineState.OPEN
    assert len(voices.warnings()) == 1
    watch.seconds += REST_S
    assert voices.health()[0].state is EngineState.HALF_OPEN
    better.is_broken = False
    await spoken_by(voices)
    assert voices.health()[0].state is EngineState.CLOSED


async def test_espeak_alone_is_a_standing_warning() -> None:
    voices = Voices([Espeak()])
    assert "espeak is the only speech engine" in voices.warnings()[0]
    await voices.close()
