"""Which villages somebody may look at, as a condition in SQL."""

from __future__ import annotations

from broadcast.roles import RIGHTS, Holder, Scope

Condition = tuple[str, dict[str, object]]


def seen_by(who: Holder, village: str = "v") -> Condition:
    """A condition on the village with this alias, and what to bind for it."""
    scope = RIGHTS[who.role].sees
    if scope is Scope.COUNTY:
        return "1 = 1", {}
    if scope is Scope.OWN_TOWNSHIP:
        return f"{village}.township_id = :seen_township", {"seen_township": who.township_id}
    return f"{village}.id = :seen_village", {"seen_village": who.village_id}
