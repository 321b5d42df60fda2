"""What the rules of reading share: markers, patterns of numbers, and how a number is said with what it counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from voice.numerals import by_digit, decimal, native, sino
from voice.readings import (
    BELOW_ZERO,
    GLUED_COUNTERS,
    NATIVE_COUNTERS,
    NOT_BEFORE,
    PER,
    SINO_COUNTERS,
    SPEEDS,
    UNITS,
)

# Marks that live until ranges have been read; cleaned text holds no private characters.
WHEN = "\ue000"  # after a date or time
SAID = "\ue001"  # before whatever a rule has said, so that no other rule takes it for its unit
RANGE = "~"  # script.py writes every tilde between words so
NOT_INSIDE = r"(?<!\d)(?<!\d[.,])"

Say = Callable[[re.Match[str]], str | None]  # None: not what it looked like; leave it
Rule = tuple[str, Say]


def alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


def _counters(words: Iterable[str]) -> str:
    """Longest first, and none where it is only the beginning of another noun."""
    ordered = sorted(set(words), key=len, reverse=True)
    return "|".join(f"{word}(?![{NOT_BEFORE[word]}])" if word in NOT_BEFORE else word for word in ordered)


NUMBER = r"\d{1,3}(?:,\d{3}){1,5}|\d{1,16}"
N = rf"((?:{NUMBER})(?:\.\d{{1,8}})?)"
UNIT = rf"({alternatives(UNITS)})(?![A-Za-z²³])"
NATIVE_COUNTER = rf"({_counters(NATIVE_COUNTERS)})"
COUNTER = rf"({_counters(NATIVE_COUNTERS + SINO_COUNTERS)})"
COUNTING = alternatives((*NATIVE_COUNTERS, *SINO_COUNTERS, *UNITS, "만", "천", "백", "억"))
MOST_NATIVE_HOURS = 23  # from here on people say 이십사 시간
_MONTHS = {6: "유월", 10: "시월"}


def before(match: re.Match[str], characters: int = 14) -> str:
    """The text just before what was found."""
    return match.string[max(0, match.start() - characters) : match.start()]


def month(number_: int) -> str:
    return _MONTHS.get(number_) or sino(str(number_)) + "월"


def number(written: str) -> str:
    """Any number as written, with commas, decimals or leading zeros."""
    plain = written.replace(",", "")
    whole, point, fraction = plain.partition(".")
    if point:
        return decimal(whole, fraction)
    if len(plain) > 1 and plain.startswith("0"):
        return by_digit(plain)
    return sino(plain)


def count(written: str, counter: str) -> str:
    if counter in NATIVE_COUNTERS and written.isdigit():
        if counter == "번째" and int(written) == 1:
            return "첫 번째"
        is_long = counter == "시간" and int(written) > MOST_NATIVE_HOURS
        return f"{(sino if is_long else native)(written)} {counter}"
    if counter == "월" and written.isdigit() and 1 <= int(written) <= 12:
        return month(int(written))
    glue = "" if counter in GLUED_COUNTERS else " "
    return f"{number(written)}{glue}{counter}"


def measured(written: str, unit: str, sign: str = "") -> str:
    words = f"{number(written)} {UNITS[unit]}"
    if unit in PER:
        words = f"세제곱미터당 {words}"
    if unit in SPEEDS:
        words = f"{SPEEDS[unit]} {words}"
    if sign and unit in BELOW_ZERO:
        return f"영하 {words}"
    return f"마이너스 {words}" if sign and unit == "%" else words  # else a bullet or a dash
