"""What is wrong with how a recording was made, and what its author can do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voice.filters import Sound

SILENT_DB = -55.0  # the loudest tenth of a second; a whisper across a room is about -50 dBFS
QUIET_DB = -38.0  # speech at arm's length is about -30 dBFS
LEAST_SNR_DB = 10.0
CLIPPED_LEVEL = 0.985
CLIPPED_RUN = 3  # samples in a row: a single one may be a loud click
CLIPPED_SHARE = 0.0005


@dataclass(frozen=True, slots=True)
class Advice:
    """`code` for programs, a sentence for the author in both languages."""

    code: str
    english: str
    korean: str


TOO_QUIET = Advice(
    "too_quiet",
    "The recording is too quiet: hold the phone closer and speak up.",
    "소리가 너무 작습니다. 전화기를 입 가까이 대고 조금 크게 말씀해 주세요.",
)
TOO_LOUD = Advice(
    "clipped",
    "The recording is too loud and sounds torn: hold the phone a hand's breadth away.",
    "소리가 너무 커서 찢어집니다. 전화기를 한 뼘쯤 떼고 말씀해 주세요.",
)
NOISY = Advice(
    "noisy",
    "There is much noise around the voice: record indoors or out of the wind, with machines off.",
    "주변 소리가 큽니다. 바람을 피하고 기계를 끈 곳에서 다시 녹음해 주세요.",
)


@dataclass(slots=True)
class Ear:
    """Listens block by block while a recording is decoded, at its own rate, before anything is filtered."""

    tenths: list[float] = field(default_factory=list)
    samples: int = 0
    clipped: int = 0

    def hear(self, block: Sound, rate: int) -> None:
        self.samples += len(block)
        self.clipped += _clipped(block)
        size = max(1, min(rate // 10, len(block)))
        rows = block[: len(block) // size * size].reshape(-1, size)
        means = rows.mean(axis=1, dtype=np.float64)
        energies = np.einsum("ij,ij->i", rows, rows, dtype=np.float64) / size
        self.tenths += np.sqrt(np.maximum(energies - means**2, 0.0)).tolist()

    @property
    def is_silent(self) -> bool:
        return _decibels(max(self.tenths, default=0.0)) < SILENT_DB

    def advice(self) -> tuple[Advice, ...]:
        if not self.tenths:
            return ()
        loud = _decibels(float(np.quantile(self.tenths, 0.95)))
        # The quietest tenths of a second are the pauses; a recording without any pause tells no noise.
        floor = _decibels(float(np.quantile(self.tenths, 0.05)))
        found = []
        if self.clipped > CLIPPED_SHARE * self.samples:
            found.append(TOO_LOUD)
        elif loud < QUIET_DB:
            found.append(TOO_QUIET)
        if self.noise_counts and loud - floor < LEAST_SNR_DB:
            found.append(NOISY)
        return tuple(found)

    @property
    def noise_counts(self) -> bool:
        """Under two seconds there may be no pause between the words."""
        return len(self.tenths) >= 20


def _clipped(block: Sound) -> int:
    """Samples in flat tops: three or more in a row at the highest level."""
    top = np.abs(block) >= CLIPPED_LEVEL
    if not top.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], top, [False])).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= CLIPPED_RUN].sum())


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
