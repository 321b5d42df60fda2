"""Which moves of a broadcast somebody may ask for, by role and by state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from broadcast.drafts import Who
from broadcast.errors import Conflict, NotAllowed
from broadcast.lifecycle_reach import BroadcastEvent as Event
from broadcast.model import AccountId, BroadcastId, BroadcastState, Priority, Role, VillageId
from broadcast.roles import Place
from broadcast.standing import Standing, move, possible

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
OWN, OTHER = VillageId(1), VillageId(2)
AUTHOR = Who(AccountId(1), Role.HEAD, "author", OWN)
DEPUTY = Who(AccountId(2), Role.DEPUTY, "deputy", OWN)
NEIGHBOUR = Who(AccountId(3), Role.HEAD, "neighbour", OTHER)
OFFICER = Who(AccountId(4), Role.DISASTER_OFFICER, "officer")


def standing(state: BroadcastState, *, author: Who = AUTHOR, expires_in: float = 1) -> Standing:
    return Standing(
        BroadcastId(1),
        state,
        Priority.EMERGENCY,
        author.id,
        True,
        NOW + timedelta(hours=expires_in),
        (Place(OWN),),
    )


@pytest.mark.parametrize(
    ("who", "events"),
    [
        (AUTHOR, {Event.REFUSED, Event.CANCELLED}),
        (DEPUTY, {Event.CANCELLED}),
        (NEIGHBOUR, set()),
        (OFFICER, {Event.APPROVED, Event.REFUSED, Event.CANCELLED}),
    ],
)
def test_a_waiting_emergency_offers_each_role_its_own(who: Who, events: set[Event]) -> None:
    assert possible(standing(BroadcastState.AWAITING_APPROVAL), who, NOW) == events


def test_an_officer_does_not_approve_an_own_emergency() -> None:
    own = standing(BroadcastState.AWAITING_APPROVAL, author=OFFICER)
    assert Event.APPROVED not in possible(own, OFFICER, NOW)
    with pytest.raises(NotAllowed):
        move(own, OFFICER, Event.APPROVED, NOW)


def test_what_is_done_may_be_recalled_and_asked_again_until_it_expires() -> None:
    done = standing(BroadcastState.DONE)
    assert possible(done, AUTHOR, NOW) == {Event.RECALLED, Event.RESEND_UNHEARD}
    expired = standing(BroadcastState.DONE, expires_in=0)
    assert possible(expired, AUTHOR, NOW) == {Event.RECALLED}
    with pytest.raises(Conflict):
        move(expired, AUTHOR, Event.RESEND_UNHEARD, NOW)


@pytest.mark.parametrize("state", [BroadcastState.CANCELLED, BroadcastState.RECALLED, BroadcastState.EXPIRED])
def test_what_has_ended_offers_nothing(state: BroadcastState) -> None:
    assert possible(standing(state), OFFICER, NOW) == frozenset()
