"""Copyleft does not come in unnoticed: what is installed agrees with the note on licences."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
NOTE = ROOT / "docs" / "decisions" / "0001-licences.md"
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public Licen[sc]e")
# Free but copyleft libraries that a wheel may carry without its metadata saying so.
COPYLEFT_LIBRARIES = re.compile(r"lib(x264|x265|xvidcore|espeak-ng|rubberband|fdk-aac|postproc|sndfile)\b")


def declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def installed_at_run_time() -> dict[str, Distribution]:
    """All that the declared dependencies pull in on this machine."""
    waiting, seen = declared(), dict[str, Distribution]()
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.name in seen or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            seen[wanted.name] = distribution(wanted.name)
        except PackageNotFoundError:
            continue  # for another platform
        waiting += seen[wanted.name].requires or []
    return seen


def licence_words(package: Distribution) -> Iterator[str]:
    """Short statements only: a whole licence text may name licences of build tools."""
    for field in ("License-Expression", "License", "Classifier"):
        for value in package.metadata.get_all(field) or []:
            if len(value) < 120 and (field != "Classifier" or value.startswith("License ::")):
                yield value


def copyleft_reason(package: Distribution) -> str:
    for words in licence_words(package):
        if COPYLEFT.search(words):
            return words
    for file in package.files or []:
        if COPYLEFT_LIBRARIES.search(file.name):
            return file.name
    return ""


def test_every_copyleft_dependency_is_in_the_licence_note() -> None:
    note = NOTE.read_text()
    reasons = {name: copyleft_reason(package) for name, package in installed_at_run_time().items()}
    unnamed = {name: reason for name, reason in reasons.items() if reason and f"`{name}`" not in note}
    assert unnamed == {}


def test_the_search_finds_the_copyleft_that_is_known() -> None:
    found = {name for name, package in installed_at_run_time().items() if copyleft_reason(package)}
    assert {"av", "espeakng-loader", "soxr"} <= found
