"""Supertonic, the best Korean voice that runs on our own machine: package and model are the operator's choice.

Install: `pip install maeul[supertonic]` and a model folder (supertonic-2 or -3) at MAEUL_SUPERTONIC_MODEL.
The model's licence (OpenRAIL-M) is to be accepted by whoever downloads it; nothing is downloaded here.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcast.ports import EngineFailed, Speech
from voice.engines.supertonic_library import REQUIRED, VOICES, speak_now
from voice.missing import no_model, no_package
from voice.worker import WorkerDied, WorkerFailed, Workers


class SupertonicSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MAEUL_SUPERTONIC_", env_ignore_empty=True, extra="ignore")

    model: str = Field(default="", description="Folder of the model: onnx/ and voice_styles/")
    voice: str = Field(default="F1", description="Voice style for residents without a wish of their own")
    deadline_seconds: float = Field(default=40.0, gt=0, description="What one text may take")


class Supertonic:
    """One process that keeps the model in memory; a text at a time."""

    name: ClassVar[str] = "supertonic"

    def __init__(self, settings: SupertonicSettings | None = None) -> None:
        """InvalidInput where the package or the model is missing."""
        chosen = settings or SupertonicSettings()
        if find_spec("supertonic") is None:
            raise no_package(self.name, "supertonic")
        self._folder = Path(chosen.model)
        if not chosen.model or not all((self._folder / name).is_file() for name in REQUIRED):
            raise no_model(self.name, "MAEUL_SUPERTONIC_MODEL", "onnx/tts.json")
        if not (self._folder / "voice_styles" / f"{chosen.voice}.json").is_file():
            raise no_model(self.name, "MAEUL_SUPERTONIC_VOICE", f"voice_styles/{chosen.voice}.json")
        self._voice = chosen.voice
        self.deadline_s = chosen.deadline_seconds
        self._workers = Workers("supertonic", preload=("voice.engines.supertonic_library",))

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        style = VOICES.get(voice, self._voice)
        folder, deadline = str(self._folder), self.deadline_s
        try:
            return await self._workers.run(deadline, speak_now, folder, script, language, style, speed)
        except (WorkerDied, WorkerFailed) as error:
            raise EngineFailed(f"supertonic: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._workers.close()
