"""Filters that go through a long sound block by block, so that ten minutes need no more memory than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float32]

BLOCK = 1 << 17  # samples
HUM_Q = 30.0
MAINS_HZ = (60, 50)  # Korea's, and what foreign generators make
HARMONICS = 8
HUM_DB = 12.0  # how far a line stands out of its neighbours
MOST_LOOKS = 120  # seconds of a recording that are looked at for hum


class Biquad:
    """One second-order filter that remembers where it was between blocks."""

    def __init__(self, kind: str, rate: int, frequency: float, quality: float, gain_db: float = 0.0) -> None:
        from pyloudnorm import IIRfilter  # brings scipy: a second that only child processes need to spend

        design = IIRfilter(gain_db, quality, frequency, rate, kind)
        self._b, self._a = np.asarray(design.b), np.asarray(design.a)
        self._state = np.zeros(2)

    def __call__(self, block: Sound) -> Sound:
        from scipy.signal import lfilter

        filtered, self._state = lfilter(self._b, self._a, block, zi=self._state)
        return np.asarray(filtered, dtype=np.float32)


def spans(length: int, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Begin and end of each block."""
    yield from pairwise([*range(0, length, size), length]) if length else ()


def filtered(sound: Sound, filters: Sequence[Biquad], *, in_place: bool = False) -> Sound:
    """Block by block into a new sound, or over the old one where nobody needs it any more."""
    result = sound if in_place else np.empty(len(sound), np.float32)
    for start, end in spans(len(sound)):
        block = sound[start:end]
        for one in filters:
            block = one(block)
        result[start:end] = block
    return result


# --- hum --------------------------------------------------------------------------------------


def remove_hum(sound: Sound, rate: int) -> None:
    """Take the mains' hum and its overtones out in place, where a recording has them."""
    if lines := hum_lines(sound, rate):
        filtered(sound, [Biquad("notch", rate, line, HUM_Q) for line in lines], in_place=True)


def hum_lines(sound: Sound, rate: int) -> list[int]:
    """Frequencies in Hz at which the mains hum; empty unless two of one family stand out."""
    quiet = _quiet_spectrum(sound, rate)
    for mains in MAINS_HZ:
        lines = [line for line in range(mains, mains * HARMONICS + 1, mains) if _stands_out(quiet, line)]
        if len(lines) >= 2 and lines[0] <= 2 * mains:
            return lines
    return []


def _quiet_spectrum(sound: Sound, rate: int) -> Sound:
    """Power by whole Hz in the quieter seconds: what goes on when nobody speaks."""
    starts = range(0, len(sound) - rate + 1, rate // 2)
    if len(starts) < 2:
        return np.zeros(0, np.float32)
    chosen = starts[:: max(1, len(starts) // MOST_LOOKS)]
    window = np.hanning(rate).astype(np.float32)
    top = MAINS_HZ[0] * (HARMONICS + 1)
    powers = [np.abs(np.fft.rfft(sound[start : start + rate] * window)[:top]) ** 2 for start in chosen]
    return np.asarray(np.quantile(np.stack(powers), 0.2, axis=0), dtype=np.float32)


def _stands_out(spectrum: Sound, line: int) -> bool:
    if line + 16 > len(spectrum):
        return False
    around = np.concatenate([spectrum[max(1, line - 15) : line - 4], spectrum[line + 5 : line + 16]])
    least = float(np.median(around)) * 10 ** (HUM_DB / 10)
    return bool(spectrum[line - 1 : line + 2].max() > max(least, 1e-6))
