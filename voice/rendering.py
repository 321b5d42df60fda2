"""Makes every sound file of one speech or recording; takes a core for a while, so for worker processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from broadcast.ports import Speech
from voice import encoding
from voice.decoding import Limits, decode_now, resample, to_pcm
from voice.filters import Sound, remove_hum, spans
from voice.level import OPUS, TELEPHONE, WEB, Target, decibels, level, trim
from voice.limiter import true_peak_of

LEAD_S, TAIL_S = 0.1, 0.15
PUBLIC_CEILING_DBTP = -1.0
RETRIES = 3


@dataclass(frozen=True, slots=True)
class File:
    """One finished sound file; `lufs` and `true_peak_dbtp` are what it measures."""

    data: bytes = field(repr=False)
    suffix: str
    content_type: str
    seconds: float
    lufs: float
    true_peak_dbtp: float


Files = dict[str, File]


def read_recording(source: bytes | Path, limits: Limits) -> Speech:
    """A stranger's recording, trimmed and at the working rate; raises what decoding raises."""
    decoded = decode_now(source, limits).speech
    rate = decoded.rate
    sound = trim(encoding.to_sound(decoded), rate)
    del decoded
    remove_hum(sound, rate)
    return Speech(to_pcm(resample(sound, rate, WEB.rate)), WEB.rate)


def render_web(speech: Speech) -> Files:
    """What the page and chat play, but for Opus."""
    finished, measured = _finish(speech, WEB)
    data, peak = _under_the_ceiling(encoding.mp3, finished)
    file = partial(File, seconds=finished.seconds, lufs=measured.lufs)
    bars = encoding.peaks(finished)
    return {
        "mp3": file(data, ".mp3", "audio/mpeg", true_peak_dbtp=peak),
        "peaks": file(bars, ".json", "application/json", true_peak_dbtp=measured.true_peak_dbtp),
    }


def render_others(speech: Speech) -> Files:
    """What telephones play, and Opus."""
    return {"opus": _opus_file(speech)} | _telephone_files(speech)


def _opus_file(speech: Speech) -> File:
    finished, measured = _finish(speech, OPUS)
    data, peak = _under_the_ceiling(encoding.opus, finished)
    return File(data, ".ogg", "audio/ogg", finished.seconds, measured.lufs, peak)


# Two jobs of about the same length for two processes: the encoders do not let go of the interpreter.
JOBS: tuple[Callable[[Speech], Files], ...] = (render_web, render_others)


def wav(speech: Speech, *, is_telephone: bool = False) -> File:
    """One WAV for whoever wants to hear a text now: as the page plays it, or as a telephone does."""
    if is_telephone:
        return _telephone_files(speech)["telephone"]
    finished, measured = _finish(speech, WEB)
    data = encoding.telephone_pcm(finished)
    return File(data, ".wav", "audio/wav", finished.seconds, measured.lufs, measured.true_peak_dbtp)


def _telephone_files(speech: Speech) -> Files:
    finished, measured = _finish(speech, TELEPHONE)
    file = partial(
        File,
        suffix=".wav",
        content_type="audio/wav",
        seconds=finished.seconds,
        lufs=measured.lufs,
        true_peak_dbtp=measured.true_peak_dbtp,
    )
    return {
        "telephone": file(encoding.telephone(finished)),
        "telephone_pcm": file(encoding.telephone_pcm(finished)),
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    lufs: float
    true_peak_dbtp: float


def _finish(speech: Speech, target: Target) -> tuple[Speech, _Measured]:
    """At its level, with a breath of silence at both ends."""
    # Nothing here may be held twice: ten minutes as floating point are 58 MB.
    sound = trim(encoding.to_sound(speech), speech.rate)
    levelled = level(sound, speech.rate, target, is_ours=True)
    measured = _Measured(levelled.lufs, levelled.true_peak_dbtp)
    pcm = bytearray(_silence(LEAD_S, target.rate))
    for start, end in spans(len(levelled.limited.sound)):
        pcm += to_pcm(levelled.limited.part(start, end))
    pcm += _silence(TAIL_S, target.rate)
    del sound, levelled
    return Speech(bytes(pcm), target.rate), measured


def _silence(seconds: float, rate: int) -> bytes:
    return bytes(2 * round(seconds * rate))


def _under_the_ceiling(encode: Callable[[Speech], bytes], speech: Speech) -> tuple[bytes, float]:
    """Encoded sound whose decoded peaks stay under -1 dBTP, whatever lossy coding adds to them."""
    data = encode(speech)
    peak = _decoded_peak(data)
    for _ in range(RETRIES):
        if peak <= PUBLIC_CEILING_DBTP:
            break
        quieter = encoding.to_sound(speech)
        quieter *= np.float32(10 ** ((PUBLIC_CEILING_DBTP - 0.4 - peak) / 20))
        speech = replace(speech, pcm=to_pcm(quieter))
        del quieter
        data = encode(speech)
        peak = _decoded_peak(data)
    return data, peak


def _decoded_peak(data: bytes) -> float:
    speech = decode_now(data, Limits(seconds=float("inf"))).speech
    samples = np.frombuffer(speech.pcm, "<i2")

    def part(start: int, end: int) -> Sound:
        return samples[start:end].astype(np.float32) * np.float32(1 / 32768)

    return decibels(true_peak_of(part, len(samples)))
