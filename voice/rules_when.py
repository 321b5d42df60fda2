"""How dates, times and their ranges are said."""

from __future__ import annotations

import re

from voice.numerals import native, sino
from voice.tokens import NOT_INSIDE, RANGE, WHEN, Rule, before, count, month

_DAY_NAME = r"[월화수목금토일]"
_WEEKDAY = rf"(?:\s?\(\s?({_DAY_NAME})(?:요일)?\s?\))?"
_ONE_DAY = rf"\s?\(\s?({_DAY_NAME})(?:요일)?\s?\)"
_HALF = r"(?:(오전|오후|새벽|아침|낮|저녁|밤|[AaPp]\.?[Mm]\b\.?)\s?)?"
_AFTER = r"(?:\s?([AaPp]\.?[Mm](?![A-Za-z])\.?))?"
_HALVES = {"a": "오전", "p": "오후"}
_CLOCK = rf"(\d{{1,2}}):(\d{{2}})(?::\d{{2}})?(?!\d){_AFTER}(?:시(?!간))?"
_MONTH_DAY = r"\s?[.월/-]\s?(\d{1,2})(?![\d-])(?:\s?일(?!간)|\.)?" + _WEEKDAY

# A number with a point after these words is an amount, with the others a date.
_AMOUNT_WORDS = re.compile(
    r"(?:규모|평균|강수량|점수|지수|평점|학점|수위|비율|배율|경쟁률|농도|시력|당도|산도|염도|지진|계수|수치|진도|"
    r"기온|수온|배당|금리|약|총|최대|최소|최고|최저|[A-Za-z])(?:은|는|이|가|도)?\s?:?\s?$"
)
_DATE_WORDS = re.compile(
    r"(?:일시|기간|날짜|일자|마감|기한|접수|신청|투표|개최|행사|발인|모임|예정|언제|개장|개학)(?:일|은|는)?\s?[:,]?\s?$"
)
_FRACTIONS = frozenset({("1", "2"), ("1", "3"), ("2", "3"), ("1", "4"), ("3", "4")})
_NO_POINT_ON_ITS_OWN = r"(?=\s?(?:부터|까지))"


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


def _year_month(match: re.Match[str]) -> str | None:
    if not 1 <= int(match[2]) <= 12:
        return None
    return f"{sino(match[1])}년 {month(int(match[2]))}{WHEN}"


def _short_year(match: re.Match[str]) -> str:
    return f"이천{sino(match[1])}년{WHEN}"


def _short_years(match: re.Match[str]) -> str:
    return f"이천{sino(match[1])}년{WHEN}~이천{sino(match[2])}년{WHEN}"


def _day_date(match: re.Match[str]) -> str | None:
    return _date(None, match[1], match[2], match[3])


def _dotted_date(match: re.Match[str]) -> str | None:
    """4.5. is the fifth of April, but not where an amount ends its sentence: 규모 4.5."""
    if not match[3] and _AMOUNT_WORDS.search(before(match)):
        return None
    return _day_date(match)


def _pointed_date(match: re.Match[str]) -> str | None:
    """4.5 is a decimal, but a date before 부터 and 까지."""
    if _AMOUNT_WORDS.search(before(match)):
        return None
    return _date(None, match[1], match[2], None)


def _announced_date(match: re.Match[str]) -> str | None:
    """일시: 4.5 and 접수기간 4.5~4.7: dates because the word before says so."""
    return _date(None, match[1], match[2], None) if _DATE_WORDS.search(before(match)) else None


def _pointed_range(match: re.Match[str]) -> str | None:
    if not _DATE_WORDS.search(before(match)) or _AMOUNT_WORDS.search(before(match)):
        return None
    first, last = _date(None, match[1], match[2], None), _date(None, match[3], match[4], None)
    return f"{first}~{last}" if first and last else None


def _slash_date(match: re.Match[str]) -> str | None:
    if (match[1], match[2]) in _FRACTIONS and not match[3]:
        return f"{sino(match[2])}분의 {sino(match[1])}"
    return _day_date(match)


def _quarter(match: re.Match[str]) -> str:
    return f"{sino(match[1])}사분기{WHEN}"


def _day(match: re.Match[str]) -> str | None:
    return f"{sino(match[1])}일{f' {match[2]}요일' if match[2] else ''}{WHEN}"


def _month_only(match: re.Match[str]) -> str | None:
    return month(int(match[1])) + WHEN if 1 <= int(match[1]) <= 12 else None


def _unit_range(match: re.Match[str]) -> str | None:
    """3~5일, 9~12시, 3~4월: both ends carry the unit."""
    half, first, last, unit = match[1], match[2], match[3], match[4]
    if unit == "시":
        start = _clock(half, first, None)
        return f"{start}~{_hour(last, is_end=True)}{WHEN}" if start else None
    return f"{half or ''} {count(first, unit)}{WHEN}~{count(last, unit)}{WHEN}".lstrip()


# --- times ------------------------------------------------------------------------------------


def _hour(number: str, *, is_end: bool = False) -> str:
    value = int(number)
    if value == 24 and is_end:
        return "밤 열두 시"
    if 12 < value < 24:
        return f"오후 {native(str(value - 12))} 시"
    return f"{native(number) if 1 <= value <= 12 else sino(number)} 시"


def _clock(half: str | None, hour: str, minute: str | None, *, is_digital: bool = False) -> str | None:
    if int(hour) > 24 or int(minute or 0) > 59:
        return None
    half = _HALVES.get(half[0].lower(), half) if half else None
    words = _hour(hour, is_end=is_digital)
    words = f"{half} {words.removeprefix('오후 ')}" if half else _part_of_day(hour, is_digital) + words
    if minute and int(minute):
        words += f" {sino(minute)} 분"
    return words + WHEN


