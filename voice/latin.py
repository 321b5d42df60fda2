"""How Latin letters are read in a Korean announcement: by table, as Roman numerals, or letter by letter."""

from __future__ import annotations

import re

from voice.words import ACRONYMS, ENGLISH, LETTERS, LISTED_ROMAN, ROMAN, ROMAN_CHARACTERS, SPELT_LETTERS

# A hyphen joins only what a table knows joined: Wi-Fi, E-mail.
WORD = re.compile(r"(?:[A-Za-z]{1,8}-[A-Za-z]{1,8}(?![A-Za-z-])|[A-Za-z]+(?:['’][A-Za-z]+)?)")
_ROMAN = re.compile(rf"(?<![A-Za-z])({'|'.join(sorted(ROMAN, key=len, reverse=True))})(?![A-Za-z.&/'-])")
_LISTED_ROMAN = re.compile(
    rf"^\s?({'|'.join(sorted(LISTED_ROMAN, key=len, reverse=True))})\.\s?(?=[가-힣])", re.MULTILINE
)


def known(word: str) -> str | None:
    """The reading that everybody knows."""
    return ACRONYMS.get(word.upper()) or ENGLISH.get(word.upper())


def said_in_letters(word: str) -> tuple[str, list[str]]:
    """How a word is read, and which parts of it were spelt though they are no abbreviations."""
    if reading := known(word):
        return reading, []
    parts = re.findall("[A-Za-z]+", word)
    if len(parts) > 1 and "-" in word:
        read = [said_in_letters(part) for part in parts]
        return " ".join(said for said, _ in read), [spelt for _, unsure in read for spelt in unsure]
    spelt = "".join(LETTERS[letter] for letter in "".join(parts).upper())
    is_unsure = (not word.isupper() and len(word) > 1) or len(word) > SPELT_LETTERS
    return spelt, [word] if is_unsure else []


def with_roman_numerals(text: str) -> str:
    """Roman numerals as digits, for the rules of numbers: 제II공장, Ⅲ급, "I. 개요"."""
    text = "".join(str(ROMAN_CHARACTERS[char]) if char in ROMAN_CHARACTERS else char for char in text)
    text = _LISTED_ROMAN.sub(lambda match: f"{LISTED_ROMAN[match[1]]}. ", text)
    return _ROMAN.sub(lambda match: str(ROMAN[match[1]]), text)
