"""Makes every sound file of one speech or recording; takes a core for a while, so for worker processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from broadcast.ports import Speech
from voice import encoding
from voice.assembly import join
from voice.decoding import Limits, decode_now, resample, to_pcm
from voice.level import TELEPHONE, WEB, Levelled, Target, level, trim, true_peak

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
    sound = trim(encoding.to_sound(decoded), decoded.rate)
    return Speech(to_pcm(resample(sound, decoded.rate, WEB.rate)), WEB.rate)


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
    finished, measured = _finish(speech, WEB)
    data, peak = _under_the_ceiling(encoding.opus, finished)
    opus = File(data, ".ogg", "audio/ogg", finished.seconds, measured.lufs, peak)
    return {"opus": opus} | _telephone_files(speech)


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


def _finish(speech: Speech, target: Target) -> tuple[Speech, Levelled]:
    sound = trim(encoding.to_sound(speech), speech.rate)
    levelled = level(sound, speech.rate, target)
    finished = Speech(to_pcm(levelled.sound), levelled.rate)
    return join([LEAD_S, finished, TAIL_S], levelled.rate), levelled


def _under_the_ceiling(encode: Callable[[Speech], bytes], speech: Speech) -> tuple[bytes, float]:
    """Encoded sound whose decoded peaks stay under -1 dBTP, whatever lossy coding adds to them."""
    sound = encoding.to_sound(speech)
    data = encode(speech)
    peak = _decoded_peak(data, speech.rate)
    for _ in range(RETRIES):
        if peak <= PUBLIC_CEILING_DBTP:
            break
        sound = sound * np.float32(10 ** ((PUBLIC_CEILING_DBTP - 0.1 - peak) / 20))
        data = encode(replace(speech, pcm=to_pcm(sound)))
        peak = _decoded_peak(data, speech.rate)
    return data, peak


def _decoded_peak(data: bytes, rate: int) -> float:
    decoded = decode_now(data, Limits(seconds=float("inf")))
    return true_peak(resample(encoding.to_sound(decoded.speech), decoded.speech.rate, rate))
