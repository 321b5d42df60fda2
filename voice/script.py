"""Turns a written announcement into the text that every speech engine reads alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from broadcast.errors import InvalidInput
from voice.readings import (
    ACRONYMS,
    BLANKS,
    HANJA,
    LETTERS,
    ORDINALS,
    PAUSES,
    SIGNS,
    SPECIAL,
    SPELT_LETTERS,
    STOPS,
)
from voice.tokens import RULES, SAID, WHEN, Say

MOST_UNREAD, MOST_CHANGES = 50, 500
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]가-힣]{1,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII
)
_LIST_NUMBER = re.compile(r"^\s?(\d{1,2})[.)]\s?(?![\d\s])", re.MULTILINE)
_DRAWN_OUT = re.compile(r"(?<=[가-힣])~+(?=[.,!?]|\s(?!\d)|$)")
_TILDE = re.compile(r" ?~+ ?")
_WEEKDAYS = re.compile(r"\(\s?[월화수목금토일](?:요일)?(?:\s?[,·~/]\s?[월화수목금토일](?:요일)?){0,6}\s?\)")
_WEEKDAY_RANGE = re.compile(r"(?<![가-힣])([월화수목금토일])~([월화수목금토일])(?![가-힣])")
_FROM_TO = re.compile(rf"{WHEN}~([^{WHEN}~]{{1,80}}){WHEN}(?!\s?까지)")
_UNTIL = re.compile(rf"(?<![가-힣{WHEN}])~([^{WHEN}~]{{1,80}}){WHEN}(?!\s?까지)")
_BETWEEN = re.compile(rf"(?<=[가-힣])~(?=[가-힣{SAID}])")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_PUNCTUATION = re.compile(r"[\s,.?!]+")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_MARKS = _WIDE | {ord(wide): "~" for wide in "∼〜"} | {ord(wave): stop for wave, stop in STOPS.items()}
_SILENT = frozenset({"Cc", "Cf", "Mn", "Me", "Zl", "Zp"})


@dataclass(frozen=True)
class Script:
    """Speakable text. `changes`: what was written and how it is read; `unread`: what no engine will say."""

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
    return char


def _replace(text: str, readings: Mapping[str, str], notes: _Notes) -> str:
    keys = sorted(filter(None, readings), key=len, reverse=True)
    if not keys:
        return text
    either = re.compile("|".join(re.escape(key) for key in keys))
    return either.sub(lambda match: notes.change(match[0], readings[match[0]]), text)


# --- Korean -----------------------------------------------------------------------------------

_SPECIAL_WORD = re.compile(
    "(?<![A-Za-z0-9])(?:" + "|".join(re.escape(key) for key in SPECIAL) + ")(?![A-Za-z0-9])"
)


def _korean(text: str, notes: _Notes) -> str:
    text = _ADDRESS.sub(lambda match: _left_out(match[0], notes), text)
    text = _SPECIAL_WORD.sub(lambda match: notes.change(match[0], SPECIAL[match[0]]), text)
    text = _LIST_NUMBER.sub(lambda match: notes.change(match[0], _ordinal(match[1])), text)
    text = text.replace("\n", ". ")
    text = _TILDE.sub("~", _DRAWN_OUT.sub(" ", text))
    text = "".join(HANJA.get(char, char) for char in text)
    text = _read_numbers(text, notes)
    text = _read_weekdays(text, notes)
    text = _read_ranges(text)
    text = _WORD.sub(lambda match: notes.change(match[0], _latin(match[0], notes)), text)
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
        days = re.findall(r"[월화수목금토일](?=요일|\W)|[~]", match[0])
        said = " ".join(f"{day}요일" for day in days if day != "~")
        if "~" in days and len(days) == 3:
            said = f"{days[0]}요일부터 {days[2]}요일까지"
        return notes.change(match[0], f" {said} ")

    text = _WEEKDAYS.sub(one_or_more, text)
    return _WEEKDAY_RANGE.sub(
        lambda match: notes.change(match[0], f"{match[1]}요일부터 {match[2]}요일까지"), text
    )


def _read_ranges(text: str) -> str:
    """Between dates and times 부터 and 까지, between places and amounts 에서."""
    text = _FROM_TO.sub(r"부터 \1까지 ", text)
    text = text.replace(f"{WHEN}~", "부터 ")
    text = _UNTIL.sub(r" \1까지 ", text)
    text = _BETWEEN.sub("에서 ", text)
    return text.replace(WHEN, "").replace(SAID, "")


def _latin(word: str, notes: _Notes) -> str:
    """By the table, else letter by letter; what is no abbreviation is reported, for the dictionary."""
    if known := ACRONYMS.get(word.upper()):
        return known
    if (not word.isupper() and len(word) > 1) or len(word) > SPELT_LETTERS:
        notes.leave_out(word)
    return "".join(LETTERS.get(letter, "") for letter in word.upper())


def _sound(char: str, notes: _Notes) -> str:
    if "가" <= char <= "힣" or char in " ,.?!":
        return char
    if char in SIGNS:
        return notes.change(char, SIGNS[char])
    if char in PAUSES:
        return ", "
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
    """Engines read numbers and names of other languages themselves; only what has no sound is taken out."""
    text = _ADDRESS.sub(lambda match: _left_out(match[0], notes), text).replace("\n", ". ")
    return unicodedata.normalize("NFC", _tidy("".join(_kept(char, notes) for char in text)))


def _kept(char: str, notes: _Notes) -> str:
    if char in BLANKS and char not in "-'’":
        return " "
    if char.isascii() or unicodedata.category(char)[0] in "LMNPZ" or char in SIGNS:
        return char
    notes.leave_out(char)
    return " "
