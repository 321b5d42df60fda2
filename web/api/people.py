"""Residents and their guardians: enrol, list, change, withdraw, death and moving away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from broadcast.errors import NotFound
from broadcast.model import AddressId, ResidentId
from broadcast.people.accounts import SignedIn
from broadcast.people.residents import contact
from broadcast.people.views import GuardianView, ResidentView
from web.api import answers
from web.api import examples as e
from web.api.broadcasts import Cursor, Limit
from web.api.shapes import (
    AddressIn,
    ConsentIn,
    GuardianIn,
    Made,
    Page,
    ResidentChange,
    ResidentIn,
    VillageCode,
    Withdrawal,
    next_cursor,
)
from web.context import Desk, desk
from web.sign_in import Asker

router = APIRouter(prefix="/residents", tags=["residents"])

ResidentNumber = Annotated[int, Path(ge=1, lt=2**63, examples=[52])]
AddressNumber = Annotated[int, Path(ge=1, lt=2**63, examples=[9])]
SEEN = answers(200, "The resident as now kept", e.RESIDENT)


@router.get("", responses=answers(200, "Residents by id", e.page(e.RESIDENT)))
async def listed(
    request: Request,
    asker: Asker,
    village: Annotated[VillageCode | None, Query(examples=[e.VILLAGE])] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ResidentView]:
    """List the residents whom you may see; numbers are masked unless your role needs them."""
    found = await desk(request).people_lists.residents(
        asker.who, village=village, after=cursor or 0, limit=limit
    )
    return Page(items=found, next_cursor=next_cursor([one.id for one in found], limit))


@router.post(
    "",
    status_code=201,
    responses=answers(201, "Enrolled", e.RESIDENT),
    openapi_extra=e.body(e.RESIDENT_IN),
)
async def enrol(request: Request, body: ResidentIn, asker: Asker) -> ResidentView:
    """Enrol somebody who agreed to be reached."""
    here = desk(request)
    id = await here.people.enrol(asker.who, body.enrolment())
    return await seen(here, asker, id)


@router.get("/{id}", responses=SEEN)
async def one(request: Request, id: ResidentNumber, asker: Asker) -> ResidentView:
    """Look a resident up."""
    return await seen(desk(request), asker, id)


@router.patch(
    "/{id}", responses=SEEN, openapi_extra=e.only("She moved to the hospital", {"absence": "hospital"})
)
async def change(request: Request, id: ResidentNumber, body: ResidentChange, asker: Asker) -> ResidentView:
    """Change what is sent, leave the rest."""
    here = await _visible(request, asker, id)
    await here.people.change(asker.who, ResidentId(id), body.name, body.given())
    return await seen(here, asker, id)


@router.post(
    "/{id}/addresses",
    status_code=201,
    responses=answers(201, "Added", e.RESIDENT),
    openapi_extra=e.only("A landline", {"kind": "phone", "value": "031-555-0101"}),
)
async def add_address(request: Request, id: ResidentNumber, body: AddressIn, asker: Asker) -> ResidentView:
    """Add a telephone number or a chat user key."""
    here = await _visible(request, asker, id)
    given = contact(body.kind, body.value, where="value")
    await here.people.add_contact(asker.who, ResidentId(id), given)
    return await seen(here, asker, id)


@router.post("/{id}/addresses/{address_id}/suppress", responses=SEEN)
async def suppress(
    request: Request, id: ResidentNumber, address_id: AddressNumber, asker: Asker
) -> ResidentView:
    """Send nothing more to this address; what is under way to it is stopped."""
    here = await _visible(request, asker, id)
    await here.people.suppress(asker.who, ResidentId(id), AddressId(address_id))
    return await seen(here, asker, id)


@router.post(
    "/{id}/consent",
    responses=SEEN,
    openapi_extra=e.only(
        "By telephone", {"categories": ["notice"], "how": "telephone", "words": "받겠습니다"}
    ),
)
async def consent(request: Request, id: ResidentNumber, body: ConsentIn, asker: Asker) -> ResidentView:
    """Note a consent that was given, also one given again."""
    here = await _visible(request, asker, id)
    await here.people.consent(asker.who, ResidentId(id), body.consent())
    return await seen(here, asker, id)


@router.post(
    "/{id}/withdraw",
    responses=SEEN,
    openapi_extra=e.only("No more everyday notices", {"categories": ["notice"], "how": "telephone"}),
)
async def withdraw(
    request: Request, id: ResidentNumber, asker: Asker, body: Withdrawal | None = None
) -> ResidentView:
    """Note that consent was withdrawn, for all categories unless some are named. It holds at once."""
    here, given = await _visible(request, asker, id), body or Withdrawal()
    await here.people.withdraw(asker.who, ResidentId(id), given.categories, given.how)
    return await seen(here, asker, id)


@router.post("/{id}/deceased", responses=SEEN)
async def deceased(request: Request, id: ResidentNumber, asker: Asker) -> ResidentView:
    """Note a death: nothing goes to this person any more."""
    here = await _visible(request, asker, id)
    await here.people.deceased(asker.who, ResidentId(id))
    return await seen(here, asker, id)


@router.post("/{id}/moved", responses=SEEN)
async def moved(request: Request, id: ResidentNumber, asker: Asker) -> ResidentView:
    """Note that somebody moved away."""
    here = await _visible(request, asker, id)
    await here.people.moved(asker.who, ResidentId(id))
    return await seen(here, asker, id)


@router.get("/{id}/guardians", responses=answers(200, "Guardians by rank", e.page(e.GUARDIAN)))
async def guardians(request: Request, id: ResidentNumber, asker: Asker) -> Page[GuardianView]:
    """List who listens along and who is told."""
    here = await _visible(request, asker, id)
    return Page(items=await here.people_lists.guardians(asker.who, id), next_cursor=None)


@router.post(
    "/{id}/guardians",
    status_code=201,
    responses=answers(201, "Added", {"id": 6}),
    openapi_extra=e.body(e.GUARDIAN_IN),
)
async def add_guardian(request: Request, id: ResidentNumber, body: GuardianIn, asker: Asker) -> Made:
    """Add a guardian to whom the resident agreed."""
    here = await _visible(request, asker, id)
    return Made(id=await here.people.add_guardian(asker.who, ResidentId(id), body.guardian()))


async def seen(here: Desk, asker: SignedIn, id: int) -> ResidentView:
    """Raises NotFound for one who is not there or not the asker's to see."""
    found = await here.people_lists.resident(asker.who, id)
    if found is None:
        raise NotFound("There is no such resident here.", "해당 주민을 찾을 수 없습니다.")
    return found


async def _visible(request: Request, asker: SignedIn, id: int) -> Desk:
    here = desk(request)
    await seen(here, asker, id)
    return here
