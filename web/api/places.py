"""Villages, and who the asker is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from broadcast.people.views import VillageView
from broadcast.people.villages import add_village
from web import sign_in
from web.api import answers
from web.api import examples as e
from web.api.broadcasts import Cursor, Limit
from web.api.shapes import Made, Me, Page, SignIn, VillageIn, next_cursor
from web.context import desk
from web.sign_in import Asker

router = APIRouter()


@router.get("/villages", tags=["villages"], responses=answers(200, "Villages by id", e.page(e.VILLAGE_OUT)))
async def listed(
    request: Request, asker: Asker, cursor: Cursor = None, limit: Limit = 100
) -> Page[VillageView]:
    """List the villages that you may see."""
    found = await desk(request).villages.listed(asker.who, after=cursor or 0, limit=limit)
    return Page(items=found, next_cursor=next_cursor([one.id for one in found], limit))


@router.post(
    "/villages",
    tags=["villages"],
    status_code=201,
    responses=answers(201, "Added", {"id": 1}),
    openapi_extra=e.body(e.VILLAGE_IN),
)
async def add(request: Request, body: VillageIn, asker: Asker) -> Made:
    """Add a village; for the county office."""
    return Made(id=await add_village(desk(request).villages.add, asker.who, body.village()))


@router.get("/me", tags=["session"], responses=answers(200, "You", e.ME))
async def me(request: Request, asker: Asker) -> Me:
    """Tell who is asking, to try a token."""
    now = desk(request).maeul.clock.now()
    return Me(name=asker.who.name, role=asker.who.role, signed_in_by=asker.kind, at=now)


@router.post(
    "/session",
    tags=["session"],
    status_code=201,
    responses=answers(201, "Signed in; the session is in a cookie", {"id": 1}),
    openapi_extra=e.only("A head", {"name": "샘골리 이장", "password": "correct horse battery"}),
    include_in_schema=True,
)
async def open_session(request: Request, response: Response, body: SignIn) -> Made:
    """Sign in with name and password, as the page does."""
    value, account_id = await sign_in.sign_in(request, body.name, body.password)
    sign_in.give_cookies(request, response, body.name, value)
    return Made(id=account_id)


@router.delete("/session", tags=["session"], status_code=204, responses={204: {"description": "Signed out"}})
async def close_session(request: Request) -> Response:
    """Sign out."""
    response = Response(status_code=204)
    await sign_in.sign_out(request, response)
    return response
