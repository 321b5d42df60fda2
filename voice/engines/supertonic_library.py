"""The package supertonic, in a worker process: its model takes hundreds of megabytes and all cores.

API: https://github.com/supertone-inc/supertonic-py (TTS.synthesize, 44,100 Hz).
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from broadcast.ports import EngineFailed, Speech
from voice.decoding import to_pcm

REQUIRED = ("onnx/tts.json", "onnx/unicode_indexer.json", "onnx/vocoder.onnx")
VOICES = {"female": "F1", "male": "M1"}
PACE = 0.9  # the model's own pace is 1.05; this suits elderly listeners
SLOWEST, FASTEST = 0.7, 1.5
PAUSE_S = 0.4  # between the pieces of a long text


class _Model(Protocol):
    sample_rate: int

    def get_voice_style(self, voice_name: str) -> object: ...

    def synthesize(
        self, text: str, *, voice_style: object, speed: float, silence_duration: float, lang: str
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...


@cache
def _model(folder: str) -> _Model:
    from supertonic import TTS

    model: _Model = TTS(model_dir=folder, auto_download=False)
    return model


@cache
def _style(folder: str, voice: str) -> object:
    return _model(folder).get_voice_style(voice)


def speak_now(folder: str, script: str, language: str, voice: str, speed: float) -> Speech:
    """Speak in this process; EngineFailed for whatever the package raises, without its words."""
    try:
        model = _model(folder)
        pace = min(max(PACE * speed, SLOWEST), FASTEST)
        sound, _ = model.synthesize(
            script,
            voice_style=_style(folder, voice),
            speed=pace,
            silence_duration=PAUSE_S,
            lang=language,
        )
    except Exception as error:  # noqa: BLE001  # its texts quote ours, and the next engine can speak
        raise EngineFailed(f"supertonic: {type(error).__name__}") from None
    samples = np.nan_to_num(np.asarray(sound, dtype=np.float32).reshape(-1))
    if not len(samples):
        raise EngineFailed("supertonic gave no sound")
    return Speech(to_pcm(samples), model.sample_rate)
