"""How long a text will take to read, from its letters alone: while it is typed nothing is spoken yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broadcast.errors import InvalidInput
from voice.script import prepare

WARN_S, REFUSE_S = 40.0, 90.0  # routine calls (DESIGN section 4)
EMERGENCY_S = 15.0
READ_TWICE_S = 25.0
SLOW_STRETCH = 1.28  # espeak at 0.8 of its pace, its pauses included

# Fitted to espeak at our pace over the corpus of the tests: within 3% of a notice on average, 14% at worst.
_SYLLABLE_S, _CLOSED_S, _WORD_S, _COMMA_S, _STOP_S, _EDGES_S = 0.158, 0.095, 0.151, 0.449, 0.195, 0.073
_CHARACTERS_A_SECOND = {"en": 14.0, "vi": 13.0, "zh": 2.7, "th": 7.7, "ne": 10.2}
_OTHER_LANGUAGES = 12.0


class Fits(StrEnum):
    """Whether a text may be read on the phone: yes; yes, but many will hang up; no."""

    WELL = "well"
    LONG = "long"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Length:
    """`seconds` is one reading of the text alone, `calls` what that means for phone calls."""

    seconds: float
    calls: Fits
    is_read_twice: bool


def length_of(seconds: float, *, is_emergency: bool = False) -> Length:
    """The same for a rendition whose seconds are known. An emergency is never refused for its length."""
    if is_emergency:
        fits = Fits.WELL if seconds <= EMERGENCY_S else Fits.LONG
    else:
        fits = Fits.WELL if seconds <= WARN_S else Fits.LONG if seconds <= REFUSE_S else Fits.TOO_LONG
    return Length(seconds, fits, seconds <= READ_TWICE_S)


def estimate(
    text: str,
    *,
    language: str = "ko",
    is_slow: bool = False,
    is_emergency: bool = False,
    dictionary: Mapping[str, str] | None = None,
) -> Length:
    """Of a text as it is written, half-typed or empty too."""
    try:
        script = prepare(text, language=language, dictionary=dictionary).text
    except InvalidInput:
        return length_of(0.0, is_emergency=is_emergency)
    seconds = spoken_seconds(script, language) * (SLOW_STRETCH if is_slow else 1.0)
    return length_of(round(seconds, 1), is_emergency=is_emergency)


def spoken_seconds(script: str, language: str = "ko") -> float:
    """Of a text as it will be spoken."""
    if not script:
        return 0.0
    if language != "ko":
        return len(script) / _CHARACTERS_A_SECOND.get(language, _OTHER_LANGUAGES)
    syllables = [char for char in script if "가" <= char <= "힣"]
    closed = sum((ord(char) - ord("가")) % 28 > 0 for char in syllables)  # a consonant at the end takes time
    return (
        len(syllables) * _SYLLABLE_S
        + closed * _CLOSED_S
        + len(script.split()) * _WORD_S
        + script.count(",") * _COMMA_S
        + len(re.findall("[.?!]", script)) * _STOP_S
        + _EDGES_S
    )
