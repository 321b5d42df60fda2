"""The made-up county: the same for the same seed, with the drill's mix, and nobody's telephone numbers."""

from __future__ import annotations

from itertools import chain

import phonenumbers
import pytest

from broadcast.errors import InvalidInput
from broadcast.model import AddressKind
from maeul.synthetic import ADDRESSES, GUARDIANS_PER_75_PLUS, YEAR, County, Person

COUNTY = County(40, 8_000, 7)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return list(chain.from_iterable(COUNTY.people(n) for n in range(COUNTY.villages)))


def phones(people: list[Person]) -> set[str]:
    contacts = chain.from_iterable(
        (*person.enrolment.contacts, *(person.guardian.contacts if person.guardian else ()))
        for person in people
    )
    return {contact.value for contact in contacts if contact.kind is AddressKind.PHONE}


def test_the_same_seed_gives_the_same_county(people: list[Person]) -> None:
    again = County(40, 8_000, 7)
    assert [again.village(n) for n in range(40)] == [COUNTY.village(n) for n in range(40)]
    assert list(again.people(39)) == people[-again.sizes[39] :]
    assert list(County(40, 8_000, 8).people(39)) != list(again.people(39))


def test_every_resident_asked_for_is_there(people: list[Person]) -> None:
    assert len(people) == sum(COUNTY.sizes) == 8_000
    assert min(COUNTY.sizes) > 0
    assert len({COUNTY.village(n).code for n in range(40)}) == 40


def test_no_number_can_belong_to_anybody(people: list[Person]) -> None:
    """Exchange codes begin with 2 to 9; what follows 010 or 031 here is 0 or 1."""
    for number in phones(people):
        assert number.startswith(("+82100", "+82101", "+82310"))
        assert len(phonenumbers.national_significant_number(phonenumbers.parse(number))) in (9, 10)


def test_only_landlines_are_shared(people: list[Person]) -> None:
    own = [c.value for p in people for c in p.enrolment.contacts if c.can_sms or c.kind is AddressKind.KAKAO]
    assert len(set(own)) == len(own)
    lines = [c.value for p in people for c in p.enrolment.contacts if c.can_ring and not c.can_sms]
    assert 1.5 < len(lines) / len(set(lines)) < 1.7


def test_the_mix_is_the_drills(people: list[Person]) -> None:
    chats = sum(p.enrolment.contacts[0].kind is AddressKind.KAKAO for p in people) / len(people)
    assert chats == pytest.approx(ADDRESSES["chat", "mobile"], abs=0.02)
    old = [p for p in people if YEAR - int(str(p.enrolment.traits["born_in"])) >= 75]
    assert len(old) / len(people) == pytest.approx(0.27, abs=0.02)
    assert sum(p.guardian is not None for p in people) / len(old) == pytest.approx(
        GUARDIANS_PER_75_PLUS, abs=0.04
    )
    for trait, share in {
        "lives_alone": 0.16,
        "hard_of_hearing": 0.14,
        "cannot_walk": 0.05,
        "absence": 0.03,
    }.items():
        found = sum(bool(p.enrolment.traits[trait]) for p in people) / len(people)
        assert found == pytest.approx(share, abs=0.015), trait


@pytest.mark.parametrize(("villages", "residents"), [(0, 1), (10_001, 1), (1, -1), (1, 1_000_001)])
def test_a_county_of_no_sensible_size_is_refused(villages: int, residents: int) -> None:
    with pytest.raises(InvalidInput):
        County(villages, residents, 1)
