"""Broadcasts: submit, follow, approve, take back, ask again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from broadcast.drafts import Draft
from broadcast.errors import NotFound
from broadcast.model import BroadcastId, DeliveryState, ReachState
from broadcast.people.accounts import SignedIn
from broadcast.report import BroadcastView, DeliveryRow, PersonRow
from broadcast.store.queries.idempotency import broadcast_made
from web.api import PREFIX, answers
from web.api import examples as e
from web.api.once import Key, once
from web.api.shapes import BroadcastIn, BroadcastMade, Page, next_cursor
from web.context import Desk, desk
from web.sign_in import Asker

router = APIRouter(prefix="/broadcasts", tags=["broadcasts"])

BroadcastNumber = Annotated[int, Path(ge=1, lt=2**63, examples=[17])]
Cursor = Annotated[int | None, Query(ge=0, lt=2**63, description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.post(
    "",
    status_code=202,
    response_model=BroadcastMade,
    responses=answers(202, "Taken; it is on its way or waits for its time or approval", e.MADE),
    openapi_extra=e.body(e.BROADCASTS),
)
async def submit(request: Request, body: BroadcastIn, asker: Asker, key: Key = None) -> Response:
    """Submit an announcement."""
    here, draft = desk(request), body.draft()

    async def work() -> bytes:
        id = await here.maeul.composer.submit(draft, asker.who)
        return (await _made(here, asker, id)).model_dump_json().encode()

    async def finished_before(connection: AsyncConnection, since: int) -> bytes | None:
        return await _finished_before(here, asker, draft, connection, since)

    return await once(here, asker, key, body, work, finished_before)


async def _finished_before(
    here: Desk, asker: SignedIn, draft: Draft, connection: AsyncConnection, since: int
) -> bytes | None:
    found = await broadcast_made(connection, here.maeul.database, asker.who.id, draft, since)
    if found is None:
        return None
    id, state = found
    return BroadcastMade(id=id, state=state, url=url_of(here, id)).model_dump_json().encode()


@router.get("", responses=answers(200, "The newest first", e.page(e.BROADCAST)))
async def listed(
    request: Request, asker: Asker, cursor: Cursor = None, limit: Limit = 50
) -> Page[BroadcastView]:
    """List the broadcasts of the villages that you may see."""
    found = await desk(request).report.broadcasts(asker.who, asker.who.id, before=cursor, limit=limit)
    return Page(items=found, next_cursor=next_cursor([one.id for one in found], limit))


@router.get("/{id}", responses=answers(200, "The broadcast with its counts", e.BROADCAST))
async def one(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastView:
    """Follow a broadcast: its state, and how many people it has reached."""
    return await seen(desk(request), asker, id)


@router.get("/{id}/reaches", responses=answers(200, "A row for each resident", e.page(e.REACH)))
async def reaches(
    request: Request,
    id: BroadcastNumber,
    asker: Asker,
    state: ReachState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[PersonRow]:
    """List how far each resident has been brought."""
    here = desk(request)
    await seen(here, asker, id)
    found = await here.report.people(asker.who, id, state=state, after=cursor or 0, limit=limit)
    return Page(items=found, next_cursor=next_cursor([one.reach_id for one in found], limit))


@router.get("/{id}/deliveries", responses=answers(200, "A row for each delivery", e.page(e.DELIVERY)))
async def deliveries(
    request: Request,
    id: BroadcastNumber,
    asker: Asker,
    state: DeliveryState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[DeliveryRow]:
    """List deliveries with their attempts."""
    here = desk(request)
    await seen(here, asker, id)
    found = await here.deliveries.deliveries(asker.who, id, state=state, after=cursor or 0, limit=limit)
    return Page(items=found, next_cursor=next_cursor([one.id for one in found], limit))


MOVED = answers(200, "The state after it", {**e.MADE, "state": "recalled"})


@router.post("/{id}/approve", responses=MOVED)
async def approve(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastMade:
    """Approve an emergency that waits for a second person."""
    here = await _visible(request, asker, id)
    await here.maeul.composer.approve(BroadcastId(id), asker.who)
    return await _made(here, asker, id)


@router.post("/{id}/refuse", responses=MOVED)
async def refuse(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastMade:
    """Send a waiting emergency back to its author."""
    here = await _visible(request, asker, id)
    await here.maeul.composer.refuse(BroadcastId(id), asker.who)
    return await _made(here, asker, id)


@router.post("/{id}/cancel", responses=MOVED)
async def cancel(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastMade:
    """Call off a broadcast of which nothing has gone out."""
    here = await _visible(request, asker, id)
    await here.maeul.composer.cancel(BroadcastId(id), asker.who)
    return await _made(here, asker, id)


@router.post("/{id}/recall", responses=MOVED)
async def recall(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastMade:
    """Hold back all that is not handed over yet; what rings is asked to stop."""
    here = await _visible(request, asker, id)
    await here.maeul.composer.recall(BroadcastId(id), asker.who)
    return await _made(here, asker, id)


@router.post("/{id}/resend-unheard", responses=MOVED)
async def resend_unheard(request: Request, id: BroadcastNumber, asker: Asker) -> BroadcastMade:
    """Ask those who did not hear it once more."""
    here = await _visible(request, asker, id)
    await here.maeul.composer.resend_unheard(BroadcastId(id), asker.who)
    return await _made(here, asker, id)


async def seen(here: Desk, asker: SignedIn, id: int) -> BroadcastView:
    """Raises NotFound for one that is not there or not the asker's to see."""
    found = await here.report.broadcast(asker.who, asker.who.id, id)
    if found is None:
        raise NotFound("There is no such broadcast here.", "해당 방송을 찾을 수 없습니다.")
    return found


async def _visible(request: Request, asker: SignedIn, id: int) -> Desk:
    here = desk(request)
    await seen(here, asker, id)
    return here


async def _made(here: Desk, asker: SignedIn, id: int) -> BroadcastMade:
    return BroadcastMade(id=id, state=(await seen(here, asker, id)).state, url=url_of(here, id))


def url_of(here: Desk, id: int) -> str:
    return f"{here.maeul.public_url.rstrip('/')}{PREFIX}/broadcasts/{id}"