def _part_of_day(hour: str, is_digital: bool) -> str:
    """09시 and 10:00 are of the twenty-four-hour clock, 9시 and 2:30 may be of either."""
    if is_digital and hour == "12":
        return "낮 "
    is_morning = len(hour) == 2 and hour != "00" and (hour[0] == "0" or (is_digital and hour in ("10", "11")))
    return "오전 " if is_morning else ""


def _time(match: re.Match[str]) -> str | None:
    return _clock(match[1] or match[4], match[2], match[3], is_digital=True)


def _spoken_time(match: re.Match[str]) -> str | None:
    return _clock(match[1], match[2], match[3])


def _bare_half(match: re.Match[str]) -> str | None:
    """7 PM."""
    return _clock(match[2], match[1], None)


def _time_range(match: re.Match[str]) -> str | None:
    """오후 2:00~10:00: where the first is of the twelve-hour clock, so is the second."""
    first_half, last_half = match[1] or match[4], match[5] or match[8]
    first = _clock(first_half, match[2], match[3], is_digital=True)
    is_same_clock = bool(first_half) and not last_half and int(match[6]) <= 12
    last = _clock(last_half, match[6], match[7], is_digital=not is_same_clock)
    return f"{first}~{last}" if first and last else None


def _midnight(_match: re.Match[str]) -> str:
    return "밤 열두 시" + WHEN


def _around_the_clock(_match: re.Match[str]) -> str:
    return "이십사 시"


_Y4, _Y2 = r"(\d{4})\s?[.년/-]\s?(\d{1,2})", r"(\d{2})\s?[.년]\s?(\d{1,2})"

# The order decides: what is longer or surer comes first.
DATES: tuple[Rule, ...] = (
    (rf"{NOT_INSIDE}([1-4])/4\s?분기", _quarter),
    (NOT_INSIDE + _Y4 + _MONTH_DAY, _full_date),
    (r"['’]" + _Y2 + _MONTH_DAY, _full_date),
    (rf"{NOT_INSIDE}(2\d)\.\s?(\d{{1,2}})\.\s?(\d{{1,2}})(?![\d.]\d)\.?{_WEEKDAY}", _full_date),
    (rf"{NOT_INSIDE}((?:19|20)\d\d)\.\s?(\d{{1,2}})(?:\.(?!\s?\d)|(?![\d.]))", _year_month),
    (rf"['’](\d{{2}})년?{RANGE}['’](\d{{2}})년", _short_years),
    (r"['’](\d{2})년", _short_year),
    (rf"{NOT_INSIDE}(\d{{1,2}})월\s?(\d{{1,2}})일{_WEEKDAY}", _day_date),
    (rf"{NOT_INSIDE}(\d{{1,2}})/(\d{{1,2}})(?![\d/]){_WEEKDAY}", _slash_date),
    (rf"{NOT_INSIDE}(\d{{1,2}})\.\s?(\d{{1,2}})\.(?!\d){_WEEKDAY}", _dotted_date),
    (rf"{NOT_INSIDE}(\d{{1,2}})\.\s?(\d{{1,2}}){_ONE_DAY}", _day_date),
    (
        rf"{NOT_INSIDE}(\d{{1,2}})\.(\d{{1,2}}){RANGE}(\d{{1,2}})\.(\d{{1,2}})(?![\d.])",
        _pointed_range,
    ),
    (rf"{NOT_INSIDE}(\d{{1,2}})\.(\d{{1,2}}){_NO_POINT_ON_ITS_OWN}", _pointed_date),
    (rf"{NOT_INSIDE}(\d{{1,2}})\.(\d{{1,2}})(?=\s?(?:[,)]|$|\s\d{{1,2}}[:시]))", _announced_date),
)
TIMES: tuple[Rule, ...] = (
    (rf"{_HALF}{NOT_INSIDE}{_CLOCK}{RANGE}{_HALF}{_CLOCK}", _time_range),
    (rf"{_HALF}{NOT_INSIDE}(\d{{1,4}}){RANGE}(\d{{1,4}})([일월시년])(?![간대])", _unit_range),
    (rf"{_HALF}{NOT_INSIDE}(?<!-)(\d{{1,2}})-(\d{{1,2}})([일월시])(?![간대])", _unit_range),
    (rf"{NOT_INSIDE}(\d{{1,2}})월(?!\d)", _month_only),
    (rf"{NOT_INSIDE}(\d{{1,2}})일{_ONE_DAY}", _day),
    (rf"{NOT_INSIDE}(\d{{1,2}})일()(?={RANGE}\d)", _day),
    (rf"(?<={RANGE})(\d{{1,2}})일()(?!간)", _day),
    (rf"{_HALF}{NOT_INSIDE}{_CLOCK}", _time),
    (rf"{NOT_INSIDE}(\d{{1,2}})\s?([AaPp]\.?[Mm](?![A-Za-z])\.?)", _bare_half),
    (rf"(?<={RANGE})24시(?!간)|{NOT_INSIDE}24시(?=\s?까지)", _midnight),
    (rf"{NOT_INSIDE}24시(?=\s?(?:운영|영업|편의점|무인|응급|상담|간이))", _around_the_clock),
    (rf"{_HALF}{NOT_INSIDE}(\d{{1,2}})시(?!간)(?:\s?(\d{{1,2}})분)?", _spoken_time),
)
