"""Sound at the right level: silence trimmed, rumble filtered, loudness set, peaks held under a ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from voice.decoding import Sound, resample
from voice.limiter import OVERSAMPLING, Steps, drive, limit

RUMBLE_HZ = 80.0
BLOCK_S = 0.4  # ITU-R BS.1770 measures blocks of this length
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
    sound: Sound
    rate: int
    lufs: float
    true_peak_dbtp: float


# Opus overshoots by up to two decibels, so the ceiling lies that far under -1 dBTP.
WEB = Target(rate=24_000, lufs=-16.0, ceiling_dbtp=-3.0)
# The half decibel covers rounding to 16 bits and meters that oversample more than ours.
TELEPHONE = Target(rate=8_000, lufs=-13.0, ceiling_dbtp=-3.5, is_telephone=True)


def level(sound: Sound, rate: int, target: Target) -> Levelled:
    """The sound at the target's rate, band, loudness and ceiling; it should be trimmed already."""
    banded = high_pass(resample(sound, rate, target.rate), target.rate)
    if target.is_telephone:
        banded = telephone_band(banded, target.rate)
    loud = _to_loudness(_full_scale(banded), target)
    return Levelled(loud, target.rate, loudness(loud, target.rate), true_peak(loud))


def loudness(sound: Sound, rate: int) -> float:
    """Integrated loudness in LUFS (BS.1770-4); what is shorter than a block counts as if it went on."""
    from pyloudnorm import Meter  # brings scipy with it: a second that only the child processes need to spend

    shortest = math.ceil(BLOCK_S * rate) + 1
    if 0 < len(sound) < shortest:
        sound = np.resize(sound, shortest)
    return float(Meter(rate).integrated_loudness(sound)) if len(sound) else -math.inf


def true_peak(sound: Sound) -> float:
    """The highest level between the samples in dBTP."""
    return decibels(float(np.abs(resample(sound, 1, OVERSAMPLING)).max(initial=0.0)))


def decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def trim(sound: Sound, rate: int) -> Sound:
    """Without the silence at both ends, but with a breath of it left.

    Silence is 40 dB under the loudest hundredths of a second, or little above the quietest ones where a
    recording's own noise is louder than that.
    """
    size = max(1, rate // 100)
    count = len(sound) // size
    if count < 3:
        return sound
    rms = np.sqrt((sound[: count * size].reshape(count, size) ** 2).mean(axis=1))
    loud, floor = np.quantile(rms, 0.95), np.quantile(rms, 0.02)
    threshold = max(loud * 10 ** (-40 / 20), min(floor * 2.0, loud * 10 ** (-20 / 20)))
    voiced = np.flatnonzero(rms > threshold)
    if not len(voiced):
        return sound
    start = max(0, voiced[0] * size - int(KEEP_BEFORE_S * rate))
    return sound[start : (voiced[-1] + 1) * size + int(KEEP_AFTER_S * rate)]


def high_pass(sound: Sound, rate: int) -> Sound:
    """Take away hum and rumble (4th order Butterworth), and any constant offset."""
    from pyloudnorm import IIRfilter

    for quality in (0.5412, 1.3066):
        sound = IIRfilter(0.0, quality, RUMBLE_HZ, rate, "high_pass").apply_filter(sound)
    return np.asarray(sound, dtype=np.float32)


def telephone_band(sound: Sound, rate: int) -> Sound:
    """Keep 300 to 3,400 Hz whole and nothing below 100 or above 3,600 Hz.

    The kernel also delays high tones by some milliseconds against low ones (as broadcasters' phase rotators
    do): voices have sharp, one-sided peaks, and without this the limiter costs them 2 LU.
    """
    if not len(sound):
        return sound
    size = len(sound) + KERNEL
    length = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(sound, length) * np.fft.rfft(_telephone_kernel(rate), length)
    delay = KERNEL // 2
    return np.fft.irfft(spectrum, length)[delay : delay + len(sound)].astype(np.float32)


@cache
def _telephone_kernel(rate: int) -> Sound:
    steps = np.arange(KERNEL // 2 + 1) - KERNEL // 4
    high, low = 2 * 3_500 / rate, 2 * 200 / rate
    band = (high * np.sinc(high * steps) - low * np.sinc(low * steps)) * np.kaiser(len(steps), 5.0)
    frequencies = np.fft.rfftfreq(KERNEL, 1 / rate)
    phase = -np.pi * SPREAD_S * frequencies**2 / (rate / 2)
    return np.fft.irfft(np.fft.rfft(band, KERNEL) * np.exp(1j * phase), KERNEL).astype(np.float32)


def _full_scale(sound: Sound) -> Sound:
    """At a level where no part of a quiet recording falls under the loudness meter's gate."""
    highest = float(np.abs(sound).max(initial=0.0))
    return sound / np.float32(highest) if highest > 0 else sound


def _to_loudness(sound: Sound, target: Target) -> Sound:
    """Gain and limiting that end at the target's loudness under its ceiling.

    The search counts in steps; what pyloudnorm then measures corrects it, and what still peeks over the
    ceiling (the limiter's own movement adds a little) lowers the ceiling.
    """
    if not len(sound):
        return sound
    steps = Steps.of(sound, target.rate)
    wanted, ceiling_dbtp, limited = target.lufs, target.ceiling_dbtp, sound
    for _ in range(CORRECTIONS):
        ceiling = 10 ** (ceiling_dbtp / 20)
        limited = limit(sound, steps, drive(steps, wanted, ceiling), ceiling)
        miss = target.lufs - loudness(limited, target.rate)
        excess = true_peak(limited) - target.ceiling_dbtp
        if not math.isfinite(miss) or (abs(miss) < CLOSE_ENOUGH_LU and excess <= 0.05):
            break
        wanted += miss
        ceiling_dbtp -= max(0.0, excess)
    return limited
