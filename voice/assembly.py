"""Puts pieces of speech, pauses and chimes together with pydub."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from broadcast.model import Priority
from broadcast.ports import Speech
from voice.decoding import resample, to_pcm
from voice.encoding import to_sound
from voice.level import trim

with warnings.catch_warnings():
    # pydub looks for an ffmpeg binary, which we never use, and imports audioop, old but present until 3.13.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.generators import Sine

RATE = 24_000
FADE_MS = 8
EDGE_S = 0.03  # silence that a phrase keeps at both ends
CHIME_DB = -14.0
# Tones in Hz and their lengths in ms; bells that differ by number and direction, none like a siren.
CHIMES: dict[Priority, tuple[tuple[int, int], ...]] = {
    Priority.ROUTINE: ((659, 450), (523, 800)),
    Priority.URGENT: ((392, 300), (523, 300), (659, 800)),
    Priority.EMERGENCY: ((523, 200), (523, 200), (523, 500), (523, 200), (523, 200), (523, 700)),
}


def join(parts: Sequence[Speech | float], rate: int = RATE) -> Speech:
    """Speech and pauses (seconds) in a row; every piece is faded at its edges so that no join clicks.

    Other rates are converted by soxr: pydub's set_frame_rate aliases.
    """
    whole = AudioSegment.silent(duration=0, frame_rate=rate)
    for part in parts:
        whole += _silence(part, rate) if isinstance(part, int | float) else _piece(part, rate)
    return Speech(bytes(whole.raw_data), rate)


def phrases(parts: Sequence[tuple[Speech, float]]) -> Speech:
    """Phrases that were spoken one by one, each with the pause that follows it, as one speech."""
    row: list[Speech | float] = []
    for speech, pause_s in parts:
        sound = trim(to_sound(speech), speech.rate, before_s=EDGE_S, after_s=EDGE_S)
        row += [Speech(to_pcm(sound), speech.rate), pause_s]
    return join(row[:-1], parts[0][0].rate)


def chime(priority: Priority) -> Speech:
    """The sound before an announcement on loudspeakers and the page; never opens a telephone call."""
    whole = AudioSegment.silent(duration=0, frame_rate=RATE)
    for frequency, length_ms in CHIMES[priority]:
        tone = Sine(frequency, sample_rate=RATE).to_audio_segment(length_ms, volume=CHIME_DB)
        overtone = Sine(frequency * 3, sample_rate=RATE).to_audio_segment(length_ms, volume=CHIME_DB - 14)
        whole += tone.overlay(overtone).fade_in(FADE_MS).fade_out(int(length_ms * 0.8))
    return Speech(bytes(whole.raw_data), RATE)


def _silence(seconds: float, rate: int) -> AudioSegment:
    return AudioSegment.silent(duration=round(seconds * 1000), frame_rate=rate)


def _piece(speech: Speech, rate: int) -> AudioSegment:
    pcm = speech.pcm
    if speech.rate != rate:
        pcm = to_pcm(resample(to_sound(speech), speech.rate, rate))
    piece = AudioSegment(data=pcm, sample_width=2, frame_rate=rate, channels=1)
    fade_ms = min(FADE_MS, len(piece) // 4)
    return piece.fade_in(fade_ms).fade_out(fade_ms) if fade_ms else piece
