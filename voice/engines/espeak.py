"""The embedded engine: espeak-ng in a worker process, robotic but always there."""

from __future__ import annotations

from typing import ClassVar

from broadcast.ports import EngineFailed, Speech
from voice.engines.espeak_library import speak_now
from voice.worker import WorkerDied, WorkerFailed, Workers

DEADLINE_S = 20.0  # 0.003 of real time: ten minutes of speech take two seconds


class Espeak:
    """One process, one text at a time; after a crash a new process tries once more."""

    name: ClassVar[str] = "espeak"

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self._workers = Workers("espeak", retries=1, preload=("voice.engines.espeak_library",))

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        try:
            return await self._workers.run(self.deadline_s, speak_now, script, language, voice, speed)
        except (WorkerDied, WorkerFailed) as error:
            raise EngineFailed(f"espeak-ng: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._workers.close()
