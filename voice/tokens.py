"""Rules that turn written numbers, dates, times, telephone numbers and units into spoken Korean.

Every pattern is anchored at its first digit and bounded in length, so that reading stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from voice.numerals import by_digit, decimal, native, sino
from voice.readings import (
    BELOW_ZERO,
    EMERGENCY_NUMBERS,
    GLUED_COUNTERS,
    NATIVE_COUNTERS,
    SINO_COUNTERS,
    SPEEDS,
    UNITS,
)

# Marks that live until ranges have been read; cleaned text holds no private characters.
WHEN = "\ue000"  # after a date or time
SAID = "\ue001"  # before whatever a rule has said, so that no other rule takes it for its unit
NUMBER = r"\d{1,3}(?:,\d{3}){1,5}|\d{1,16}"
WEEKDAY = r"(?:\s?\(\s?([월화수목금토일])(?:요일)?\s?\))?"
RANGE = "~"  # script.py writes every tilde between words so
_NOT_INSIDE = r"(?<!\d)(?<!\d[.,])"
_MONTHS = {6: "유월", 10: "시월"}

Say = Callable[[re.Match[str]], str | None]  # None: not what it looked like; leave it
Rule = tuple[re.Pattern[str], Say]


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


# --- dates ------------------------------------------------------------------------------------


def month(number: int) -> str:
    return _MONTHS.get(number) or sino(str(number)) + "월"


def _date(year: str | None, month_no: str, day: str, weekday: str | None) -> str | None:
    if not (1 <= int(month_no) <= 12 and 1 <= int(day) <= 31):
        return None
    words = [f"{sino(year)}년"] if year else []
    words += [month(int(month_no)), f"{sino(day)}일"]
    if weekday:
        words.append(f"{weekday}요일")
    return " ".join(words) + WHEN


def _full_date(match: re.Match[str]) -> str | None:
    year = match[1] if len(match[1]) == 4 else "20" + match[1]
    return _date(year, match[2], match[3], match[4])


def _day_date(match: re.Match[str]) -> str | None:
    return _date(None, match[1], match[2], match[3])


FRACTIONS = frozenset({("1", "2"), ("1", "3"), ("2", "3"), ("1", "4"), ("3", "4")})


def _slash_date(match: re.Match[str]) -> str | None:
    if (match[1], match[2]) in FRACTIONS and not match[3]:
        return f"{sino(match[2])}분의 {sino(match[1])}"
    return _day_date(match)


def _day(match: re.Match[str]) -> str | None:
    return f"{sino(match[1])}일{f' {match[2]}요일' if match[2] else ''}{WHEN}"


def _month_only(match: re.Match[str]) -> str | None:
    return month(int(match[1])) + WHEN if 1 <= int(match[1]) <= 12 else None


def _day_range(match: re.Match[str]) -> str:
    """3~5일, 9~12시, 3~4월: both ends carry the unit."""
    first, last = (_hour(n) if match[3] == "시" else _count(n, match[3]) for n in (match[1], match[2]))
    return f"{first}{WHEN}~{last}{WHEN}"


# --- times ------------------------------------------------------------------------------------


def _hour(number: str) -> str:
    value = int(number)
    if value > 12 and value < 24:
        return f"오후 {native(str(value - 12))} 시"
    return f"{native(number) if 1 <= value <= 12 else sino(number)} 시"


def _clock(half: str | None, hour: str, minute: str | None) -> str | None:
    if int(hour) > 24 or int(minute or 0) > 59:
        return None
    words = _hour(hour)
    if half:
        words = f"{half} {words.removeprefix('오후 ')}"
    elif len(hour) == 2 and hour[0] == "0" and hour != "00":
        words = f"오전 {words}"
    if minute and int(minute):
        words += f" {sino(minute)} 분"
    return words + WHEN


def _time(match: re.Match[str]) -> str | None:
    return _clock(match[1], match[2], match[3])


# --- telephone and account numbers ------------------------------------------------------------


def _digits_with_pauses(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ", ".join(by_digit(group) for group in groups)


def _mobile(match: re.Match[str]) -> str:
    digits = match[0]
    return ", ".join(by_digit(part) for part in (digits[:3], digits[3:-4], digits[-4:]))


def _foreign(match: re.Match[str]) -> str:
    return "더하기 " + _digits_with_pauses(match)


def _joined(match: re.Match[str]) -> str | None:
    """Digits joined by hyphens that are no telephone number: an account if long, else 12-3번지."""
    groups = match[0].split("-")
    if sum(len(group) for group in groups) >= 7 or len(groups) > 2:
        return _digits_with_pauses(match)
    return " 다시 ".join(sino(group) for group in groups) + " "


def _anniversary(match: re.Match[str]) -> str:
    """3·1절, 6·25, 5·18."""
    return by_digit(match[1]) + by_digit(match[2])


# --- numbers with what they count -------------------------------------------------------------


def number(written: str) -> str:
    """Any number as written, with commas, decimals or leading zeros."""
    plain = written.replace(",", "")
    whole, point, fraction = plain.partition(".")
    if point:
        return decimal(whole, fraction)
    if len(plain) > 1 and plain.startswith("0"):
        return by_digit(plain)
    return sino(plain)


def _unit(written: str, unit: str, sign: str = "") -> str:
    words = f"{number(written)} {UNITS[unit]}"
    if unit in SPEEDS:
        words = f"{SPEEDS[unit]} {words}"
    if sign and unit in BELOW_ZERO:
        return f"영하 {words}"
    return f"마이너스 {words}" if sign and unit == "%" else words  # else a bullet or a dash


def _measured(match: re.Match[str]) -> str:
    return _unit(match[2], match[3], match[1])


def _measured_range(match: re.Match[str]) -> str:
    return f"{_unit(match[2], match[4], match[1])}에서 {_unit(match[3], match[4])}"


def _count(written: str, counter: str) -> str:
    if counter in NATIVE_COUNTERS and written.isdigit():
        if counter == "번째" and int(written) == 1:
            return "첫 번째"
        return f"{native(written)} {counter}"
    if counter == "월" and written.isdigit() and 1 <= int(written) <= 12:
        return month(int(written))
    glue = "" if counter in GLUED_COUNTERS else " "
    return f"{number(written)}{glue}{counter}"


def _counted(match: re.Match[str]) -> str:
    return _count(match[1], match[2])


def _times_counted(match: re.Match[str]) -> str:
    """하루 3번: how often, so native; without such a word 번 is a number's name (1번을 누르세요)."""
    return f"{match[1]} {native(match[2])} 번"


