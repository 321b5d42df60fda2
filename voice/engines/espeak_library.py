"""The espeak-ng library by ctypes. Only for a worker process: it is not thread-safe and moves the process.

API: https://github.com/espeak-ng/espeak-ng/blob/1.52.0/src/include/espeak-ng/speak_lib.h
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import espeakng_loader

from broadcast.ports import EngineFailed, Speech

SYNCHRONOUS = 0x02  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to our callback
DO_NOT_EXIT = 0x8000  # without it, a missing data file ends the process
UTF8 = 1
RATE, VOLUME = 1, 2
WORDS_A_MINUTE = 130  # 120 to 140 suits elderly listeners
SLOWEST, FASTEST = 80, 450
LOUDNESS = 80

LANGUAGES = {"zh": "cmn"}
VOICES = {"female": "+f3", "male": "+m3"}

_OnSamples = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_pieces: list[bytes] = []


def _keep(samples: int | None, count: int, _events: int | None) -> int:
    if samples and count > 0:
        _pieces.append(ctypes.string_at(samples, count * 2))
    return 0


_on_samples = _OnSamples(_keep)  # kept here: the library calls it for as long as it lives


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The initialised library and its sampling rate.

    A data path over 160 characters fails inside espeak-ng, so we go there and call it ".".
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    os.chdir(Path(espeakng_loader.get_data_path()).parent)
    rate = int(library.espeak_Initialize(SYNCHRONOUS, 0, b".", DO_NOT_EXIT))
    if rate <= 0:
        raise EngineFailed("espeak-ng found no data")
    library.espeak_SetSynthCallback(_on_samples)
    return library, rate


def speak_now(script: str, language: str, voice: str, speed: float) -> Speech:
    """Speak in this process; EngineFailed for a language that espeak-ng does not know."""
    library, rate = _library()
    name = LANGUAGES.get(language, language) + VOICES.get(voice, "")
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise EngineFailed("espeak-ng does not speak this language")
    pace = min(max(round(WORDS_A_MINUTE * speed), SLOWEST), FASTEST)
    library.espeak_SetParameter(RATE, pace, 0)
    library.espeak_SetParameter(VOLUME, LOUDNESS, 0)
    pcm = _synthesise(library, script.replace("\0", " ").encode("utf-8", "replace"))
    if not pcm:
        raise EngineFailed("espeak-ng gave no sound")
    return Speech(pcm, rate)


def _synthesise(library: ctypes.CDLL, text: bytes) -> bytes:
    _pieces.clear()
    try:
        if library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None) != 0:
            raise EngineFailed("espeak-ng refused the text")
        library.espeak_Synchronize()
        return b"".join(_pieces)
    finally:
        _pieces.clear()
