"""The studio: scripts and recordings in, renditions on the shelf out, each made once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from broadcast.errors import NotFound
from broadcast.model import Priority
from broadcast.ports import EngineFailed, MediaStore, Speech
from voice import recordings
from voice.assembly import chime
from voice.assembly import phrases as join_phrases
from voice.decoding import Limits
from voice.rendering import JOBS, Files, read_recording
from voice.shelf import Rendered, Shelf
from voice.speak import Voices
from voice.worker import WorkerDied, WorkerFailed, Workers

T = TypeVar("T")
A = TypeVar("A")

VERSION = 2  # raise it when levels or formats change: what is on the shelf is then made anew
RENDER_S = 120.0
RECORDING = "recording"
CHIME = "chime"


class Studio:
    """Makes renditions in child processes and keeps them in the media store."""

    def __init__(self, voices: Voices, media: MediaStore, *, limits: Limits | None = None) -> None:
        self.voices = voices
        self._media = media
        self._shelf = Shelf(media)
        self._limits = limits or Limits()
        self._workers = Workers("render", 2, retries=1, preload=("voice.rendering", "pyloudnorm"))
        self._under_way: dict[str, asyncio.Task[Rendered]] = {}

    async def from_script(
        self, script: str, *, language: str = "ko", voice: str = "default", speed: float = 1.0
    ) -> Rendered:
        """Speakable text (see `voice.script.prepare`) as sound. EngineFailed if no engine could speak.

        The first engine that is usable now decides what counts as already made, so that a text which the
        last resort once spoke is spoken better when the better engine is back.
        """

        def name_for(engine: str) -> str:
            return _name("script", engine, language, voice, round(speed, 3), script)

        async def make() -> Rendered:
            speech, engine = await self.voices.speak(script, language=language, voice=voice, speed=speed)
            name = name_for(engine)
            return await self._shelf.find(name) or await self._render(name, engine, speech)

        return await self._once(name_for(self.voices.usable()[0]), make)

    async def prepare_phrases(
        self, scripts: Iterable[str], *, language: str = "ko", voice: str = "default", speed: float = 1.0
    ) -> None:
        """Speak the fixed parts of a template beforehand. EngineFailed if no engine could."""
        for script in scripts:
            await self._phrase(script, language, voice, speed)

    async def from_phrases(
        self,
        phrases: Sequence[tuple[str, float]],
        *,
        language: str = "ko",
        voice: str = "default",
        speed: float = 1.0,
    ) -> Rendered:
        """Scripts spoken one by one, each with the pause after it; only those that are new are spoken."""
        whole = " ".join(script for script, _ in phrases)

        def name_for(engine: str) -> str:
            row = [part for phrase in phrases for part in phrase]
            return _name("phrases", engine, language, voice, round(speed, 3), *row)

        async def make() -> Rendered:
            said = [await self._phrase(script, language, voice, speed) for script, _ in phrases]
            (first, engine), *others = said
            if any(other != engine for _, other in others):  # two voices in one sentence would be odd
                return await self.from_script(whole, language=language, voice=voice, speed=speed)
            pauses = [pause for _, pause in phrases]
            parts = list(zip([first, *(speech for speech, _ in others)], pauses, strict=True))
            joined = await self._in_a_worker(join_phrases, parts)
            return await self._render(name_for(engine), engine, joined)

        return await self._once(name_for(self.voices.usable()[0]), make)

    async def _phrase(self, script: str, language: str, voice: str, speed: float) -> tuple[Speech, str]:
        """From the shelf if the engine that is usable now has spoken it before."""

        def name_for(engine: str) -> str:
            return _name("phrase", engine, language, voice, round(speed, 3), script)

        wanted = self.voices.usable()[0]
        if found := await self._shelf.find_phrase(name_for(wanted)):
            return found, wanted
        speech, engine = await self.voices.speak(script, language=language, voice=voice, speed=speed)
        await self._shelf.put_phrase(name_for(engine), speech)
        return speech, engine

    async def from_recording(self, key: str) -> Rendered:
        """An uploaded recording as sound. NotFound, NotAudio, TooLarge or InvalidInput."""
        try:
            data = await self._media.get(key)
        except KeyError:
            raise NotFound(
                "There is no such recording.", "그런 녹음이 없습니다.", field="recording_id"
            ) from None
        await recordings.check_size(data, self._limits)
        name = _name(RECORDING, await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()))

        async def make() -> Rendered:
            run = recordings.in_a_decoder  # long uploads never take a child from a typed emergency
            speech = await run(self._limits.wall_s, read_recording, data, self._limits)
            parts = await asyncio.gather(*[run(RENDER_S, job, speech) for job in JOBS])
            return await self._shelf.put(name, RECORDING, _merged(parts))

        return await self._once(name, make)

    async def from_chime(self, priority: Priority) -> Rendered:
        """The chime before an announcement on loudspeakers and the page."""
        name = _name(CHIME, int(priority))

        async def make() -> Rendered:
            speech = await self._in_a_worker(chime, priority)
            return await self._render(name, CHIME, speech)

        return await self._once(name, make)

    async def warm(self) -> None:
        """Start the child processes beforehand, so that the first broadcast does not wait for them."""
        await asyncio.gather(*[self._workers.warm() for _ in JOBS])

    async def close(self) -> None:
        await self.voices.close()
        await self._workers.close()
        await recordings.close()

    async def _once(self, name: str, make: Callable[[], Awaitable[Rendered]]) -> Rendered:
        """From the shelf, or made by one task however many ask; a caller who gives up stops nobody else."""
        if found := await self._shelf.find(name):
            return found
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.ensure_future(_awaited(make))
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._finished(name, done))
        return await asyncio.shield(task)

    def _finished(self, name: str, task: asyncio.Task[Rendered]) -> None:
        self._under_way.pop(name, None)
        if not task.cancelled():
            task.exception()  # seen here, should every caller have given up

    async def _render(self, name: str, engine: str, speech: Speech) -> Rendered:
        parts = await asyncio.gather(*[self._in_a_worker(job, speech) for job in JOBS])
        return await self._shelf.put(name, engine, _merged(parts))

    async def _in_a_worker(self, function: Callable[[A], T], argument: A) -> T:
        try:
            return await self._workers.run(RENDER_S, function, argument)
        except (WorkerDied, WorkerFailed) as error:
            raise EngineFailed(f"rendering: {type(error).__name__}") from None


async def _awaited(make: Callable[[], Awaitable[Rendered]]) -> Rendered:
    return await make()


def _merged(parts: Iterable[Files]) -> Files:
    return {form: file for part in parts for form, file in part.items()}


def _name(*parts: str | float) -> str:
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()
