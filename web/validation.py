"""What is checked of texts and times at the door, and how findings are said in Korean."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

LONGEST_TEXT = 2_000
LONGEST_TITLE = 100
FIRST_YEAR, LAST_YEAR = 2000, 2100

KOREAN = {
    "missing": "필요한 항목입니다.",
    "extra_forbidden": "모르는 항목입니다.",
    "string_too_short": "비어 있습니다.",
    "string_too_long": "너무 깁니다. {max_length}자까지 쓸 수 있습니다.",
    "string_type": "글자로 적어 주세요.",
    "string_pattern_mismatch": "형식이 맞지 않습니다.",
    "too_short": "하나 이상 적어 주세요.",
    "too_long": "너무 많습니다. {max_length}개까지 적을 수 있습니다.",
    "enum": "다음 가운데 하나여야 합니다: {expected}",
    "literal_error": "다음 가운데 하나여야 합니다: {expected}",
    "timezone_aware": "시간대가 있는 시각으로 적어 주세요. 예: 2026-03-04T18:00:00+09:00",
    "datetime_parsing": "시각을 읽을 수 없습니다. 예: 2026-03-04T18:00:00+09:00",
    "datetime_from_date_parsing": "시각을 읽을 수 없습니다. 예: 2026-03-04T18:00:00+09:00",
    "datetime_type": "시각을 읽을 수 없습니다. 예: 2026-03-04T18:00:00+09:00",
    "int_parsing": "숫자로 적어 주세요.",
    "int_type": "숫자로 적어 주세요.",
    "bool_type": "true 또는 false로 적어 주세요.",
    "bool_parsing": "true 또는 false로 적어 주세요.",
    "greater_than_equal": "{ge} 이상이어야 합니다.",
    "less_than_equal": "{le} 이하여야 합니다.",
    "list_type": "목록으로 적어 주세요.",
    "model_attributes_type": "JSON 객체로 보내 주세요.",
}


def in_korean(found: Mapping[str, Any]) -> str:
    """The sentence for one of Pydantic's findings; ours carry their Korean with them."""
    context: Mapping[str, Any] = found.get("ctx", {})
    if "ko" in context:
        return str(context["ko"])
    sentence = KOREAN.get(found["type"])
    return sentence.format_map(dict(context)) if sentence else "값이 올바르지 않습니다."


def finding(code: str, english: str, korean: str) -> PydanticCustomError:
    """A finding of our own; braces in the sentences would be taken for places."""
    return PydanticCustomError(code, english, {"ko": korean})


def _without_controls(text: str) -> str:
    """Refuse what can be neither read nor spoken, saying where it stands."""
    for place, character in enumerate(text, 1):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise finding(
                "control_character",
                f"There is a control character (U+{ord(character):04X}) at place {place}.",
                f"{place}번째 자리에 쓸 수 없는 제어 문자(U+{ord(character):04X})가 있습니다.",
            )
    return text


def _with_words(text: str) -> str:
    """Refuse what has no letter and no digit: only emoji or marks."""
    # Keycaps are a digit, a selector and U+20E3: no word either.
    bare = text.replace("\ufe0f", "")
    keycaps = {place - 1 for place, character in enumerate(bare) if character == "\u20e3"}
    if not any(unicodedata.category(c)[0] in "LN" and i not in keycaps for i, c in enumerate(bare)):
        raise finding(
            "no_words",
            "There are no words here that could be read out.",
            "소리 내어 읽을 수 있는 말이 없습니다.",
        )
    return text


def _unified(text: object) -> object:
    """One way of writing line ends and Hangul syllables, before anything is counted."""
    if not isinstance(text, str):
        return text
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
    BeforeValidator(_unified),
    AfterValidator(_without_controls),
    AfterValidator(_with_words),
]
"""A text to be announced."""


def line(longest: int, least: int = 1) -> Any:
    """The type of a single line of text, for names and the like."""
    return Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=least, max_length=longest),
        BeforeValidator(_unified),
        AfterValidator(_without_controls),
    ]


def _of_our_days(moment: datetime) -> datetime:
    """Refuse years near the ends of the calendar: no hour could be added to them or taken away."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise finding(
            "year_out_of_range",
            f"The year must be between {FIRST_YEAR} and {LAST_YEAR}.",
            f"{FIRST_YEAR}년에서 {LAST_YEAR}년 사이의 시각으로 적어 주세요.",
        )
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_days)]
"""A time with its zone; one without is refused."""
