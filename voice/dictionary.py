"""Pronunciation dictionaries: what a county and its villages say differently from the rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from broadcast.errors import InvalidInput

MOST_ENTRIES = 1_000
LONGEST_WRITTEN, LONGEST_SPOKEN = 40, 80
_SPEAKABLE = re.compile(r"[가-힣0-9 ,.?!]+")
_HAS_A_SOUND = re.compile(r"[가-힣0-9]")


def merged(county: Mapping[str, str], village: Mapping[str, str]) -> dict[str, str]:
    """Both as one for `script.prepare`: the village's reading wins, the longest written form comes first."""
    both = {_plain(word): said for word, said in (*county.items(), *village.items())}
    return {word: both[word] for word in sorted(both, key=lambda word: (-len(word), word))}


def checked(entries: Mapping[str, str]) -> dict[str, str]:
    """The entries as they are kept. InvalidInput names the place of the first bad one, not its words."""
    if len(entries) > MOST_ENTRIES:
        raise InvalidInput(
            f"A dictionary holds at most {MOST_ENTRIES} words.",
            f"발음 사전에는 낱말을 {MOST_ENTRIES}개까지 넣을 수 있습니다.",
            field="dictionary",
        )
    kept: dict[str, str] = {}
    for place, (written, spoken) in enumerate(entries.items(), 1):
        word, said = _plain(written), _plain(spoken)
        if problem := _problem(word, said, kept):
            raise InvalidInput(
                f"Entry {place} of the dictionary: {problem[0]}",
                f"발음 사전 {place}번째 낱말: {problem[1]}",
                field=f"dictionary.{place}",
            )
        kept[word] = said
    return kept


def _plain(text: str) -> str:
    """As `script.prepare` sees it: composed, single spaces, no edges."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _problem(word: str, said: str, kept: Mapping[str, str]) -> tuple[str, str] | None:
    if not any(unicodedata.category(char)[0] in "LNS" for char in word):
        return "the written word is empty.", "쓰는 말이 비어 있습니다."
    if len(word) > LONGEST_WRITTEN or len(said) > LONGEST_SPOKEN:
        return (
            f"at most {LONGEST_WRITTEN} characters written and {LONGEST_SPOKEN} spoken.",
            f"쓰는 말은 {LONGEST_WRITTEN}자, 읽는 말은 {LONGEST_SPOKEN}자까지입니다.",
        )
    if not _SPEAKABLE.fullmatch(said) or not _HAS_A_SOUND.search(said):
        return "write how it is spoken in Hangul.", "읽는 말은 한글로 적어 주세요."
    if len(word) == 1 and "가" <= word <= "힣":
        return (
            "a single syllable would change other words, too.",
            "한 글자는 다른 낱말까지 바꾸므로 넣을 수 없습니다.",
        )
    if word in kept:
        return "it is there twice.", "같은 낱말이 두 번 있습니다."
    return None
