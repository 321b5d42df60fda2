"""Turns a written announcement into the text that every speech engine reads alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from broadcast.errors import InvalidInput
from voice.latin import WORD, said_in_letters, with_roman_numerals
from voice.readings import BLANKS, ORDINALS, PAUSES, QUOTES, SIGNS, STOPS, UNITS
from voice.romanise import romanise
from voice.rules import RULES
from voice.tokens import SAID, WHEN, Say
from voice.words import HANJA, ROMAN_CHARACTERS, SPECIAL

MOST_UNREAD, MOST_CHANGES = 50, 500
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]가-힣]{1,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII
)
# Names made unreadable on purpose: 김○○, ○○리, 이OO.
_MASKED = re.compile(
    r"(?<=[가-힣])(?:[○◯〇]{1,6}|[O×X]{2,6})|(?:[○◯〇]{1,6}|(?<![A-Za-z])[O×X]{2,6})(?=[가-힣])"
)
_LIST_NUMBER = re.compile(r"^\s?(\d{1,2})[.)]\s?(?![\d\s])", re.MULTILINE)
_ABBREVIATION = re.compile(r"(?<![A-Za-z])(tel|fax|no|hp|e-?mail|mobile)\.(?=[\s\d(:]|$)", re.IGNORECASE)
# What closes before a particle makes no pause: (예금주 행복리)로.
_CLOSED = re.compile(r"(?<=[가-힣])(?<![(~·,/ ][월화수목금토일])(?<!요일)[)\]」』》〉](?=[가-힣])")
# A hyphen that stands between two dates or times is a tilde.
_TIE = re.compile(
    r"(?<=\d[일시분월])\s?[-–—]\s?(?=\d{1,2}[일시월.:/])|(?<=:\d\d)\s?[-–—]\s?(?=\d{1,2}:)"
    r"|(?<=[월화수목금토일]\))\s?[-–—]\s?(?=\d{1,2}[일시월.:/])|(?<=\d)\s?[–—]\s?(?=\d)"
)
_DRAWN_OUT = re.compile(r"(?<=[가-힣])~+(?=[.,!?]|\s(?!\d)|$)")
_TILDE = re.compile(r" ?~+ ?")
_DAY = "[월화수목금토일]"
_WEEKDAYS = re.compile(rf"\(\s?{_DAY}(?:요일)?(?:\s?[,·ㆍ~/]\s?{_DAY}(?:요일)?){{0,6}}\s?\)")
_WEEKDAY_LIST = re.compile(
    rf"(?<![가-힣])({_DAY}(?:[·ㆍ･・/]{_DAY}){{1,6}})(?:요일)?(?=에|은|는|마다|만|[·ㆍ/]\s?공휴|공휴|[^가-힣·ㆍ/]|$)"
)
_WEEKDAY_RANGE = re.compile(rf"(?<![가-힣])({_DAY})(?:요일)?~({_DAY})(?:요일까지|요일|까지|(?![가-힣]))")
_FROM_TO = re.compile(rf"{WHEN}~([^{WHEN}~]{{1,80}}){WHEN}(?!\s?까지)")
# 3월 5일 22:00~3월 6일 05:00: the end is the second date with its time.
_LATER_DAY = re.compile(
    rf"(?<=[시분]){WHEN}~([^{WHEN}~]{{1,80}}[일]){WHEN}(\s?{SAID}[^{WHEN}{SAID}~.,]{{1,40}}[시분]{WHEN})(?!~)"
)
_UNTIL = re.compile(rf"(?<![가-힣{WHEN}])~([^{WHEN}~]{{1,80}}){WHEN}(?!\s?까지)")
_BETWEEN = re.compile(rf"(?<=[가-힣])~(?=[가-힣A-Za-z{SAID}])")
_PUNCTUATION = re.compile(r"[\s,.?!]+")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_MARKS = _WIDE | {ord(wide): "~" for wide in "∼〜"} | {ord(wave): stop for wave, stop in STOPS.items()}
_SILENT = frozenset({"Cc", "Cf", "Mn", "Me", "Zl", "Zp"})
_OWN_READING = (
    frozenset(SIGNS)
    | frozenset(HANJA)
    | frozenset(ROMAN_CHARACTERS)
    | PAUSES
    | BLANKS
    | frozenset("".join(UNITS))
)
_TELEPHONE = re.compile(r"(?<![\d-])(?:\+?\d{2,4}(?:[- ]\d{3,4}){1,3}|1[13][0-9])(?![\d-]|[.,]\d)")


@dataclass(frozen=True)
class Script:
    """Speakable text. `changes`: what was written and how it is read.

    `unread`: what is left out, and foreign words that could only be spelt letter by letter.
    """

    text: str
    language: str
    changes: tuple[tuple[str, str], ...]
    unread: tuple[str, ...]


@dataclass(slots=True)
class _Notes:
    """What the author is told about the reading; dicts because they keep order and are quick to ask."""

    changes: dict[tuple[str, str], None] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)

    def change(self, written: str, said: str) -> str:
        shown = said.replace(WHEN, "").replace("~", " ~ ").strip(" ,")
        if shown and written.strip() != shown and len(self.changes) < MOST_CHANGES:
            self.changes[(written.strip(), shown)] = None
        return said

    def leave_out(self, what: str) -> None:
        if len(self.unread) < MOST_UNREAD:
            self.unread[what] = None


def prepare(text: str, *, language: str = "ko", dictionary: Mapping[str, str] | None = None) -> Script:
    """The spoken form. Reading it again changes nothing; InvalidInput where nothing can be spoken.

    `dictionary` holds a village's own readings; they are replaced first, longest first.
    """
    notes = _Notes()
    is_korean = language == "ko"
    cleaned = _clean(text, is_korean, notes)
    if dictionary:
        cleaned = _replace(cleaned, dictionary, notes)
    spoken = _korean(cleaned, notes) if is_korean else _other(cleaned, notes)
    if not any(unicodedata.category(char)[0] in "LN" for char in spoken):
        raise InvalidInput(
            "There is nothing in this text that can be read aloud.",
            "소리 내어 읽을 수 있는 글자가 없습니다.",
            field="text",
        )
    return Script(spoken, language, tuple(notes.changes), tuple(notes.unread))


def _clean(text: str, is_korean: bool, notes: _Notes) -> str:
    """One form for each character: composed Hangul, ASCII digits and marks, line ends and single spaces."""
    composed = unicodedata.normalize("NFC", text).translate(_MARKS)
    lines = re.sub(r"\r\n?", "\n", composed)
    characters = "".join(_clean_character(char, is_korean, notes) for char in lines)
    return re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[^\S\n]+", " ", characters)).strip()


def _clean_character(char: str, is_korean: bool, notes: _Notes) -> str:
    if (char.isascii() and char.isprintable()) or "가" <= char <= "힣" or char == "\n":
        return char
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if char.isspace():
        return "\n" if category in ("Zl", "Zp") or char in "\v\f\x85" else " "
    if category == "Mn" and not is_korean and not "\ufe00" <= char <= "\ufe0f":
        return char  # a vowel of Thai or Nepali
    if category in _SILENT:
        return ""
    if category in ("Co", "Cs", "Cn"):
        notes.leave_out(char.encode("unicode_escape").decode())
        return ""
    return _plain(char) if is_korean else char


def _plain(char: str) -> str:
    """What a character is made of, where that can be read: ㉮ 가, ㎒ MHz, é e."""
    if char in _OWN_READING:
        return char
    parts = unicodedata.normalize("NFKD", char)
    base = unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))
    is_readable = all((part.isascii() and part.isprintable()) or "가" <= part <= "힣" for part in base)
    return base if base and is_readable else char


def _replace(text: str, readings: Mapping[str, str], notes: _Notes) -> str:
    keys = sorted(filter(None, readings), key=len, reverse=True)
    if not keys:
        return text
    either = re.compile("|".join(re.escape(key) for key in keys))
    return either.sub(lambda match: notes.change(match[0], readings[match[0]]), text)


# --- Korean -----------------------------------------------------------------------------------

_SPECIAL_WORD = re.compile(
    "(?<![A-Za-z0-9])(?:"
    + "|".join(re.escape(key) for key in sorted(SPECIAL, key=len, reverse=True))
    + ")(?![A-Za-z0-9])"
)


def _korean(text: str, notes: _Notes) -> str:
    text = _ADDRESS.sub(lambda match: _left_out(match[0], notes), text)
    text = _SPECIAL_WORD.sub(lambda match: notes.change(match[0], SPECIAL[match[0]]), text)
    text = _ABBREVIATION.sub(r"\1 ", text)
    text = _MASKED.sub(lambda match: _left_out(match[0], notes), text)
    text = with_roman_numerals(text)
    text = _LIST_NUMBER.sub(lambda match: notes.change(match[0], _ordinal(match[1])), text)
    text = _CLOSED.sub("", text)
    text = _TIE.sub("~", text.replace("\n", ". "))
    text = _TILDE.sub("~", _DRAWN_OUT.sub(" ", text))
    text = "".join(HANJA.get(char, char) for char in text)
    text = _read_numbers(text, notes)
    text = _read_weekdays(text, notes)
    text = _read_ranges(text)
    text = WORD.sub(lambda match: notes.change(match[0], _latin(match[0], notes)), text)
    return _tidy("".join(_sound(char, notes) for char in text))


def _left_out(what: str, notes: _Notes) -> str:
    notes.leave_out(what)
    return " "


def _ordinal(number: str) -> str:
    value = int(number)
    return f"{ORDINALS[value - 1]}, " if 1 <= value <= len(ORDINALS) else f"{number}번, "


def _read_numbers(text: str, notes: _Notes) -> str:
    for pattern, say in RULES:
        text = pattern.sub(partial(_said, say, notes), text)
    return text


def _said(say: Say, notes: _Notes, match: re.Match[str]) -> str:
    said = say(match)
    return match[0] if said is None else SAID + notes.change(match[0], said)


def _read_weekdays(text: str, notes: _Notes) -> str:
    def one_or_more(match: re.Match[str]) -> str:
        days = re.findall(f"{_DAY}|~", match[0].replace("요일", ""))
        said = " ".join(f"{day}요일" for day in days if day != "~")
        if "~" in days and len(days) == 3:
            said = f"{days[0]}요일부터 {days[2]}요일까지"
        return notes.change(match[0], f" {said} ")

    def listed(match: re.Match[str]) -> str:
        return notes.change(match[0], " ".join(f"{day}요일" for day in re.findall(_DAY, match[1])))

    text = _WEEKDAY_LIST.sub(listed, _WEEKDAYS.sub(one_or_more, text))
    return _WEEKDAY_RANGE.sub(
        lambda match: notes.change(match[0], f"{match[1]}요일부터 {match[2]}요일까지"), text
    )


def _read_ranges(text: str) -> str:
    """Between dates and times 부터 and 까지, between places and amounts 에서."""
    text = _LATER_DAY.sub(rf"{WHEN}~\1\2", text)
    text = _FROM_TO.sub(r"부터 \1까지 ", text)
    text = text.replace(f"{WHEN}~", "부터 ")
    text = _UNTIL.sub(r" \1까지 ", text)
    text = _BETWEEN.sub("에서 ", text)
    return text.replace(WHEN, "").replace(SAID, "")


def _latin(word: str, notes: _Notes) -> str:
    """By the tables, else letter by letter; what is no abbreviation is reported, for the dictionary."""
    said, spelt = said_in_letters(word)
    for part in spelt:
        notes.leave_out(part)
    return said


def _sound(char: str, notes: _Notes) -> str:
    if "가" <= char <= "힣" or char in " ,.?!":
        return char
    if char in SIGNS:
        return notes.change(char, SIGNS[char])
    if char in PAUSES:
        return ", "
    if char in QUOTES:
        return ""
    if char not in BLANKS:
        notes.leave_out(char)
    return " "


def _tidy(text: str) -> str:
    """One mark between words at most, the strongest of those that met."""

    def strongest(match: re.Match[str]) -> str:
        return next((f"{mark} " for mark in "?!.," if mark in match[0]), " ")

    return _PUNCTUATION.sub(strongest, text).lstrip(" ,.?!").rstrip(" ,")


# --- other languages --------------------------------------------------------------------------


def _other(text: str, notes: _Notes) -> str:
    """Engines read numbers of other languages themselves, but for telephone numbers, told digit by digit.

    What has no sound is taken out, and Korean names are written in Latin letters, which all engines read.
    """
    text = _ADDRESS.sub(lambda match: _left_out(match[0], notes), text).replace("\n", ". ")
    text = _TELEPHONE.sub(lambda match: notes.change(match[0], _apart(match[0])), text)
    text = re.sub("[가-힣]{1,400}", lambda match: notes.change(match[0], romanise(match[0])), text)
    return unicodedata.normalize("NFC", _tidy("".join(_kept(char, notes) for char in text)))


def _apart(number: str) -> str:
    """ "031-123-4567" -> "0 3 1, 1 2 3, 4 5 6 7"."""
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", number))


def _kept(char: str, notes: _Notes) -> str:
    if (char in BLANKS and char != "-") or (char in QUOTES and char not in "'’"):
        return " "
    if char.isascii() or unicodedata.category(char)[0] in "LMNPZ" or char in SIGNS:
        return char
    notes.leave_out(char)
    return " "
