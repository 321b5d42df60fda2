"""Piper: a small local voice of one language a model file.

Install: `pip install maeul[piper]` (GPL-3.0: the operator's choice, run in a process of its own) and a
voice at MAEUL_PIPER_MODEL (the .onnx file, with its .onnx.json beside it).
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcast.ports import EngineFailed, Speech
from voice.engines.piper_library import speak_now
from voice.missing import no_model, no_package
from voice.worker import WorkerDied, WorkerFailed, Workers


class PiperSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MAEUL_PIPER_", env_ignore_empty=True, extra="ignore")

    model: str = Field(default="", description="The voice's .onnx file; its .onnx.json lies beside it")
    language: str = Field(default="", description="What the voice speaks; default: as its file says")
    deadline_seconds: float = Field(default=20.0, gt=0, description="What one text may take")


class Piper:
    """One process that keeps the voice in memory; a text at a time, in the voice's own language only."""

    name: ClassVar[str] = "piper"

    def __init__(self, settings: PiperSettings | None = None) -> None:
        """InvalidInput where the package or the model is missing."""
        chosen = settings or PiperSettings()
        if find_spec("piper") is None:
            raise no_package(self.name, "piper")
        self._file = Path(chosen.model)
        description = Path(f"{chosen.model}.json")
        if not chosen.model or not self._file.is_file() or not description.is_file():
            raise no_model(self.name, "MAEUL_PIPER_MODEL", "VOICE.onnx, VOICE.onnx.json")
        self._language = chosen.language or _language(description)
        self.deadline_s = chosen.deadline_seconds
        self._workers = Workers("piper", preload=("voice.engines.piper_library",))

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        """A voice is one person's; `voice` is ignored."""
        if language != self._language:
            raise EngineFailed("piper: the voice speaks another language")
        try:
            return await self._workers.run(self.deadline_s, speak_now, str(self._file), script, speed)
        except (WorkerDied, WorkerFailed) as error:
            raise EngineFailed(f"piper: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._workers.close()


def _language(description: Path) -> str:
    """ "ko" from a voice's "language": {"family": "ko"} or "espeak": {"voice": "ko"}."""
    try:
        said = json.loads(description.read_text("utf-8"))
        named = said.get("language", {}).get("family") or said["espeak"]["voice"]
        return str(named).split("-")[0]
    except (OSError, ValueError, KeyError, AttributeError):
        raise no_model("piper", "MAEUL_PIPER_MODEL", description.name) from None
