"""Sound at the right level: silence trimmed, rumble filtered, loudness set, peaks held under a ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from voice.decoding import resample
from voice.filters import Biquad, Sound, filtered, spans
from voice.limiter import Limited, Steps, block_loudness, drive, energies_of, true_peak_of

RUMBLE_HZ = 80.0
KEEP_BEFORE_S, KEEP_AFTER_S = 0.1, 0.25
CLOSE_ENOUGH_LU = 0.2
CORRECTIONS = 3
KERNEL = 512  # samples of the telephone's filter
SPREAD_S = 0.010  # how much later its highest tones come than its lowest


@dataclass(frozen=True, slots=True)
class Target:
    """What a rendition must measure: integrated loudness in LUFS, true peak in dBTP, rate in Hz."""

    rate: int
    lufs: float
    ceiling_dbtp: float
    is_telephone: bool = False


@dataclass(frozen=True, slots=True)
class Levelled:
    limited: Limited
    rate: int
    lufs: float
    true_peak_dbtp: float

    @property
    def sound(self) -> Sound:
        """All of it at once."""
        return self.limited.whole()


# MP3 hardly overshoots at this bit rate; Opus does by up to two and a half decibels, so its ceiling lies
# that far under -1 dBTP: limiting once costs less than encoding again.
WEB = Target(rate=24_000, lufs=-16.0, ceiling_dbtp=-3.0)
OPUS = Target(rate=24_000, lufs=-16.0, ceiling_dbtp=-4.3)
# The half decibel covers rounding to 16 bits and meters that oversample more than ours.
TELEPHONE = Target(rate=8_000, lufs=-13.0, ceiling_dbtp=-3.5, is_telephone=True)


def level(sound: Sound, rate: int, target: Target, *, is_ours: bool = False) -> Levelled:
    """The sound at the target's rate, band, loudness and ceiling; it should be trimmed already.

    `is_ours`: nobody else needs the sound, so it may be worked on where it is.
    """
    is_new = rate != target.rate
    sound = high_pass(resample(sound, rate, target.rate), target.rate, in_place=is_new or is_ours)
    if target.is_telephone:
        sound = telephone_band(sound, target.rate)
    return _to_loudness(_full_scale(sound), target)


def loudness(sound: Sound, rate: int) -> float:
    """Integrated loudness in LUFS (BS.1770-4); what is shorter than a block counts by what there is."""
    return block_loudness(energies_of(lambda start, end: sound[start:end], len(sound), rate))


def true_peak(sound: Sound) -> float:
    """The highest level between the samples in dBTP."""
    return decibels(true_peak_of(lambda start, end: sound[start:end], len(sound)))


def decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def trim(sound: Sound, rate: int, *, before_s: float = KEEP_BEFORE_S, after_s: float = KEEP_AFTER_S) -> Sound:
    """Without the silence at both ends, but with a breath of it left.

    Silence is 40 dB under the loudest hundredths of a second, or little above the quietest ones where a
    recording's own noise is louder than that.
    """
    size = max(1, rate // 100)
    count = len(sound) // size
    if count < 3:
        return sound
    rows = sound[: count * size].reshape(count, size)
    rms = np.sqrt(np.einsum("ij,ij->i", rows, rows) / size)
    loud, floor = np.quantile(rms, 0.95), np.quantile(rms, 0.02)
    threshold = max(loud * 10 ** (-40 / 20), min(floor * 2.0, loud * 10 ** (-20 / 20)))
    voiced = np.flatnonzero(rms > threshold)
    if not len(voiced):
        return sound
    start = max(0, voiced[0] * size - int(before_s * rate))
    return sound[start : (voiced[-1] + 1) * size + int(after_s * rate)]


def high_pass(sound: Sound, rate: int, *, in_place: bool = False) -> Sound:
    """Take away rumble (4th order Butterworth), and any constant offset."""
    twice = [Biquad("high_pass", rate, RUMBLE_HZ, quality) for quality in (0.5412, 1.3066)]
    return filtered(sound, twice, in_place=in_place)


def telephone_band(sound: Sound, rate: int) -> Sound:
    """Keep 300 to 3,400 Hz whole and nothing below 100 or above 3,600 Hz.

    The kernel also delays high tones by some milliseconds against low ones (as broadcasters' phase rotators
    do): voices have sharp, one-sided peaks, and without this the limiter costs them 2 LU.
    """
    kernel = _telephone_kernel(rate)
    result = np.zeros(len(sound) + KERNEL - 1, np.float32)
    for start, end in spans(len(sound)):
        length = 1 << (end - start + KERNEL - 2).bit_length()
        spectrum = np.fft.rfft(sound[start:end], length) * np.fft.rfft(kernel, length)
        result[start : end + KERNEL - 1] += np.fft.irfft(spectrum, length)[: end - start + KERNEL - 1]
    delay = KERNEL // 2
    return result[delay : delay + len(sound)]


@cache
def _telephone_kernel(rate: int) -> Sound:
    steps = np.arange(KERNEL // 2 + 1) - KERNEL // 4
    high, low = 2 * 3_500 / rate, 2 * 200 / rate
    band = (high * np.sinc(high * steps) - low * np.sinc(low * steps)) * np.kaiser(len(steps), 5.0)
    frequencies = np.fft.rfftfreq(KERNEL, 1 / rate)
    phase = -np.pi * SPREAD_S * frequencies**2 / (rate / 2)
    return np.fft.irfft(np.fft.rfft(band, KERNEL) * np.exp(1j * phase), KERNEL).astype(np.float32)


def _full_scale(sound: Sound) -> Sound:
    """At a level where no part of a quiet recording falls under the loudness meter's gate; in place."""
    highest = max(float(sound.max(initial=0.0)), -float(sound.min(initial=0.0)))
    if highest > 0:
        sound *= np.float32(1 / highest)
    return sound


def _to_loudness(sound: Sound, target: Target) -> Levelled:
    """Gain and limiting that end at the target's loudness under its ceiling.

    The search counts in steps; what is then measured corrects it, and what still peeks over the ceiling
    (the limiter's own movement adds a little) lowers the ceiling.
    """
    steps = Steps.of(sound, target.rate)
    wanted, ceiling_dbtp = target.lufs, target.ceiling_dbtp
    for rounds_left in range(CORRECTIONS - 1, -1, -1):
        ceiling = 10 ** (ceiling_dbtp / 20)
        limited = Limited.of(sound, steps, drive(steps, wanted, ceiling), ceiling)
        lufs = block_loudness(energies_of(limited.part, len(sound), target.rate))
        peak = true_peak_of(limited.part, len(sound))
        found = Levelled(limited, target.rate, lufs, decibels(peak))
        miss, excess = target.lufs - found.lufs, found.true_peak_dbtp - target.ceiling_dbtp
        is_close = not math.isfinite(miss) or (abs(miss) < CLOSE_ENOUGH_LU and excess <= 0.05)
        if is_close or not rounds_left:
            return found
        wanted += miss
        ceiling_dbtp -= max(0.0, excess)
    raise AssertionError("CORRECTIONS is at least one")
