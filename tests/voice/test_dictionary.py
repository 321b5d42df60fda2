"""A county's and a village's own readings."""

from __future__ import annotations

import pytest

from broadcast.errors import InvalidInput
from voice.dictionary import LONGEST_WRITTEN, MOST_ENTRIES, checked, merged
from voice.script import prepare


def test_the_village_wins_over_the_county_and_the_longest_comes_first() -> None:
    both = merged(
        {"3-1구": "삼다시일구", "LH": "엘에이치공사"}, {"3-1구": "세하나구", "3-1구 회관": "큰 회관"}
    )
    assert list(both) == ["3-1구 회관", "3-1구", "LH"]
    assert prepare("3-1구 회관과 3-1구, LH", dictionary=both).text == "큰 회관과 세하나구, 엘에이치공사"


def test_entries_are_kept_as_the_script_will_see_them() -> None:
    assert checked({"  행복 \n 로 ": "행복 노"}) == {"행복 로": "행복 노"}
    assert checked({"\u1112\u1161\u11abA": "가"}) == {"한A": "가"}


@pytest.mark.parametrize(
    "entries",
    [
        {"": "가"},
        {"  ": "가"},
        {"리": "니"},
        {"행복": ""},
        {"행복": "happy"},
        {"행복": "..."},
        {"가" * (LONGEST_WRITTEN + 1): "가"},
        {"LH ": "가", "LH": "나"},
        {f"낱말{number}": "가" for number in range(MOST_ENTRIES + 1)},
    ],
)
def test_bad_entries_are_refused_in_both_languages(entries: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked(entries)
    assert refusal.value.field
    assert refusal.value.field.startswith("dictionary")
    assert refusal.value.detail_ko != refusal.value.detail
