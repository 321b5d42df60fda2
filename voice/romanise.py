"""Korean names in Latin letters (Revised Romanisation, syllable by syllable), for engines of other languages."""

from __future__ import annotations

_TABLE = """
g kk n d tt r m b pp s ss - j jj ch k t p h
a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i
- k k k n n n t l k m l l l p l m p p t t ng t t k t p t
"""
_FIRST, _VOWELS, _LAST = (line.split() for line in _TABLE.strip().splitlines())
_FIRST_SYLLABLE = ord("가")


def romanise(hangul: str) -> str:
    """ "마을회관" -> "maeulhoegwan". Only composed syllables are changed."""
    return "".join(_syllable(char) if "가" <= char <= "힣" else char for char in hangul)


def _syllable(char: str) -> str:
    place = ord(char) - _FIRST_SYLLABLE
    first, vowel, last = place // 588, place // 28 % 21, place % 28
    return (_FIRST[first] + _VOWELS[vowel] + _LAST[last]).replace("-", "")
