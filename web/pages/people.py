"""How far each person has been brought, in words for the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broadcast.model import Channel
from broadcast.people.accounts import SignedIn
from broadcast.report import BroadcastView, PersonRow
from web.context import Desk
from web.words import Words

MOST_SHOWN = 100
GROUPS = {"missed": ("missed", "closed"), "open": ("open",), "heard": ("heard", "confirmed")}


@dataclass(frozen=True, slots=True)
class Person:
    name: str = field(repr=False)
    how: str
    needs_help: bool


@dataclass(frozen=True, slots=True)
class Group:
    """`n` in all, of whom `more` are not listed here."""

    name: str
    n: int
    people: Sequence[Person]
    more: int


async def groups(here: Desk, asker: SignedIn, one: BroadcastView, t: Words) -> list[Group]:
    """Not reached first: they are the ones to do something about."""
    found = [await _group(here, asker, one, t, name, states) for name, states in GROUPS.items()]
    return [group for group in found if group.n]


async def _group(
    here: Desk, asker: SignedIn, one: BroadcastView, t: Words, name: str, states: tuple[str, ...]
) -> Group:
    n = sum(one.reaches.get(state, 0) for state in states)
    rows: list[PersonRow] = []
    for state in states:
        if one.reaches.get(state) and len(rows) < MOST_SHOWN:
            limit = MOST_SHOWN - len(rows)
            rows += await here.report.people(asker.who, one.id, state=state, limit=limit)
    return Group(name, n, [_person(row, t) for row in rows], max(0, n - len(rows)))


def _person(row: PersonRow, t: Words) -> Person:
    name = row.name or t("person.hidden", n=row.resident_id)
    pieces = [t("how.help")] if row.needs_help else []
    pieces.append(_state(row, t))
    if row.channel is not None and _under_way(row) != "ringing":
        pieces.append(t(f"channel.{row.channel}"))
    if row.attempts > 1:
        pieces.append(t("how.tries", n=row.attempts))
    return Person(name, " · ".join(pieces), row.needs_help)


def _state(row: PersonRow, t: Words) -> str:
    reason = f"reason.{row.reason}"
    if row.state == "missed":
        return _why_missed(row, t)
    if row.state == "closed" and row.delivery_state in ("delivered", "sent"):
        return t(f"how.{row.delivery_state}")  # stopped for them, but they have it, or may have
    if row.state != "open":
        return t(f"how.{row.state}")
    key = f"how.{_under_way(row)}"
    if row.reason and row.delivery_state in ("held", "queued") and t.knows(reason):
        return f"{t(reason)}, {t('how.again')}"
    return t(key) if t.knows(key) else t("how.again")


def _why_missed(row: PersonRow, t: Words) -> str:
    reason = f"reason.{row.reason}"
    if row.delivery_state is None:
        return t("how.no_way")
    if row.delivery_state == "delivered":
        return t("how.delivered")
    return t(reason) if t.knows(reason) else t("how.missed")


def _under_way(row: PersonRow) -> str:
    state = row.delivery_state
    if state is None:
        return "waiting"
    if state == "claimed":
        return "queued"
    is_call = row.channel is Channel.VOICE
    return "ringing" if is_call and state in ("sending", "sent") else str(state)
