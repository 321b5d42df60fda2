"""The renderer: emergencies find a place, what breaks is tried again and then given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from broadcast import render
from broadcast.model import BroadcastId, CapStatus, Priority, VillageId
from broadcast.ports import ClipInfo, EngineFailed
from broadcast.render import Part, Renderer, ToRender, VillageVoice
from tests.builders import StillClock


def to_render(number: int, priority: Priority = Priority.ROUTINE) -> ToRender:
    village = VillageVoice(VillageId(1), "샘골리", "김이장")
    return ToRender(
        id=BroadcastId(number),
        priority=priority,
        cap_status=CapStatus.ACTUAL,
        language="ko",
        script=f"글 {number}",
        recording_key="",
        county="한내군",
        villages=[village],
    )


class Shelf:
    """A store and an engine that the test plays."""

    def __init__(self, *waiting: ToRender) -> None:
        self.waiting = list(waiting)
        self.made: dict[BroadcastId, Sequence[Part]] = {}
        self.failed: list[BroadcastId] = []
        self.spoken: list[str] = []
        self.breaks: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.ended = asyncio.Semaphore(0)

    async def to_render(self, n: int) -> list[ToRender]:
        return sorted(self.waiting, key=lambda one: (one.priority, one.id))[:n]

    async def rendered(self, broadcast_id: BroadcastId, parts: Sequence[Part]) -> None:
        self.made[broadcast_id] = parts
        self._end(broadcast_id)

    async def render_failed(self, broadcast_id: BroadcastId, now: datetime) -> None:
        self.failed.append(broadcast_id)
        self._end(broadcast_id)

    def _end(self, broadcast_id: BroadcastId) -> None:
        self.waiting = [one for one in self.waiting if one.id != broadcast_id]
        self.ended.release()

    async def speak(self, script: str, *, language: str, slow: bool = False) -> ClipInfo:
        self.spoken.append(script)
        await self.gate.wait()
        if self.breaks:
            raise self.breaks.pop(0)
        return ClipInfo(script, 1.0, "espeak")

    async def recording(self, key: str) -> ClipInfo:
        raise NotImplementedError

    def script(self, text: str, language: str) -> str:
        return text


@asynccontextmanager
async def rendering(shelf: Shelf) -> AsyncIterator[Renderer]:
    renderer = Renderer(shelf, StillClock(), shelf, shelf, lambda _: None)
    task = asyncio.create_task(renderer.run())
    yield renderer
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_text_is_made_first_and_each_village_has_its_opening() -> None:
    shelf = Shelf(to_render(1))
    async with rendering(shelf):
        await shelf.ended.acquire()
    assert shelf.spoken[0] == "글 1"
    parts = {(part.part, part.village_id) for part in shelf.made[BroadcastId(1)]}
    assert {("text", 0), ("slow", 0), ("opening", 1), ("ending", 1)} <= parts


async def test_an_emergency_finds_a_place_beside_all_others() -> None:
    shelf = Shelf(*(to_render(number) for number in range(1, 8)))
    shelf.gate.clear()
    async with rendering(shelf) as renderer:
        while len(shelf.spoken) < render.AT_ONCE:  # noqa: ASYNC110  (how many speak is what is asked)
            await asyncio.sleep(0)
        shelf.waiting.append(to_render(9, Priority.EMERGENCY))
        renderer.wake()
        while "글 9" not in shelf.spoken:  # noqa: ASYNC110
            await asyncio.sleep(0)
        shelf.gate.set()
        for _ in range(8):
            await shelf.ended.acquire()
    assert len(shelf.made) == 8


async def test_engines_that_all_failed_are_not_asked_again() -> None:
    shelf = Shelf(to_render(1))
    shelf.breaks = [EngineFailed("all")]
    async with rendering(shelf):
        await shelf.ended.acquire()
    assert (shelf.failed, len(shelf.spoken)) == ([1], 1)


async def test_what_breaks_for_a_moment_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "TRY_AGAIN_S", 0.001)
    shelf = Shelf(to_render(1))
    shelf.breaks = [OSError("disk full"), OSError("disk full")]
    async with rendering(shelf):
        await shelf.ended.acquire()
    assert shelf.failed == []
    assert list(shelf.made) == [1]


async def test_what_stays_broken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not keep the next from being made."""
    monkeypatch.setattr(render, "TRY_AGAIN_S", 0.001)
    shelf = Shelf(to_render(1))
    shelf.breaks = [ValueError("no sound")] * render.TRIES
    async with rendering(shelf) as renderer:
        await shelf.ended.acquire()
        shelf.waiting.append(to_render(2))
        renderer.wake()
        await shelf.ended.acquire()
    assert (shelf.failed, list(shelf.made)) == ([1], [2])
