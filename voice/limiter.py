"""A true-peak limiter that also finds the gain for a loudness, worked out in steps of a millisecond."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voice.decoding import Sound, resample

OVERSAMPLING = 4  # BS.1770 annex 2
LOOK_AHEAD = 2  # steps over which the limiter turns down and up again
MOST_DRIVE_DB = 20.0  # beyond what loudness alone needs; more would only raise the noise between the words
ROUNDS = 14
CLOSE_ENOUGH_LU = 0.03
_SMOOTHING = np.hanning(2 * LOOK_AHEAD + 3)[1:-1]
_SMOOTHING /= _SMOOTHING.sum()


@dataclass(frozen=True, slots=True)
class Steps:
    """What one pass over the sound tells of each millisecond: true peak and K-weighted energy."""

    size: int
    peaks: Sound
    energies: Sound

    @classmethod
    def of(cls, sound: Sound, rate: int) -> Steps:
        from pyloudnorm import IIRfilter  # here for the same reason as in `voice.level`

        size = max(1, rate // 1000)
        weighted = sound
        # BS.1770's two filters; the exact figure is measured by pyloudnorm afterwards.
        for gain, quality, frequency, kind in (
            (4.0, 0.7071, 1500.0, "high_shelf"),
            (0.0, 0.5, 38.0, "high_pass"),
        ):
            weighted = IIRfilter(gain, quality, frequency, rate, kind).apply_filter(weighted)
        peaks = _by_step(np.abs(resample(sound, 1, OVERSAMPLING)), size * OVERSAMPLING)
        energies = _by_step(np.square(weighted, dtype=np.float32), size)
        return cls(size, peaks.max(axis=1, initial=0.0), energies.mean(axis=1))


def _by_step(values: Sound, size: int) -> Sound:
    count = max(1, math.ceil(len(values) / size))
    padded = np.zeros(count * size, dtype=np.float32)
    padded[: len(values)] = values
    return padded.reshape(count, size)


def limiting_gain(peaks: Sound, ceiling: float) -> Sound:
    """For each step a gain that keeps its peak, and the way to its neighbours, under the ceiling.

    The least of the needs over the neighbours, then smoothed over fewer neighbours than that, so that
    every step stays under its own need.
    """
    needed = ceiling / np.maximum(peaks, ceiling)
    reach = LOOK_AHEAD + 1  # one more, because the gain between two steps lies between theirs
    padded = np.pad(needed, reach, constant_values=1.0)
    least = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    smooth = np.convolve(np.pad(least, LOOK_AHEAD, mode="edge"), _SMOOTHING, "valid")
    return np.asarray(smooth, dtype=np.float32)


def drive(steps: Steps, lufs: float, ceiling: float) -> float:
    """The gain in dB before limiting that ends at this loudness, or as near as MOST_DRIVE_DB allows."""
    least = lufs - block_loudness(steps.energies)
    if not math.isfinite(least):
        return 0.0
    gain_db = least
    for _ in range(ROUNDS):
        factor = 10 ** (gain_db / 20)
        gains = limiting_gain(steps.peaks * factor, ceiling) * factor
        miss = lufs - block_loudness(steps.energies * gains**2)
        if abs(miss) < CLOSE_ENOUGH_LU or gain_db >= least + MOST_DRIVE_DB:
            break
        gain_db = min(gain_db + 1.5 * miss, least + MOST_DRIVE_DB)
    return gain_db


def block_loudness(energies: Sound) -> float:
    """BS.1770's gated loudness from energies of a millisecond each."""
    length, hop = min(400, len(energies)), 100
    sums = np.concatenate(([0.0], np.cumsum(energies, dtype=np.float64)))
    starts = np.arange(0, len(energies) - length + 1, hop)
    blocks = (sums[starts + length] - sums[starts]) / length
    audible = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(audible):
        return -math.inf
    loud = audible[audible > audible.mean() / 10]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def limit(sound: Sound, steps: Steps, gain_db: float, ceiling: float) -> Sound:
    """The sound with this gain and its true peaks under the ceiling."""
    factor = 10 ** (gain_db / 20)
    gains = limiting_gain(steps.peaks * factor, ceiling) * factor
    centres = np.arange(len(gains)) * steps.size + (steps.size - 1) / 2
    return np.asarray(sound * np.interp(np.arange(len(sound)), centres, gains), dtype=np.float32)
