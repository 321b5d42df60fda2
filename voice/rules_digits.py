"""How telephone, account and other numbers are told digit by digit."""

from __future__ import annotations

import re

from voice.numerals import by_digit, sino
from voice.readings import EMERGENCY_NUMBERS
from voice.tokens import COUNTING, NATIVE_COUNTER, NOT_INSIDE, RANGE, UNIT, Rule, count, measured

_PHONE = r"\(?0\d{1,3}\)?[-. ]?\d{3,4}[-. ]\d{4}"
_PLATE = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호배"


def _digits_with_pauses(match: re.Match[str]) -> str:
    return _grouped(match[0])


def _grouped(written: str) -> str:
    return ", ".join(by_digit(group) for group in re.findall(r"\d+", written))


def _mobile(match: re.Match[str]) -> str:
    digits = match[0]
    return ", ".join(by_digit(part) for part in (digits[:3], digits[3:-4], digits[-4:]))


def _foreign(match: re.Match[str]) -> str:
    return "더하기 " + _grouped(match[0])


def _lines(match: re.Match[str]) -> str:
    """031-123-4567~8: two lines of one office."""
    return f"{_grouped(match[1])} 또는 {by_digit(match[2])}"


def _joined(match: re.Match[str]) -> str | None:
    """Digits joined by hyphens that are no telephone number: an account if long, else 12-3번지."""
    groups = match[0].split("-")
    if sum(len(group) for group in groups) >= 7:
        return _grouped(match[0])
    between = " 다시 " if len(groups) == 2 else ", "
    return between.join(sino(group) for group in groups) + " "


def _account(match: re.Match[str]) -> str | None:
    """Digits in groups with spaces: an account from ten digits on."""
    return _grouped(match[0]) if len(match[0].replace(" ", "")) >= 10 else None


def _plate(match: re.Match[str]) -> str:
    return f"{by_digit(match[1])} {match[2]} {by_digit(match[3])}"


def _after_a_word(match: re.Match[str]) -> str:
    return f"{match[1]} {by_digit(match[2])}"


def _known(match: re.Match[str]) -> str:
    return by_digit(match[1])


def _anniversary(match: re.Match[str]) -> str:
    """3·1절, 6·25, 5·18; from ten on as a number: 6·10 육십, 12·12 십이십이."""
    return "".join(sino(part) if 10 <= int(part) <= 12 else by_digit(part) for part in match.group(1, 2))


def _counted_pair(match: re.Match[str]) -> str:
    """10·11월, 1·2동: a list, not a number."""
    return f"{sino(match[1])}, {count(match[2], match[3])}"


def _listed(match: re.Match[str]) -> str:
    return ", ".join(sino(part) for part in match.group(1, 2))


def _paired_range(match: re.Match[str]) -> str:
    return f"{count(match[1], match[3])}에서 {count(match[2], match[3])}"


def _paired_measure(match: re.Match[str]) -> str:
    return f"{measured(match[1], match[3])}에서 {measured(match[2], match[3])}"


_EVENTS = "절|운동|혁명|전쟁|참전|사변|민주|광복|항쟁|만세|의거|총선|대선|지방선거|재보궐|보궐|조기|전국"

LONG: tuple[Rule, ...] = (
    (r"\d{17,}", _digits_with_pauses),
    (r"\+\d{1,3}[- ]\d{1,4}[- ]\d{3,4}[- ]\d{4}(?!\d)", _foreign),
    (rf"{NOT_INSIDE}({_PHONE}|\d{{4}}-\d{{4}}){RANGE}(\d{{1,4}})(?![\d시월일.:,-])", _lines),
    (rf"{NOT_INSIDE}{_PHONE}[,/]\s?\d{{4}}(?!\d|[,.~-]\d|\s?(?:{COUNTING}))", _digits_with_pauses),
    (rf"{NOT_INSIDE}{_PHONE}(?![\d-])", _digits_with_pauses),
    (rf"{NOT_INSIDE}01[016789]\d{{7,8}}(?!\d)", _mobile),
    (rf"{NOT_INSIDE}\d{{3,4}}-\d{{4}}(?![\d-]|\s?년)", _digits_with_pauses),
    (rf"{NOT_INSIDE}(\d{{2,3}})\s?([{_PLATE}])\s?(\d{{4}})(?![\d,.~:-]|{COUNTING})", _plate),
    (rf"{NOT_INSIDE}\d{{2,6}}(?: \d{{2,7}}){{2,3}}(?! ?\d|[,.~:/-]\d|\s?(?:{COUNTING}))", _account),
)
SHORT: tuple[Rule, ...] = (
    (rf"{NOT_INSIDE}(\d{{1,2}})\.(\d{{1,2}})(?=\s?(?:{_EVENTS}))", _anniversary),
    (rf"(?<!제){NOT_INSIDE}(\d{{1,2}})[·ㆍ‧](\d{{1,2}})(?=\s?(?:{_EVENTS}))", _anniversary),
    (
        rf"{NOT_INSIDE}(\d{{1,2}})[·ㆍ‧](\d{{1,2}})\s?(월|일|층|동|호|리|구|통|반|차|회|학년|번|주|급|등|개|명)",
        _counted_pair,
    ),
    (r"(?<=제)(\d{1,2})[·ㆍ‧](\d{1,2})(?!\d)", _listed),
    (rf"{NOT_INSIDE}(\d{{1,2}})[·ㆍ‧](\d{{1,2}})(?![\d·])", _anniversary),
    (rf"{NOT_INSIDE}(\d{{1,3}})-(\d{{1,3}}){NATIVE_COUNTER}", _paired_range),
    (rf"{NOT_INSIDE}(\d{{1,3}})-(\d{{1,3}})\s?{UNIT}", _paired_measure),
    (rf"{NOT_INSIDE}\d{{1,6}}(?:-\d{{1,8}}){{1,3}}(?![\d-])", _joined),
    (r"(국번\s?없이|내선(?:번호)?|단축번호|사서함)\s?:?\s?(\d{2,5})(?![\d,.-]*\d)", _after_a_word),
    (
        r"((?:문의|전화|연락처|신고)(?:처|번호)?)\s?:?\s?(\d{3,4})(?!\d|[,.~-]\d)"
        rf"(?!\s?(?:{COUNTING}))",
        _after_a_word,
    ),
    (
        rf"{NOT_INSIDE}(\d{{3,4}})(?=번?(?:으로|로|에|에게)\s?(?:바로 |즉시 |꼭 )?(?:전화|신고|연락|문의|알려))",
        _known,
    ),
    (
        rf"{NOT_INSIDE}({'|'.join(EMERGENCY_NUMBERS)})(?!\d|[.,]\d|번[지길])(?!(?!대원|번|구[급조])(?:{COUNTING}))",
        _known,
    ),
)
