"""How numbers are said with what they count, measure or cost."""

from __future__ import annotations

import re

from voice.numerals import by_digit, native, sino
from voice.readings import BELOW_ZERO, NATIVE_COUNTERS, SPEEDS, UNITS
from voice.tokens import (
    COUNTER,
    COUNTING,
    NOT_INSIDE,
    RANGE,
    UNIT,
    N,
    Rule,
    alternatives,
    count,
    measured,
    number,
)

_OF_A_GROUP = (
    r"(?=\s?(?:이상|이하|남|여|어르신|노인|주민|초반|중반|후반|고령|할머니|할아버지|청년|장년|부부|환자|"
    r"치매|로 보이))"
)
_GREAT = "조|천억|백억|십억|억|천만|백만|십만|만|천|백"
_PEOPLE = r"어르신|손님|주민|회원|유족|가족|할머니|할아버지|이장님|선생님|내빈|참석자|신청자|선착순|추첨|당첨자|대상자"
_BUILDINGS = r"하우스|축사|주택|건물|창고|온실|천막|텐트|부스|정자|컨테이너"
_OFTEN = r"하루에?|매일|매주|매월|매달|일주일에|한 ?달에|일 년에|총"


def _measured(match: re.Match[str]) -> str:
    return measured(match[2], match[3], match[1])


def _measured_range(match: re.Match[str]) -> str:
    """십에서 이십 킬로그램, but below zero each end has its own sign: 영하 십 도에서 영하 오 도."""
    sign, first, second_sign, last, unit = match.group(1, 2, 3, 4, 5)
    if sign or second_sign or unit in BELOW_ZERO:
        return f"{measured(first, unit, sign)}에서 {measured(last, unit, second_sign)}"
    if unit in SPEEDS:
        return f"{SPEEDS[unit]} {number(first)}에서 {number(last)} {UNITS[unit]}"
    return f"{number(first)}에서 {measured(last, unit)}"


def _counted(match: re.Match[str]) -> str:
    return count(match[1], match[2])


def _ordinal_name(match: re.Match[str]) -> str:
    """제21대, 제3회: names in order, always Sino-Korean."""
    return f"{number(match[1])}{f' {match[2]}' if match[2] else ''}"


def _named_set(match: re.Match[str]) -> str:
    """4대 보험, 5대 질병."""
    return f"{sino(match[1])}대"


def _how_often(match: re.Match[str]) -> str:
    """하루 3번: how often, so native; without such a word 번 is a number's name (1번을 누르세요)."""
    return f"{match[1]} {native(match[2])} 번"


def _so_often(match: re.Match[str]) -> str:
    return f"{native(match[1])} 번"


def _buildings(match: re.Match[str]) -> str:
    return f"{match[1]} {native(match[2])} 동"


def _persons(match: re.Match[str]) -> str:
    """어르신 3분 are three persons, 3분 alone three minutes."""
    return f"{match[1]} {native(match[2])} 분"


def _counted_range(match: re.Match[str]) -> str:
    first, last, counter = match[1], match[2], match[3]
    if counter in NATIVE_COUNTERS and (few := _FEW.get((first, last))):
        return f"{few} {counter}"
    return f"{count(first, counter)}에서 {count(last, counter)}"


# What people say for neighbouring small numbers; the other pairs are said in full.
_FEW = {
    ("1", "2"): "한두",
    ("2", "3"): "두세",
    ("3", "4"): "서너",
    ("4", "5"): "네댓",
    ("5", "6"): "대여섯",
    ("6", "7"): "예닐곱",
    ("7", "8"): "일고여덟",
}


def _age_group(match: re.Match[str]) -> str:
    """70대 어르신, not seventy vehicles."""
    return f"{sino(match[1])}대"


def _age_groups(match: re.Match[str]) -> str:
    return f"{sino(match[1])}대에서 {sino(match[2])}대"


def _some(match: re.Match[str]) -> str:
    """20여 명, 10여m: a little more than a round number is said in Sino-Korean."""
    unit = UNITS.get(match[2] or "", "")
    return f"{number(match[1])}여{f' {unit}' if unit else ''}"


def _parts(match: re.Match[str]) -> str:
    return f"{sino(match[1])}분의 {sino(match[2])}"


def _ratio(match: re.Match[str]) -> str:
    return f"{number(match[1])} 대 {number(match[2])}"


def _money(match: re.Match[str]) -> str:
    return f"{number(match[1])}{match[2] or ''} 원"


def _dollars(match: re.Match[str]) -> str:
    return f"{number(match[1])}{match[2] or ''} 달러"


def _large(match: re.Match[str]) -> str:
    """3만, 5천, 2억: the number and its unit are one word."""
    is_one = match[1] == "1" and match[2] not in ("억", "조")
    said = "" if is_one else number(match[1])
    return f"{said}{match[2]}{' 원' if match[3] else ''}"


