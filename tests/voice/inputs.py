"""Twenty ways in which people record, from what telephones and browsers made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.voice.sounds import recorded, tone
from voice.decoding import resample
from voice.filters import Sound

Source = Callable[[], tuple[Sound, int]]
NOISE = np.random.default_rng(2)


def noise(level: float, count: int) -> Sound:
    return NOISE.normal(0, level, count).astype(np.float32)


def browser() -> tuple[Sound, int]:
    return recorded("chrome.webm")


def at_rate(rate: int) -> Source:
    def source() -> tuple[Sound, int]:
        sound, of = browser()
        return resample(sound, of, rate), rate

    return source


def made(change: Callable[[Sound, int], Sound]) -> Source:
    """The browser's recording, changed."""

    def source() -> tuple[Sound, int]:
        sound, rate = browser()
        return change(sound, rate).astype(np.float32), rate

    return source


def whisper() -> tuple[Sound, int]:
    sound, rate = recorded("iphone.m4a")
    return sound * np.float32(0.01) + noise(0.0005, len(sound)), rate


def wind(sound: Sound, _rate: int) -> Sound:
    gusts = np.cumsum(noise(0.003, len(sound)))
    gusts -= np.convolve(gusts, np.ones(2401) / 2401, "same")
    return np.asarray(sound + gusts, dtype=np.float32)


def hum(sound: Sound, rate: int) -> Sound:
    seconds = len(sound) / rate
    lines = sum((tone(60 * n, seconds, rate, 0.03 / n)[: len(sound)] for n in (1, 2, 3)), sound)
    return np.asarray(lines, dtype=np.float32)


def pauses(sound: Sound, rate: int) -> Sound:
    half = len(sound) // 2
    return np.concatenate([sound[:half], noise(0.0005, 3 * rate), sound[half:]])


def two_speakers(sound: Sound, _rate: int) -> Sound:
    return np.concatenate([sound, sound * np.float32(0.1)])


SOURCES: dict[str, Source] = {
    "feature phone (AMR, 8 kHz)": lambda: recorded("old.3gp"),
    "browser (Opus)": browser,
    "iPhone (AAC)": lambda: recorded("iphone.m4a"),
    "stereo MP3": lambda: recorded("stereo.mp3"),
    "beeps": lambda: recorded("mediarecorder.webm"),
    "whisper": whisper,
    "shouting": made(lambda sound, _: np.clip(sound * 30, -1, 1)),
    "clipped low": made(lambda sound, _: np.clip(sound * 10, -0.3, 0.3)),
    "wind": made(wind),
    "street noise": made(lambda sound, _: sound + noise(0.02, len(sound))),
    "mains hum": made(hum),
    "constant offset": made(lambda sound, _: sound * 0.5 + 0.3),
    "long pauses": made(pauses),
    "near and far": made(two_speakers),
    "very quiet": made(lambda sound, _: sound * 0.003),
    "8 kHz": at_rate(8_000),
    "16 kHz": at_rate(16_000),
    "48 kHz": at_rate(48_000),
    "tone": lambda: (tone(700, 2.0), 48_000),
    "half a second": lambda: (tone(300, 0.5) + tone(900, 0.5), 48_000),
}
