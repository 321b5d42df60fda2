"""The first page of who is signed in: the form of a new broadcast, what awaits approval, the latest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from broadcast.drafts import Draft, title_for
from broadcast.people.accounts import SignedIn
from broadcast.people.views import VillageView
from broadcast.report import BroadcastView
from broadcast.standing import APPROVERS
from web.context import Desk, desk
from web.pages.form import KOREA, LASTS, Errors, Filled
from web.pages.lists import Row, composes, latest, row, seen_villages
from web.pages.preview import Preview
from web.rendering import render
from web.words import Words, language_of

FEW = 5


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording in the form: its seconds and where it can be heard."""

    seconds: float
    url: str


async def page(
    request: Request,
    asker: SignedIn,
    filled: Filled | None = None,
    *,
    errors: Errors | None = None,
    notice: str = "",
    preview: Preview | None = None,
    status: int = 200,
) -> Response:
    """The form comes back with all that was in it."""
    here, t = desk(request), Words(language_of(request))
    villages = await seen_villages(here, asker)
    names = {one.code: one.name for one in villages}
    shown, older = await latest(here, asker, names, t, n=FEW)
    form = _preselected(filled or Filled(), villages)
    return render(
        request,
        "home.html",
        status,
        asker=asker,
        approvals=await _approvals(here, asker, names, t),
        villages=villages if composes(asker) else None,
        filled=form,
        is_filled=filled is not None,
        recording=await recording_of(here, asker, form.recording_id),
        errors=errors or Errors(),
        notice=notice,
        preview=preview,
        lasts=LASTS,
        earliest=_earliest(here),
        latest=shown,
        older=older,
    )


def _preselected(filled: Filled, villages: list[VillageView]) -> Filled:
    return replace(filled, villages=(villages[0].code,)) if len(villages) == 1 else filled


def _earliest(here: Desk) -> str:
    soon = here.maeul.clock.now().astimezone(KOREA) + timedelta(minutes=1)
    return f"{soon:%Y-%m-%dT%H:%M}"


async def _approvals(here: Desk, asker: SignedIn, names: Mapping[str, str], t: Words) -> list[Row]:
    """What this officer may approve; an own emergency is somebody else's to approve, but worth seeing."""
    if asker.who.role not in APPROVERS:
        return []
    return [row(one, names, t) for one in await here.report.awaiting(asker.who, asker.who.id)]


async def recording_of(here: Desk, asker: SignedIn, id: str) -> Recording | None:
    if not (id.isascii() and id.isdigit() and len(id) < 19):
        return None
    kept = await here.pages.recording(int(id), asker.who.id)
    return Recording(round(kept.seconds, 1), here.maeul.links.media_path(kept.key)) if kept else None


async def again(here: Desk, asker: SignedIn, one: BroadcastView) -> Filled:
    """A new form with the words of an earlier broadcast."""
    id = str(one.recording_id or "")
    is_own_title = one.title != title_for(Draft("", (), one.text))
    return Filled(
        text=one.text,
        title=one.title if is_own_title else "",
        recording_id=id if await recording_of(here, asker, id) else "",
        villages=tuple(one.villages),
        priority=one.priority,
        category=one.category,
        response_type=one.response_type or "",
    )
