"""What the tests of sound share: the decoders' processes end with the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broadcast.ports import Speech
from voice import recordings
from voice.engines.espeak import Espeak
from voice.media import FolderMedia
from voice.renditions import Studio
from voice.speak import Voices


@pytest.fixture(scope="session", autouse=True)
def decoders() -> Iterator[None]:
    yield
    asyncio.run(recordings.close())


class CountedEspeak(Espeak):
    """The real engine, counting how often it was asked."""

    calls = 0

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        self.calls += 1
        return await super().speak(script, language=language, voice=voice, speed=speed)


@pytest.fixture
async def espeak() -> AsyncIterator[CountedEspeak]:
    engine = CountedEspeak()
    yield engine
    await engine.close()


@pytest.fixture
def media(tmp_path: Path) -> FolderMedia:
    return FolderMedia(tmp_path / "media")


@pytest.fixture
async def studio(espeak: CountedEspeak, media: FolderMedia) -> AsyncIterator[Studio]:
    studio = Studio(Voices([espeak]), media)
    yield studio
    await studio.close()
