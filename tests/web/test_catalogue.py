"""Every sentence of the pages is in the catalogue, in both languages, and none is left over."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from broadcast.model import BroadcastState, Category, Channel, DeliveryState, Priority, ReachState
from web.catalogue import CATALOGUE
from web.rendering import HERE

BILINGUAL = {"listen.html"}  # says everything in both languages at once
LANGUAGE_NAMES = {"English", "한국어"}
TEMPLATES = sorted(path for path in (HERE / "templates").glob("*.html") if path.name not in BILINGUAL)
SCRIPTS = sorted((HERE / "static").glob("*.js"))
SPOKEN_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "value", "content"}
# Keys that are put together: a beginning, and all that may follow it.
ENUMS: dict[str, Sequence[str]] = {
    "state.": list(BroadcastState),
    "now.": [state for state in BroadcastState if state is not BroadcastState.FANNING_OUT],
    "category.": list(Category),
    "channel.": list(Channel),
    "priority.": [*Priority.__members__, *(f"{name}_hint" for name in Priority.__members__)],
    "do.": [
        f"{action}{tail}"
        for action in ("approve", "refuse", "cancel", "recall", "resend-unheard")
        for tail in ("", "_sure")
    ],
    "people.": ["missed", "open", "heard"],
    "action.": ["none", "Evacuate", "Shelter", "Execute"],
    "sound.": ["opening", "text"],
}
OPEN_ENDED = ("how.", "reason.", "js.")


def texts() -> dict[Path, str]:
    python = [*(HERE / "pages").glob("*.py"), HERE / "words.py"]
    return {path: path.read_text() for path in [*TEMPLATES, *python]}


def named_keys() -> set[str]:
    """Keys that are written out in a template or a page's module."""
    found = set[str]()
    for text in texts().values():
        found |= set(re.findall(r"\bt\(\s*f?\"([a-zA-Z_.-]+)\"\s*[,)]", text))
        found |= set(re.findall(r"\"((?:[a-z_]+\.)?[a-z_]+)\"", text)) & CATALOGUE.keys()
        found |= {
            key for both in re.findall(r"t\((.*?)\)", text) for key in re.findall(r"\"([\w.]+)\"", both)
        }
    return {key for key in found if key in CATALOGUE or ("." in key and key[-1] != ".")}


def put_together() -> set[str]:
    return {f"{begin}{end}" for begin, ends in ENUMS.items() for end in ends}


class Spoken(HTMLParser):
    """Collects what a reader would see or hear of a template without its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.found += [value or "" for name, value in attrs if name in SPOKEN_ATTRIBUTES]


def spoken(template: str) -> list[str]:
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", template, flags=re.DOTALL)
    bare = re.sub(r'aria-(invalid|describedby)="[^"]*"', "", bare)  # a macro writes them
    parser = Spoken()
    parser.feed(bare)
    return [text for text in parser.found if re.search(r"[^\W\d_]", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_of_its_own(path: Path) -> None:
    machine = {"now", "at", "1", "notice"}  # values of choices, not words
    priorities = set(Priority.__members__)
    assert set(spoken(path.read_text())) - LANGUAGE_NAMES - machine - priorities == set()


def test_the_template_rule_sees_a_sentence() -> None:
    assert spoken('<p aria-label="소리">{{ t("a") }} 보내기</p>') == ["소리", "보내기"]


def test_every_key_that_is_used_has_its_sentence() -> None:
    assert {key for key in named_keys() | put_together() if key not in CATALOGUE} == set()


def test_no_sentence_is_left_over() -> None:
    kept = named_keys() | put_together()
    assert [key for key in CATALOGUE if key not in kept and not key.startswith(OPEN_ENDED)] == []


def test_every_state_of_a_person_has_its_words() -> None:
    reaches = {f"how.{state}" for state in ReachState if state is not ReachState.OPEN}
    # Open reaches whose last delivery ended say that it will be tried again.
    under_way = {"held", "queued", "sending", "unconfirmed", "sent", "delivered"} & set(DeliveryState)
    assert reaches | {f"how.{state}" for state in under_way} <= CATALOGUE.keys()


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_leave_the_same_places_open(key: str) -> None:
    korean, english = (
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in CATALOGUE[key]
    )
    assert korean == english
    assert re.search("[가-힣]", CATALOGUE[key][0]) or key == "brand"
    assert not re.search("[가-힣]", CATALOGUE[key][1])


def test_scripts_say_only_what_the_catalogue_gives_them() -> None:
    used = {f"js.{word}" for path in SCRIPTS for word in re.findall(r"\bwords\.(\w+)", path.read_text())}
    assert used == {key for key in CATALOGUE if key.startswith("js.")}
