"""The package piper-tts, in a worker process: it brings an espeak-ng of its own, which is not thread-safe.

API: https://github.com/OHF-Voice/piper1-gpl/blob/main/docs/API_PYTHON.md
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from broadcast.ports import EngineFailed, Speech

if TYPE_CHECKING:
    from piper import PiperVoice

SLOWER = 1.15  # Piper's own pace is that of a young speaker
LONGEST, SHORTEST = 2.0, 0.6
PAUSE_S = 0.3  # between sentences, which Piper speaks one by one

logging.getLogger("piper").setLevel(logging.CRITICAL)  # at DEBUG it logs the whole text


@cache
def _voice(file: str) -> PiperVoice:
    from piper import PiperVoice

    return PiperVoice.load(file)


def speak_now(file: str, script: str, speed: float) -> Speech:
    """Speak in this process; EngineFailed for whatever the package raises, without its words."""
    try:
        from piper import SynthesisConfig

        voice = _voice(file)
        scale = min(max(SLOWER / speed, SHORTEST), LONGEST)
        pieces = [
            bytes(chunk.audio_int16_bytes)
            for chunk in voice.synthesize(script, syn_config=SynthesisConfig(length_scale=scale))
        ]
        rate = int(voice.config.sample_rate)
    except Exception as error:  # noqa: BLE001  # its texts quote ours, and the next engine can speak
        raise EngineFailed(f"piper: {type(error).__name__}") from None
    pcm = (b"\0\0" * int(PAUSE_S * rate)).join(pieces)
    if not pcm:
        raise EngineFailed("piper gave no sound")
    return Speech(pcm, rate)