def _large_range(match: re.Match[str]) -> str:
    return f"{number(match[1])}{match[3]}에서 {number(match[2])}{match[3]}{' 원' if match[4] else ''}"


def _price_of_each(match: re.Match[str]) -> str:
    """5,000원/kg is said the other way round, with a 당."""
    each = UNITS.get(match[3], match[3])
    return f"{each}당 {number(match[1])}{match[2] or ''} 원"


def _per_unit(match: re.Match[str]) -> str:
    return f"{UNITS.get(match[1], '아르')}당"


def _bare(match: re.Match[str]) -> str:
    """Eight digits or more without commas are a number that one writes down, not an amount."""
    return by_digit(match[0]) if match[0].isdigit() and len(match[0]) >= 8 else number(match[0])


def _bare_range(match: re.Match[str]) -> str:
    return f"{number(match[1])}에서 {number(match[2])}"


def _negative(match: re.Match[str]) -> str:
    return f" 마이너스 {number(match[1])}"


def _ares(match: re.Match[str]) -> str:
    return f"{number(match[1])} 아르당"


_SIGN = r"([-−–]?)"
_LATIN_UNIT = alternatives(unit for unit in UNITS if unit not in ("도", "°", "%"))
AMOUNTS: tuple[Rule, ...] = (
    (rf"{NOT_INSIDE}(\d{{1,3}})분의\s?(\d{{1,3}})", _parts),
    (rf"{NOT_INSIDE}(\d{{1,3}}(?:\.\d)?)\s?:\s?(\d{{1,2}})(?!\d)", _ratio),
    (rf"{NOT_INSIDE}(\d{{1,3}}(?:\.\d)?)\s?대\s?(1)(?!\d)", _ratio),
    (
        rf"{NOT_INSIDE}{N}(만|천|백)?\s?원\s?/\s?({_LATIN_UNIT}|(?:개|포대|포|명|평|대|마리|박스|상자|일|월|회)(?![가-힣]))(?![A-Za-z])",
        _price_of_each,
    ),
    (rf"(?<![\dA-Za-z])({_LATIN_UNIT}|a)당(?![가-힣])", _per_unit),
    (rf"{NOT_INSIDE}{N}a당(?![가-힣])", _ares),
    (rf"{NOT_INSIDE}{_SIGN}{N}{RANGE}{_SIGN}{N}\s?{UNIT}", _measured_range),
    (rf"(?:시속|초속)\s?(){N}\s?({alternatives(SPEEDS)})", _measured),
    (rf"(?<!\d[.,]){_SIGN}(?<!\d){N}\s?{UNIT}", _measured),
    (rf"{NOT_INSIDE}{N}(?:여|여\s)({_LATIN_UNIT})(?![A-Za-z])", _some),
    (rf"{NOT_INSIDE}{N}여()(?=\s?(?:{COUNTING}))", _some),
    (rf"[₩￦]\s?{N}(만|억|천)?", _money),
    (rf"\$\s?{N}(만|억|천)?", _dollars),
    (rf"{NOT_INSIDE}{N}{RANGE}{N}({_GREAT})(?:\s?(원))?", _large_range),
    (rf"{NOT_INSIDE}{N}({_GREAT})(?:\s?(원))?", _large),
    (rf"(?<=제)\s?{N}\s?(회차|회|대|차|기|호|조|항|단지|공구|지구)?", _ordinal_name),
    (
        rf"{NOT_INSIDE}(\d{{1,2}})대(?=\s?(?:강|보험|명절|악|질병|의무|종단|암|영양|사업|과제|중점))",
        _named_set,
    ),
    (rf"({_OFTEN})\s?(\d{{1,2}})번(?![지길]|\s?국도|\s?버스|\s?출구)", _how_often),
    (rf"{NOT_INSIDE}(\d{{1,2}})번(?=\s?(?:씩|정도|더|이나|이상|반복|연속|에 걸쳐))", _so_often),
    (rf"({_BUILDINGS})\s?(\d{{1,2}})동", _buildings),
    (rf"({_PEOPLE})\s?(\d{{1,2}})\s?분(?!기|의|간|\s?(?:거리|동안|뒤|후|전|정도|이내))", _persons),
    (rf"{NOT_INSIDE}([1-9]0)대?{RANGE}([1-9]0)대", _age_groups),
    (rf"{NOT_INSIDE}([1-9]0)대{_OF_A_GROUP}", _age_group),
    (rf"{NOT_INSIDE}{N}{RANGE}{N}\s?{COUNTER}", _counted_range),
    (rf"{NOT_INSIDE}{N}\s?{COUNTER}", _counted),
    (rf"{NOT_INSIDE}{N}{RANGE}{N}", _bare_range),
    (rf"(?<!\w)[-−–]{N}", _negative),
    (r"\d{1,16}(?:,\d{3}){0,5}(?:\.\d{1,16})?", _bare),
)
