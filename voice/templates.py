"""Announcements with slots: the fixed parts are spoken beforehand, the changing words when it is sent.

A word with a slot in it is spoken whole, its particle included: "{place}(으)로" becomes 행복초등학교로.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broadcast.errors import InvalidInput

PAUSE_S, STOP_S = 0.12, 0.45  # after a part, and after one that ends a sentence
LONGEST_VALUE = 60
_SLOT = re.compile(r"\{([a-z][a-z_]{0,30})\}")
_NO_SLOT = re.compile(r"[{}]")
# Particles that depend on whether the word before ends in a consonant: as offices write both.
_PARTICLES = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(이)나": ("이나", "나"),
    "(으)로": ("으로", "로"),
}
_EITHER = re.compile(rf"([가-힣])({'|'.join(map(re.escape, _PARTICLES))})")


@dataclass(frozen=True, slots=True)
class Part:
    """Some words of a template; `has_slot` where they change."""

    words: str
    has_slot: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose words with `{slots}` change."""

    parts: tuple[Part, ...]
    slots: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Template:
        """InvalidInput where braces are not slots, or nothing is there."""
        slots = frozenset(_SLOT.findall(text))
        if _NO_SLOT.search(_SLOT.sub("", text)):
            raise InvalidInput(
                "A slot is written {name}, in small Latin letters.",
                "바뀌는 말은 {name}처럼 영문 소문자로 적습니다.",
                field="text",
            )
        parts = tuple(_parts(text.split()))
        if not parts:
            raise InvalidInput("The template is empty.", "글이 비어 있습니다.", field="text")
        return cls(parts, slots)

    @property
    def fixed(self) -> tuple[str, ...]:
        """What can be spoken beforehand."""
        return tuple(part.words for part in self.parts if not part.has_slot)

    def filled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Every part as written, slots filled. InvalidInput for a missing, unknown or unusable value."""
        for name in sorted(self.slots ^ values.keys()):
            raise InvalidInput(
                f"The slot {name} is missing or unknown."
                if name in self.slots
                else "There is a value for a slot that the template does not have.",
                "빠졌거나 없는 항목입니다." if name in self.slots else "이 글에 없는 항목의 값이 있습니다.",
                field=f"slots.{name}" if name in self.slots else "slots",
            )
        for name, value in values.items():
            if not value.strip() or len(value) > LONGEST_VALUE or _NO_SLOT.search(value):
                raise InvalidInput(
                    f"The slot {name} needs 1 to {LONGEST_VALUE} characters without braces.",
                    f"항목은 중괄호 없이 1~{LONGEST_VALUE}자여야 합니다.",
                    field=f"slots.{name}",
                )
        return tuple(
            with_particles(_SLOT.sub(lambda match: values[match[1]].strip(), part.words))
            for part in self.parts
        )


def _parts(words: Iterable[str]) -> Iterable[Part]:
    """Neighbouring words of one kind together."""
    held: list[str] = []
    holds_slot = False
    for word in words:
        has_slot = bool(_SLOT.search(word))
        if held and has_slot != holds_slot:
            yield Part(" ".join(held), holds_slot)
            held = []
        holds_slot = has_slot
        held.append(word)
    if held:
        yield Part(" ".join(held), holds_slot)


def with_particles(text: str) -> str:
    """행복리은(는) -> 행복리는, 역(으)로 -> 역으로, 교실(으)로 -> 교실로."""

    def chosen(match: re.Match[str]) -> str:
        last = (ord(match[1]) - ord("가")) % 28
        after_consonant, after_vowel = _PARTICLES[match[2]]
        is_open = last == 0 or (last == 8 and match[2] == "(으)로")  # ㄹ counts as a vowel before 로
        return match[1] + (after_vowel if is_open else after_consonant)

    return _EITHER.sub(chosen, text)


def pause_after(words: str) -> float:
    """Seconds of silence after a part."""
    return STOP_S if words.rstrip().endswith((".", "!", "?")) else PAUSE_S
