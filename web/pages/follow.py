"""Watching a broadcast arrive, and doing something about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from broadcast.errors import CallerMistake, NotAllowed, NotFound
from broadcast.lifecycle_reach import BROADCAST_ENDED, BroadcastEvent
from broadcast.model import BroadcastId, BroadcastState
from broadcast.people.accounts import SignedIn
from broadcast.report import BroadcastView
from broadcast.standing import possible
from web.api import broadcasts
from web.api.broadcasts import seen
from web.context import Desk, desk
from web.pages import lists
from web.pages.form import KEY
from web.pages.people import Group, groups
from web.pages.preview import TRIAL_VOICE, Sound, sound
from web.rendering import render
from web.sign_in import Asker
from web.words import Words, language_of

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Path(ge=1, lt=2**63)]
OFTEN_MS, SELDOM_MS = 1_500, 10_000
STANDS_STILL = BROADCAST_ENDED | {BroadcastState.DRAFT}

ACTIONS: Mapping[str, tuple[BroadcastEvent, Callable[[Request, int, SignedIn], Awaitable[object]]]] = {
    "approve": (BroadcastEvent.APPROVED, broadcasts.approve),
    "refuse": (BroadcastEvent.REFUSED, broadcasts.refuse),
    "resend-unheard": (BroadcastEvent.RESEND_UNHEARD, broadcasts.resend_unheard),
    "recall": (BroadcastEvent.RECALLED, broadcasts.recall),
    "cancel": (BroadcastEvent.CANCELLED, broadcasts.cancel),
}


@dataclass(frozen=True, slots=True)
class Live:
    """The part of a broadcast's page that changes; `every` is how soon to look again, in milliseconds."""

    every: int
    now: str
    is_over: bool
    is_under_way: bool
    expected: int
    heard: int
    open: int
    missed: int
    help: int
    actions: Sequence[str]
    sounds: Sequence[Sound]
    is_trial_voice: bool
    groups: Sequence[Group]


@router.get("/broadcasts")
async def listed(
    request: Request, asker: Asker, before: Annotated[int | None, Query(ge=1, lt=2**63)] = None
) -> Response:
    here, t = desk(request), Words(language_of(request))
    names = {one.code: one.name for one in await lists.seen_villages(here, asker)}
    shown, older = await lists.latest(here, asker, names, t, before)
    return render(request, "list.html", asker=asker, latest=shown, older=older)


@router.get("/broadcasts/{id:int}")
async def page(request: Request, id: Number, asker: Asker, sent: str = "") -> Response:
    return await _page(request, id, asker, sent=sent if KEY.fullmatch(sent) else "")


@router.get("/broadcasts/{id:int}/live")
async def live(request: Request, id: Number, asker: Asker) -> Response:
    """Only what changes, for the page's script."""
    here, t = desk(request), Words(language_of(request))
    one = await seen(here, asker, id)
    return render(request, "_live.html", one=one, live=await _live(here, asker, one, t))


@router.post("/broadcasts/{id:int}/{action}")
async def act(request: Request, id: Number, action: str, asker: Asker) -> Response:
    if action not in ACTIONS:
        raise NotFound("There is nothing at this address.", "이 주소에는 아무것도 없습니다.")
    try:
        await ACTIONS[action][1](request, id, asker)
    except NotFound:
        raise
    except CallerMistake as error:
        problem = Words(language_of(request)).choose(error.detail_ko, error.detail)
        status = 403 if isinstance(error, NotAllowed) else 409
        return await _page(request, id, asker, problem=problem, status=status)
    return RedirectResponse(f"/broadcasts/{id}", 303)


async def _page(
    request: Request, id: int, asker: SignedIn, *, sent: str = "", problem: str = "", status: int = 200
) -> Response:
    here, t = desk(request), Words(language_of(request))
    one = await seen(here, asker, id)
    names = {village.code: village.name for village in await lists.seen_villages(here, asker)}
    return render(
        request,
        "broadcast.html",
        status,
        asker=asker,
        one=one,
        live=await _live(here, asker, one, t),
        where=lists.where(one.villages, names, t),
        at=lists.in_korea(one.created_at, t),
        sent=sent,
        problem=problem,
    )


async def _live(here: Desk, asker: SignedIn, one: BroadcastView, t: Words) -> Live:
    state = BroadcastState(one.state)
    people = await groups(here, asker, one, t)
    is_over = state in STANDS_STILL
    is_under_way = bool(one.reaches) or one.started_at is not None
    return Live(
        every=SELDOM_MS if is_over else OFTEN_MS,
        now=_now(one, state, t),
        is_over=is_over,
        is_under_way=is_under_way,
        expected=0 if is_under_way else await _expected(here, asker, one),
        heard=lists.heard(one),
        open=one.reaches.get("open", 0),
        missed=one.reaches.get("missed", 0) + one.reaches.get("closed", 0),
        help=sum(person.needs_help for group in people for person in group.people),
        actions=await _actions(here, asker, one),
        sounds=[sound(here, c.part, c.hash, c.seconds) for c in await here.pages.clips(one.id)],
        is_trial_voice=one.engine == TRIAL_VOICE,
        groups=people,
    )


def _now(one: BroadcastView, state: BroadcastState, t: Words) -> str:
    if state is BroadcastState.FANNING_OUT:
        state = BroadcastState.SENDING
    return t(f"now.{state}", at=lists.in_korea(one.scheduled_at or one.created_at, t))


async def _expected(here: Desk, asker: SignedIn, one: BroadcastView) -> int:
    villages = await lists.seen_villages(here, asker)
    return sum(village.residents for village in villages if village.code in one.villages)


async def _actions(here: Desk, asker: SignedIn, one: BroadcastView) -> list[str]:
    """What this person may do now; asking again only where somebody was missed."""
    standing = await here.compose.standing(BroadcastId(one.id))
    may = possible(standing, asker.who, here.maeul.clock.now())
    offered = [name for name, (event, _) in ACTIONS.items() if event in may]
    return [name for name in offered if name != "resend-unheard" or one.reaches.get("missed")]
