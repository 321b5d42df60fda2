"""How long a text will take, told while it is typed."""

from __future__ import annotations

import pytest

from tests.voice.conftest import CountedEspeak
from tests.voice.test_rules import CORPUS
from voice.estimate import Fits, estimate, length_of
from voice.script import prepare

SENTENCE = "내일 3월 5일 오전 9시부터 물이 나오지 않으니 미리 받아 두시기 바랍니다. "


TOPICS = sorted({topic for topic, *_ in CORPUS})


@pytest.mark.parametrize("topic", TOPICS)
async def test_the_estimate_is_near_what_espeak_takes(espeak: CountedEspeak, topic: str) -> None:
    text = ". ".join(written for of, written, _ in CORPUS if of == topic)[:400]
    speech = await espeak.speak(prepare(text).text, language="ko", voice="default", speed=1.0)
    assert estimate(text).seconds == pytest.approx(speech.seconds, rel=0.12)


@pytest.mark.parametrize(
    ("seconds", "fits", "is_twice"),
    [
        (0, Fits.WELL, True),
        (25, Fits.WELL, True),
        (25.1, Fits.WELL, False),
        (40, Fits.WELL, False),
        (40.1, Fits.LONG, False),
        (90, Fits.LONG, False),
        (90.1, Fits.TOO_LONG, False),
    ],
)
def test_routine_texts_are_warned_about_at_40_and_refused_at_90_seconds(
    seconds: float, fits: Fits, is_twice: bool
) -> None:
    length = length_of(seconds)
    assert (length.calls, length.is_read_twice) == (fits, is_twice)


def test_an_emergency_is_warned_about_at_15_seconds_and_never_refused() -> None:
    assert [length_of(seconds, is_emergency=True).calls for seconds in (15, 16, 300)] == [
        Fits.WELL,
        Fits.LONG,
        Fits.LONG,
    ]


def test_a_half_typed_text_has_a_length_too() -> None:
    assert estimate("").seconds == estimate("!!!").seconds == 0
    lengths = [estimate(SENTENCE[:end]).seconds for end in range(1, len(SENTENCE), 8)]
    assert lengths == sorted(lengths)


def test_slow_reading_and_other_languages_are_estimated() -> None:
    assert estimate(SENTENCE, is_slow=True).seconds > 1.2 * estimate(SENTENCE).seconds
    assert 2 < estimate("Water will be off tomorrow morning.", language="en").seconds < 4
