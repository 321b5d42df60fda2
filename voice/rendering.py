"""Makes every sound file of one speech or recording; takes a core for a while, so for worker processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from broadcast.ports import Speech
from voice import encoding
from voice.assembly import chime, join
from voice.decoding import Limits, Sound, decode_now, to_pcm
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


def render_speech(speech: Speech) -> Files:
    """All formats of an engine's speech."""
    sound = trim(encoding.to_sound(speech), speech.rate)
    with ThreadPoolExecutor(2) as threads:  # numpy, soxr and the encoders let go of the interpreter
        telephone = threads.submit(_telephone_files, sound, speech.rate)
        return _web_files(sound, speech.rate, threads) | telephone.result()


def render_recording(source: bytes | Path, limits: Limits) -> Files:
    """All formats of a stranger's recording; raises what decoding raises."""
    return render_speech(decode_now(source, limits).speech)


__all__ = ["File", "Files", "chime", "render_recording", "render_speech"]


def _web_files(sound: Sound, rate: int, threads: ThreadPoolExecutor) -> Files:
    finished, measured = _finish(sound, rate, WEB)
    opus = threads.submit(_under_the_ceiling, encoding.opus, finished)
    mp3_data, mp3_peak = _under_the_ceiling(encoding.mp3, finished)
    opus_data, opus_peak = opus.result()
    file = partial(File, seconds=finished.seconds, lufs=measured.lufs)
    return {
        "mp3": file(mp3_data, ".mp3", "audio/mpeg", true_peak_dbtp=mp3_peak),
        "opus": file(opus_data, ".ogg", "audio/ogg", true_peak_dbtp=opus_peak),
        "peaks": file(
            encoding.peaks(finished), ".json", "application/json", true_peak_dbtp=measured.true_peak_dbtp
        ),
    }


def _telephone_files(sound: Sound, rate: int) -> Files:
    finished, measured = _finish(sound, rate, TELEPHONE)
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


def _finish(sound: Sound, rate: int, target: Target) -> tuple[Speech, Levelled]:
    levelled = level(sound, rate, target)
    speech = Speech(to_pcm(levelled.sound), levelled.rate)
    return join([LEAD_S, speech, TAIL_S], levelled.rate), levelled


def _under_the_ceiling(encode: Callable[[Speech], bytes], speech: Speech) -> tuple[bytes, float]:
    """Encoded sound whose decoded peaks stay under -1 dBTP, whatever lossy coding adds to them."""
    sound = encoding.to_sound(speech)
    data = encode(speech)
    peak = _decoded_peak(data)
    for _ in range(RETRIES):
        if peak <= PUBLIC_CEILING_DBTP:
            break
        sound = sound * np.float32(10 ** ((PUBLIC_CEILING_DBTP - 0.1 - peak) / 20))
        data = encode(replace(speech, pcm=to_pcm(sound)))
        peak = _decoded_peak(data)
    return data, peak


def _decoded_peak(data: bytes) -> float:
    decoded = decode_now(data, Limits(seconds=float("inf")))
    return true_peak(encoding.to_sound(decoded.speech))
