"""What is said in a call and by whom; read aloud, each sentence has to be true for who hears it."""

from __future__ import annotations

import pytest

from broadcast import wording
from broadcast.model import Role, VillageId
from broadcast.render import VillageVoice, said_by

OURS = [VillageVoice(VillageId(1), "샘골리", "이정호")]


@pytest.mark.parametrize("author", [Role.HEAD, Role.DEPUTY])
def test_a_head_s_call_opens_in_the_head_s_name(author: Role) -> None:
    (voice,) = said_by(author, OURS)
    opening = wording.opening(voice.name, voice.head, "한내군", is_emergency=False, is_exercise=False)
    assert opening == "안녕하세요. 샘골리 이장 이정호입니다. 마을방송 전해 드립니다."


@pytest.mark.parametrize("author", [Role.COUNTY, Role.TOWNSHIP, Role.DISASTER_OFFICER, Role.ADMINISTRATOR])
def test_what_an_officer_wrote_is_not_said_in_the_head_s_name(author: Role) -> None:
    (voice,) = said_by(author, OURS)
    opening = wording.opening(voice.name, voice.head, "한내군", is_emergency=False, is_exercise=False)
    assert opening == "한내군청에서 샘골리 주민께 알려 드립니다."


def test_a_county_without_a_name_leaves_no_hole_in_the_sentence() -> None:
    opening = wording.opening("샘골리", "", "", is_emergency=False, is_exercise=False)
    assert opening == "샘골리 주민께 알려 드립니다."


@pytest.mark.parametrize("is_evacuation", [True, False])
def test_only_an_evacuation_speaks_of_leaving(is_evacuation: bool) -> None:
    said = [
        wording.confirmed(is_emergency=True, is_evacuation=is_evacuation),
        wording.help_asked(is_evacuation=is_evacuation),
        wording.ending("샘골리", is_emergency=True, is_exercise=False, is_evacuation=is_evacuation),
    ]
    assert all(("나가십시오" in one or "나오기" in one) is is_evacuation for one in said)
