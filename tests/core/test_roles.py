"""Who may broadcast for whom, look after whom and see what."""

from __future__ import annotations

import pytest

from broadcast.compose import Who
from broadcast.errors import InvalidInput, NotAllowed
from broadcast.model import AccountId, Role, VillageId
from broadcast.people.numbers import parse_phone
from broadcast.roles import RIGHTS, Place, may_compose, may_keep, may_see, require_compose

HERE = Place(VillageId(1), 10)
NEAR = Place(VillageId(2), 10)
FAR = Place(VillageId(3), 11)


def holding(role: Role) -> Who:
    return Who(AccountId(1), role, "somebody", VillageId(1), township_id=10)


@pytest.mark.parametrize(
    ("role", "places"),
    [
        (Role.HEAD, [HERE]),
        (Role.DEPUTY, [HERE]),
        (Role.TOWNSHIP, [HERE, NEAR]),
        (Role.COUNTY, [HERE, NEAR, FAR]),
        (Role.DISASTER_OFFICER, [HERE, NEAR, FAR]),
        (Role.ADMINISTRATOR, [HERE, NEAR, FAR]),
        (Role.DUTY_ROOM, []),
        (Role.AUDITOR, []),
    ],
)
def test_each_role_composes_for_its_own_villages(role: Role, places: list[Place]) -> None:
    assert [place for place in (HERE, NEAR, FAR) if may_compose(holding(role), place)] == places


def test_every_role_has_its_rights() -> None:
    assert set(RIGHTS) == set(Role)


def test_one_foreign_village_refuses_the_whole_broadcast() -> None:
    require_compose(holding(Role.TOWNSHIP), [HERE, NEAR])
    with pytest.raises(NotAllowed):
        require_compose(holding(Role.TOWNSHIP), [HERE, FAR])


def test_an_officer_without_township_reaches_no_village_without_one() -> None:
    nobody = Who(AccountId(1), Role.TOWNSHIP, "somebody")
    assert not may_compose(nobody, Place(VillageId(1), None))


def test_the_duty_room_sees_all_and_keeps_none() -> None:
    assert may_see(holding(Role.DUTY_ROOM), FAR)
    assert not may_keep(holding(Role.DUTY_ROOM), HERE)


@pytest.mark.parametrize(
    ("written", "e164", "can_sms"),
    [
        ("010-1234-5678", "+821012345678", True),
        ("01012345678", "+821012345678", True),
        ("+82 10 1234 5678", "+821012345678", True),
        ("031-555-0101", "+82315550101", False),
        ("02-123-4567", "+8221234567", False),
        ("070-1234-5678", "+827012345678", False),
        ("1588-1234", "+8215881234", False),
        ("+84 91 234 56 78", "+84912345678", True),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, e164: str, can_sms: bool) -> None:
    number = parse_phone(written)
    assert (number.e164, number.can_ring, number.can_sms) == (e164, True, can_sms)


@pytest.mark.parametrize(
    "written", ["", "119", "010-99", "060-123-4567", "abc", "+82" * 50, "010-1234-5678 x9"]
)
def test_what_cannot_be_called_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_phone(written, where="phone")
    assert refused.value.field == "phone"
    assert not written or written not in str(refused.value)
