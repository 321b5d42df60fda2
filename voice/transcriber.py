"""Proposes words for a recording, where the operator gives a Whisper model; the author confirms or mends them.

Install: `pip install 'maeul[whisper]'` and a folder of a faster-whisper model at MAEUL_WHISPER_MODEL.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcast.ports import EngineFailed, Speech
from voice.decoding import resample
from voice.encoding import to_sound
from voice.missing import no_model, no_package
from voice.worker import WorkerDied, WorkerFailed, Workers

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE = 16_000
DEADLINE_S = 120.0
REQUIRED = ("model.bin", "config.json", "tokenizer.json")
LEAST_CERTAIN = -1.0  # mean log probability; below it Whisper makes words up


class WhisperSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MAEUL_WHISPER_", env_ignore_empty=True, extra="ignore")

    model: str = Field(default="", description="Folder of a faster-whisper model; none: nothing is proposed")


class Transcriber:
    """One process that keeps the model in memory; a recording at a time."""

    def __init__(self, settings: WhisperSettings) -> None:
        """InvalidInput where the package or the model is missing."""
        if find_spec("faster_whisper") is None:
            raise no_package("whisper", "whisper")
        self._folder = Path(settings.model)
        if not settings.model or not all((self._folder / name).is_file() for name in REQUIRED):
            raise no_model("whisper", "MAEUL_WHISPER_MODEL", ", ".join(REQUIRED))
        self._workers = Workers("whisper", preload=("voice.transcriber",))

    async def propose(self, speech: Speech, *, language: str = "ko") -> str:
        """What was probably said; "" where that is too uncertain. EngineFailed."""
        try:
            return await self._workers.run(DEADLINE_S, propose_now, str(self._folder), speech, language)
        except (WorkerDied, WorkerFailed) as error:
            raise EngineFailed(f"whisper: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._workers.close()


def transcriber() -> Transcriber | None:
    """None where no model is configured."""
    settings = WhisperSettings()
    return Transcriber(settings) if settings.model else None


@cache
def _model(folder: str) -> WhisperModel:
    from faster_whisper import WhisperModel

    return WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)


def propose_now(folder: str, speech: Speech, language: str) -> str:
    """In this process; what the package raises may quote the recording, so only its type is told."""
    sound = resample(to_sound(speech), speech.rate, RATE)
    try:
        pieces, _ = _model(folder).transcribe(
            np.ascontiguousarray(sound), language=language, vad_filter=False
        )
        certain = [piece.text.strip() for piece in pieces if piece.avg_logprob > LEAST_CERTAIN]
    except Exception as error:  # noqa: BLE001  # the author types a line instead
        raise EngineFailed(f"whisper: {type(error).__name__}") from None
    return " ".join(certain).strip()
