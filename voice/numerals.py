"""Korean numerals: Sino-Korean, native with counters, and digit by digit."""

from __future__ import annotations

DIGITS = "영일이삼사오육칠팔구"
PHONE_DIGITS = "공일이삼사오육칠팔구"  # 0 is 공 where digits are told one by one
SMALL_UNITS = ("", "십", "백", "천")
LARGE_UNITS = ("", "만", "억", "조", "경")
MOST_DIGITS = 16

NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")


def sino(number: str) -> str:
    """A whole number in digits, up to 16 of them: "12345" -> "만 이천삼백사십오"; longer ones digit by digit."""
    digits = number.lstrip("0")
    if not digits:
        return DIGITS[0]
    if len(digits) > MOST_DIGITS:
        return by_digit(number)
    groups = []
    while digits:
        groups.append(digits[-4:])
        digits = digits[:-4]
    words = [_group(group, unit) for group, unit in zip(groups, LARGE_UNITS, strict=False)]
    return " ".join(word for word in reversed(words) if word)


def _group(digits: str, unit: str) -> str:
    """Up to four digits with their 만 or 억; 일만 is said 만, 일억 stays."""
    if int(digits) == 0:
        return ""
    if int(digits) == 1 and unit == "만":
        return unit
    return _up_to_thousands(digits) + unit


def _up_to_thousands(digits: str) -> str:
    words = ""
    for place, digit in enumerate(reversed(digits)):
        if digit == "0":
            continue
        one = "" if digit == "1" and place else DIGITS[int(digit)]  # 백, not 일백
        words = one + SMALL_UNITS[place] + words
    return words


def native(number: str) -> str:
    """As before a counter: "1" -> "한", "20" -> "스무", "52" -> "쉰두"; Sino-Korean from 100 on and for 0."""
    if not 1 <= len(number.lstrip("0")) <= 2:
        return sino(number)
    value = int(number)
    if value == 20:
        return "스무"
    return NATIVE_TENS[value // 10] + NATIVE_ONES[value % 10]


def by_digit(number: str) -> str:
    """Digits one by one; a long row in groups of four with a pause between."""
    groups = [number[start : start + 4] for start in range(0, len(number), 4)]
    if len(number) <= 6:
        groups = [number]
    return ", ".join("".join(PHONE_DIGITS[int(digit)] for digit in group) for group in groups)


def decimal(whole: str, fraction: str) -> str:
    """ "6", "25" -> "육 점 이오"."""
    return f"{sino(whole)} 점 {''.join(DIGITS[int(digit)] for digit in fraction)}"
