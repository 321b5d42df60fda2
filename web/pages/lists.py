"""Villages and broadcasts as the pages list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broadcast.people.accounts import SignedIn
from broadcast.people.views import VillageView
from broadcast.report import BroadcastView
from broadcast.roles import RIGHTS, Scope
from web.context import Desk
from web.pages.form import KOREA
from web.words import Words

AT_ONCE = 500
A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One broadcast in a list; `all` 0 means that it has not gone out."""

    id: int
    title: str = field(repr=False)
    state: str
    priority: str
    where: str
    at: str
    all: int
    heard: int


async def seen_villages(here: Desk, asker: SignedIn) -> list[VillageView]:
    found: list[VillageView] = []
    while True:
        after = found[-1].id if found else 0
        page = await here.villages.listed(asker.who, after=after, limit=AT_ONCE)
        found += page
        if len(page) < AT_ONCE:
            return found


def composes(asker: SignedIn) -> bool:
    """Whether the role broadcasts at all; for which villages the use case decides once more."""
    return RIGHTS[asker.who.role].composes is not Scope.NOWHERE


def in_korea(moment: datetime, t: Words) -> str:
    local = moment.astimezone(KOREA)
    minutes = f" {local.minute:02}분" if local.minute else ""
    return t.choose(f"{local.month}월 {local.day}일 {local.hour}시{minutes}", f"{local.day} {local:%b %H:%M}")


def where(codes: Sequence[str], names: Mapping[str, str], t: Words) -> str:
    """The villages by name, shortened where there are many."""
    named = [names.get(code, code) for code in codes]
    if len(named) <= 3:
        return ", ".join(named)
    return t("and_more", first=named[0], n=len(named))


def row(one: BroadcastView, names: Mapping[str, str], t: Words) -> Row:
    return Row(
        id=one.id,
        title=one.title,
        state=one.state,
        priority=one.priority,
        where=where(one.villages, names, t),
        at=in_korea(one.scheduled_at or one.created_at, t),
        all=sum(one.reaches.values()),
        heard=heard(one),
    )


def heard(one: BroadcastView) -> int:
    return one.reaches.get("heard", 0) + one.reaches.get("confirmed", 0)


async def latest(
    here: Desk,
    asker: SignedIn,
    names: Mapping[str, str],
    t: Words,
    before: int | None = None,
    n: int = A_PAGE,
) -> tuple[list[Row], int | None]:
    """The newest broadcasts, and the id before which older ones are to be asked for."""
    found = await here.report.broadcasts(asker.who, asker.who.id, before=before, limit=n + 1)
    shown = found[:n]
    return [row(one, names, t) for one in shown], shown[-1].id if len(found) > n else None
