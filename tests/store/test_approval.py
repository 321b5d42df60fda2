"""Who may let an emergency go out; what the database itself refuses, whatever a page or a use case forgets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from broadcast.errors import NotAllowed
from broadcast.model import BroadcastState, Priority, Role
from tests.builders import a_resident
from tests.store.works import Works

SET = "UPDATE broadcast SET approved_by = author_id, approval_basis = :basis, cap_status = :status"


async def test_the_database_refuses_an_author_s_own_approval(works: Works) -> None:
    await works.submit(Priority.EMERGENCY, who=works.officer)
    for basis in (None, "", "second_person", "not_actual", "because"):
        with pytest.raises(IntegrityError):
            await works.write(SET, basis=basis, status="Actual")
    (row,) = await works.rows("SELECT approved_by FROM broadcast")
    assert row.approved_by is None


@pytest.mark.parametrize(
    ("basis", "status"),
    [
        ("head_own_village", "Actual"),
        ("template", "Actual"),
        ("not_actual", "Exercise"),
        ("not_actual", "Test"),
    ],
)
async def test_the_database_takes_what_the_rules_allow(works: Works, basis: str, status: str) -> None:
    await works.submit(Priority.EMERGENCY, who=works.officer)
    await works.write(SET, basis=basis, status=status)


async def test_an_officer_s_emergency_waits_for_a_second_person(works: Works) -> None:
    await a_resident(works.office)
    made = await works.submit(Priority.EMERGENCY, who=works.officer)
    await works.tick()
    assert await works.reaches() == []
    for who in (works.officer, works.head):
        with pytest.raises(NotAllowed):
            await works.composer.approve(made, who)
    await works.composer.approve(made, works.approver)
    await works.tick()
    assert await works.reaches() == ["open"]
    (row,) = await works.rows("SELECT approved_by, approval_basis, approved_at FROM broadcast")
    assert (row.approved_by, row.approval_basis) == (works.approver.id, "second_person")
    assert row.approved_at is not None


async def test_a_head_sends_two_emergencies_an_hour_and_no_more(works: Works) -> None:
    states = []
    for _ in range(3):
        made = await works.submit(Priority.EMERGENCY, who=works.head)
        states.append((await works.composer._store.standing(made)).state)
    assert states == [BroadcastState.SCHEDULED] * 2 + [BroadcastState.AWAITING_APPROVAL]
    works.clock.pass_(hours=1, seconds=1)
    again = await works.submit(Priority.EMERGENCY, who=works.head)
    assert (await works.composer._store.standing(again)).state is BroadcastState.SCHEDULED


async def test_an_unproven_head_needs_a_second_person(works: Works) -> None:
    made = await works.submit(Priority.EMERGENCY, who=replace(works.head, is_proven=False))
    assert (await works.composer._store.standing(made)).state is BroadcastState.AWAITING_APPROVAL
    assert works.head.role is Role.HEAD


async def test_a_refused_emergency_is_a_draft_again(works: Works) -> None:
    made = await works.submit(Priority.EMERGENCY, who=works.officer)
    await works.composer.refuse(made, works.approver)
    await works.pass_(hours=1)
    assert (await works.composer._store.standing(made)).state is BroadcastState.DRAFT