def _counted_range(match: re.Match[str]) -> str:
    return f"{_count(match[1], match[3])}에서 {_count(match[2], match[3])}"


def _age_group(match: re.Match[str]) -> str:
    """70대 어르신, not seventy vehicles."""
    return f"{sino(match[1])}대"


def _money(match: re.Match[str]) -> str:
    return f"{number(match[1])}{match[2] or ''} 원"


def _large(match: re.Match[str]) -> str:
    """3만, 5천, 2억: the number and its unit are one word."""
    written = match[1].replace(",", "")
    said = "" if written == "1" and match[2] in ("천", "백", "만") else number(match[1])
    tail = " 원" if match[3] else ""
    return f"{said}{match[2]}{tail}"


def _bare(match: re.Match[str]) -> str:
    """Eight digits or more without commas are a number that one writes down, not an amount."""
    return by_digit(match[0]) if match[0].isdigit() and len(match[0]) >= 8 else number(match[0])


def _bare_range(match: re.Match[str]) -> str:
    return f"{number(match[1])}에서 {number(match[2])}"


def _negative(match: re.Match[str]) -> str:
    return f" 마이너스 {number(match[1])}"


_N = rf"((?:{NUMBER})(?:\.\d{{1,8}})?)"
_UNIT = rf"({_alternatives(UNITS)})(?![A-Za-z²³])"
_COUNTER = rf"({_alternatives(NATIVE_COUNTERS + SINO_COUNTERS)})"
_COUNTING = _alternatives((*NATIVE_COUNTERS, *SINO_COUNTERS, *UNITS, "만", "천", "백", "억"))
_HALF = r"(?:(오전|오후|새벽|아침|낮|저녁|밤)\s?)?"
_ONE_DAY = r"\s?\(\s?([월화수목금토일])(?:요일)?\s?\)"
_YMD = r"\s?[.월/-]\s?(\d{1,2})(?![\d-])(?:\s?일|\.)?" + WEEKDAY
_OF_A_GROUP = r"(?=\s?(?:이상|이하|남|여|어르신|노인|주민|초반|중반|후반|고령))"

