"""A true-peak limiter that also finds the gain for a loudness, worked out in steps of a millisecond.

Everything that is as long as the sound is made block by block; ten minutes need no more than a minute does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voice.decoding import resample
from voice.filters import Biquad, Sound, spans

OVERSAMPLING = 4  # BS.1770 annex 2
CONTEXT = 256  # samples on each side of a block, so that oversampling knows what goes on
STEPS_A_BLOCK = 5_000
PEAK_BLOCK = 4_096  # samples
MOST_BETWEEN = 2.0  # how far the sound between two samples goes beyond them, at the very most: 6 dB
LOOK_AHEAD = 2  # steps over which the limiter turns down and up again
MOST_DRIVE_DB = 20.0  # beyond what loudness alone needs; more would only raise the noise between the words
ROUNDS = 14
CLOSE_ENOUGH_LU = 0.03
_SMOOTHING = np.hanning(2 * LOOK_AHEAD + 3)[1:-1]
_SMOOTHING /= _SMOOTHING.sum()

Part = Callable[[int, int], Sound]  # the samples from here to there


@dataclass(frozen=True, slots=True)
class Steps:
    """What one pass over the sound tells of each millisecond: true peak and K-weighted energy."""

    size: int
    peaks: Sound
    energies: Sound

    @classmethod
    def of(cls, sound: Sound, rate: int) -> Steps:
        def part(start: int, end: int) -> Sound:
            return sound[start:end]

        size = max(1, rate // 1000)
        peaks = [np.zeros(0, np.float32)]
        for start, end in spans(len(sound), STEPS_A_BLOCK * size):
            oversampled = np.abs(_oversampled(part, start, end, len(sound)))
            peaks.append(_by_step(oversampled, size * OVERSAMPLING).max(axis=1, initial=0.0))
        return cls(size, np.concatenate(peaks), energies_of(part, len(sound), rate))


def energies_of(part: Part, length: int, rate: int) -> Sound:
    """BS.1770's weighted energy of each millisecond, with pyloudnorm's coefficients.

    Its own meter takes the whole sound at once, several times over.
    """
    size = max(1, rate // 1000)
    weighting = (
        Biquad("high_shelf", rate, 1500.0, 0.7071067811865476, 4.0),
        Biquad("high_pass", rate, 38.0, 0.5),
    )
    energies = [np.zeros(0, np.float32)]
    for start, end in spans(length, STEPS_A_BLOCK * size):
        weighted = part(start, end)
        for one in weighting:
            weighted = one(weighted)
        energies.append(_by_step(np.square(weighted), size).mean(axis=1))
    return np.concatenate(energies)


def true_peak_of(part: Part, length: int) -> float:
    """The highest level between the samples; only stretches that may hold it are looked at closely."""
    highest = 0.0
    for start, end in spans(length, PEAK_BLOCK):
        between = part(start, end)
        if max(float(between.max()), -float(between.min())) * MOST_BETWEEN > highest:
            highest = max(highest, float(np.abs(_oversampled(part, start, end, length)).max(initial=0.0)))
    return highest


def _oversampled(part: Part, start: int, end: int, length: int) -> Sound:
    first, last = max(0, start - CONTEXT), min(length, end + CONTEXT)
    oversampled = resample(part(first, last), 1, OVERSAMPLING)
    return oversampled[(start - first) * OVERSAMPLING : (end - first) * OVERSAMPLING]


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
    if not len(peaks):
        return peaks
    needed = (ceiling / np.maximum(peaks, ceiling)).astype(np.float32)
    reach = LOOK_AHEAD + 1  # one more, because the gain between two steps lies between theirs
    padded = np.pad(needed, reach, constant_values=1.0)
    least = padded[: len(needed)].copy()
    for shift in range(1, 2 * reach + 1):
        np.minimum(least, padded[shift : shift + len(needed)], out=least)
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
    if not length:
        return -math.inf
    sums = np.concatenate(([0.0], np.cumsum(energies, dtype=np.float64)))
    starts = np.arange(0, len(energies) - length + 1, hop)
    blocks = (sums[starts + length] - sums[starts]) / length
    audible = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(audible):
        return -math.inf
    loud = audible[audible > audible.mean() / 10]
    return float(-0.691 + 10 * np.log10(loud.mean()))


@dataclass(frozen=True, slots=True)
class Limited:
    """A sound with a gain for each step, made only where it is asked for."""

    sound: Sound
    size: int
    gains: Sound

    @classmethod
    def of(cls, sound: Sound, steps: Steps, gain_db: float, ceiling: float) -> Limited:
        """With this gain, and its true peaks under the ceiling."""
        factor = 10 ** (gain_db / 20)
        return cls(sound, steps.size, limiting_gain(steps.peaks * factor, ceiling) * np.float32(factor))

    def part(self, start: int, end: int) -> Sound:
        """The gain goes in a straight line from the middle of one step to the middle of the next."""
        shift = self.size // 2
        ahead = shift - (self.size - 1) / 2
        slope = ((np.arange(self.size) + ahead) / self.size).astype(np.float32)
        first, last = (start - shift) // self.size, (end - 1 - shift) // self.size
        gains = self.gains[np.clip(np.arange(first, last + 2), 0, len(self.gains) - 1)]
        curve = (gains[:-1, np.newaxis] + np.diff(gains)[:, np.newaxis] * slope).reshape(-1)
        skipped = start - shift - first * self.size
        return self.sound[start:end] * curve[skipped : skipped + end - start]

    def whole(self) -> Sound:
        result = np.empty(len(self.sound), np.float32)
        for start, end in spans(len(self.sound)):
            result[start:end] = self.part(start, end)
        return result
