"""Makes the sound of a broadcast: its text, and what is said before and after it in each village."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from broadcast import wording
from broadcast.model import BroadcastId, CapStatus, Priority, ResponseType, Role, VillageId
from broadcast.ports import ClipInfo, Clock, EngineFailed, Scribe, VoiceDesk

log = logging.getLogger(__name__)

AT_ONCE = 3
TRIES = 3
TRY_AGAIN_S = 1.0
TEXT, SLOW, OPENING, ENDING, AGAIN, THANKS, HELP = (
    "text",
    "slow",
    "opening",
    "ending",
    "again",
    "thanks",
    "help",
)


@dataclass(frozen=True, slots=True)
class VillageVoice:
    """Who speaks for a village; `head` is "" where the county does."""

    id: VillageId
    name: str
    head: str = field(repr=False)


def said_by(author: Role, villages: Sequence[VillageVoice]) -> list[VillageVoice]:
    """A head or a deputy speaks as the village; what an officer wrote is not said in the head's name."""
    if author in (Role.HEAD, Role.DEPUTY):
        return list(villages)
    return [replace(one, head="") for one in villages]


@dataclass(frozen=True, slots=True)
class ToRender:
    """A broadcast without its sound. `recording_key` is "" for typed text."""

    id: BroadcastId
    priority: Priority
    cap_status: CapStatus
    language: str
    script: str
    recording_key: str
    county: str
    villages: Sequence[VillageVoice]
    response_type: ResponseType | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One clip of a broadcast; `village_id` 0 is for all villages."""

    part: str
    village_id: int
    clip: ClipInfo


class RenderStore(Protocol):
    async def to_render(self, n: int) -> Sequence[ToRender]: ...

    async def rendered(self, broadcast_id: BroadcastId, parts: Sequence[Part]) -> None:
        """Keep the clips and let the broadcast go on; held calls become due."""
        ...

    async def render_failed(self, broadcast_id: BroadcastId, now: datetime) -> None: ...


class Renderer:
    """Renders what waits for its sound, emergencies first; resumes by itself after a restart."""

    def __init__(
        self,
        store: RenderStore,
        clock: Clock,
        desk: VoiceDesk,
        scribe: Scribe,
        on_ready: Callable[[Priority], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk
        self._scribe = scribe
        self._on_ready = on_ready
        self._news = asyncio.Event()
        self._under_way: dict[BroadcastId, asyncio.Task[None]] = {}
        self._failures: dict[BroadcastId, int] = {}
        self._previewing = asyncio.Semaphore(1)

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._news.clear()
                with self._clock.working():
                    await self._start_waiting()
                await self._news.wait()
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def _start_waiting(self) -> None:
        for one in await self._store.to_render(AT_ONCE + len(self._under_way) + 1):
            places = AT_ONCE + (one.priority is Priority.EMERGENCY)  # one is kept for emergencies
            if one.id not in self._under_way and len(self._under_way) < places:
                self._under_way[one.id] = asyncio.create_task(self._render(one))

    async def _render(self, one: ToRender) -> None:
        with self._clock.working():
            try:
                await self._store.rendered(one.id, await self._parts(one))
                self._failures.pop(one.id, None)
            except EngineFailed:
                await self._give_up(one)
            except Exception:  # a recording that is no sound, a full disk: perhaps it works again
                log.exception("render_interrupted", extra={"broadcast": one.id})
                await self._try_again_or_give_up(one)
            finally:
                del self._under_way[one.id]
                self._news.set()
            self._on_ready(one.priority)

    async def _try_again_or_give_up(self, one: ToRender) -> None:
        self._failures[one.id] = self._failures.get(one.id, 0) + 1
        if self._failures[one.id] < TRIES:
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            await self._give_up(one)

    async def _give_up(self, one: ToRender) -> None:
        log.error("render_failed", extra={"broadcast": one.id})
        self._failures.pop(one.id, None)
        await self._store.render_failed(one.id, self._clock.now())

    async def _parts(self, one: ToRender) -> list[Part]:
        """The text first: an emergency's calls wait for it."""
        text = slow = await self._text(one)
        if not one.recording_key:
            slow = await self._desk.speak(one.script, language=one.language, slow=True)
        parts = [Part(TEXT, 0, text), Part(SLOW, 0, slow)]
        is_emergency = one.priority is Priority.EMERGENCY
        is_exercise = one.cap_status is not CapStatus.ACTUAL
        is_evacuation = one.response_type is ResponseType.EVACUATE
        fixed = {
            AGAIN: wording.AGAIN,
            THANKS: wording.confirmed(is_emergency=is_emergency, is_evacuation=is_evacuation),
            HELP: wording.help_asked(is_evacuation=is_evacuation),
        }
        for part, words in fixed.items():
            parts.append(Part(part, 0, await self._say(words)))
        for village in one.villages:
            end = wording.ending(
                village.name,
                is_emergency=is_emergency,
                is_exercise=is_exercise,
                is_evacuation=is_evacuation,
            )
            parts.append(Part(OPENING, village.id, await self._opening(one, village)))
            parts.append(Part(ENDING, village.id, await self._say(end)))
        return parts

    async def preview(self, one: ToRender) -> list[Part]:
        """Opening and text as they will be made for the first village. Raises EngineFailed.

        One at a time: what waits to be sent needs the engines more than who only listens.
        """
        async with self._previewing:
            village = one.villages[0]
            opening = Part(OPENING, village.id, await self._opening(one, village))
            return [opening, Part(TEXT, 0, await self._text(one))]

    async def _text(self, one: ToRender) -> ClipInfo:
        if one.recording_key:
            return await self._desk.recording(one.recording_key)
        return await self._desk.speak(one.script, language=one.language)

    async def _opening(self, one: ToRender, village: VillageVoice) -> ClipInfo:
        words = wording.opening(
            village.name,
            village.head,
            one.county,
            is_emergency=one.priority is Priority.EMERGENCY,
            is_exercise=one.cap_status is not CapStatus.ACTUAL,
        )
        return await self._say(words)

    async def _say(self, words: str) -> ClipInfo:
        script = await asyncio.to_thread(self._scribe.script, words, "ko")
        return await self._desk.speak(script, language="ko")