# The order decides: what is longer or surer comes first.
_PATTERNS: tuple[tuple[str, Say], ...] = (
    (r"\d{17,}", _digits_with_pauses),
    (r"\+\d{1,3}[- ]\d{1,4}[- ]\d{3,4}[- ]\d{4}(?!\d)", _foreign),
    (rf"{_NOT_INSIDE}\(?0\d{{1,3}}\)?[-. ]?\d{{3,4}}[-. ]\d{{4}}(?![\d-])", _digits_with_pauses),
    (rf"{_NOT_INSIDE}01[016789]\d{{7,8}}(?!\d)", _mobile),
    (rf"{_NOT_INSIDE}\d{{3,4}}-\d{{4}}(?![\d-]|\s?년)", _digits_with_pauses),
    (rf"{_NOT_INSIDE}(\d{{4}})\s?[.년/-]\s?(\d{{1,2}}){_YMD}", _full_date),
    (rf"['’](\d{{2}})\s?[.년]\s?(\d{{1,2}}){_YMD}", _full_date),
    (rf"{_NOT_INSIDE}(\d{{1,2}})월\s?(\d{{1,2}})일{WEEKDAY}", _day_date),
    (rf"{_NOT_INSIDE}(\d{{1,2}})/(\d{{1,2}})(?![\d/]){WEEKDAY}", _slash_date),
    (rf"{_NOT_INSIDE}(\d{{1,2}})\.\s?(\d{{1,2}})\.(?!\d){WEEKDAY}", _day_date),
    (rf"{_NOT_INSIDE}(\d{{1,2}})\.(\d{{1,2}}){_ONE_DAY}", _day_date),
    (rf"{_NOT_INSIDE}(\d{{1,4}}){RANGE}(\d{{1,4}})([일월시년])(?![간대])", _day_range),
    (rf"{_NOT_INSIDE}(\d{{1,2}})월(?!\d)", _month_only),
    (rf"{_NOT_INSIDE}(\d{{1,2}})일{_ONE_DAY}", _day),
    (rf"{_NOT_INSIDE}(\d{{1,2}})일()(?={RANGE}\d)", _day),
    (rf"(?<={RANGE})(\d{{1,2}})일()(?!간)", _day),
    (rf"{_HALF}{_NOT_INSIDE}(\d{{1,2}}):(\d{{2}})(?::\d{{2}})?(?!\d)", _time),
    (rf"{_HALF}{_NOT_INSIDE}(\d{{1,2}})시(?!간)(?:\s?(\d{{1,2}})분)?", _time),
    (rf"{_NOT_INSIDE}(\d{{1,2}})[·ㆍ](\d{{1,2}})(?!\d)", _anniversary),
    (rf"{_NOT_INSIDE}(\d{{1,3}})-(\d{{1,3}})\s?({_alternatives(NATIVE_COUNTERS)})", _counted_range),
    (rf"{_NOT_INSIDE}()(\d{{1,3}})-(\d{{1,3}})\s?{_UNIT}", _measured_range),
    (rf"{_NOT_INSIDE}\d{{1,6}}(?:-\d{{1,8}}){{1,3}}(?![\d-])", _joined),
    (
        rf"{_NOT_INSIDE}(?:{'|'.join(EMERGENCY_NUMBERS)})(?!\d|[.,]\d)(?!(?!대원|번)(?:{_COUNTING}))",
        _digits_with_pauses,
    ),
    (rf"{_NOT_INSIDE}([-−–]?){_N}{RANGE}{_N}\s?{_UNIT}", _measured_range),
    (rf"(?:시속|초속)\s?(){_N}\s?({_alternatives(SPEEDS)})", _measured),
    (rf"(?<!\d[.,])([-−–]?)(?<!\d){_N}\s?{_UNIT}", _measured),
    (rf"[₩￦]\s?{_N}(만|억|천)?", _money),
    (rf"{_NOT_INSIDE}{_N}(조|억|천만|백만|십만|만|천|백)(?:\s?(원))?", _large),
    (r"(하루에?|매일|매주|일주일에|한 ?달에|총)\s?(\d{1,2})번(?!지|길)", _times_counted),
    (rf"{_NOT_INSIDE}([1-9]0)대{_OF_A_GROUP}", _age_group),
    (rf"{_NOT_INSIDE}{_N}{RANGE}{_N}\s?{_COUNTER}", _counted_range),
    (rf"{_NOT_INSIDE}{_N}\s?{_COUNTER}", _counted),
    (rf"{_NOT_INSIDE}{_N}{RANGE}{_N}", _bare_range),
    (rf"(?<!\w)[-−–]{_N}", _negative),
    (r"\d{1,16}(?:,\d{3}){0,5}(?:\.\d{1,16})?", _bare),
)
RULES: tuple[Rule, ...] = tuple((re.compile(pattern), say) for pattern, say in _PATTERNS)
