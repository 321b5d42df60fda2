"""Signing in and out, and the first page on either side of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from broadcast.errors import NotSignedIn, TooMany
from broadcast.people import accounts
from web import sign_in
from web.context import desk
from web.pages import home
from web.pages.form import MOST_FIELDS, Errors, Filled, filled_in
from web.rendering import render
from web.words import Words, language_of

router = APIRouter(include_in_schema=False)

OWN_PLACES = re.compile(r"/broadcasts(/[0-9]{1,18})?")
LONGEST_NAME, LONGEST_PASSWORD = 80, 200


@router.get("/")
async def first(
    request: Request,
    next: str = "",
    from_: Annotated[int | None, Query(alias="from", ge=1, lt=2**63)] = None,
) -> Response:
    asker = await sign_in.maybe_signed_in(request)
    if asker is None:
        return page(request, next=next)
    here = desk(request)
    one = await here.report.broadcast(asker.who, asker.who.id, from_) if from_ else None
    return await home.page(request, asker, await home.again(here, asker, one) if one else None)


def page(
    request: Request,
    *,
    status: int = 200,
    name: str = "",
    next: str = "",
    errors: Errors | None = None,
    kept: Sequence[tuple[str, str]] = (),
) -> Response:
    """The form to sign in; `kept` is a broadcast that somebody was writing when the session ended."""
    return render(
        request, "sign_in.html", status, name=name, next=next, errors=errors or Errors(), kept=list(kept)
    )


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        kept = filled_in(form) if "key" in form else None
        name, password, next = _said(form, "name"), _said(form, "password"), _said(form, "next")
    try:
        value, _ = await sign_in.sign_in(request, name[: LONGEST_NAME + 1], password[: LONGEST_PASSWORD + 1])
    except (NotSignedIn, TooMany) as error:
        t = Words(language_of(request))
        where = "password" if isinstance(error, NotSignedIn) else "form"
        errors = Errors({where: t.choose(error.detail_ko, error.detail)})
        status = 401 if isinstance(error, NotSignedIn) else 429
        pairs = kept.pairs() if kept else ()
        return page(request, status=status, name=name, next=next, errors=errors, kept=pairs)
    response = await _inside(request, value, kept, next)
    sign_in.give_cookies(request, response, name, value)
    return response


async def _inside(request: Request, value: str, kept: Filled | None, next: str) -> Response:
    """Where somebody goes who has just signed in: back to what was being written, or looked at."""
    here = desk(request)
    asker = await accounts.holder_of(here.accounts, here.maeul.clock, value)
    if kept is not None and asker is not None:
        return await home.page(request, asker, kept)
    return RedirectResponse(next if OWN_PLACES.fullmatch(next) else "/", 303)


def _said(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    response = RedirectResponse("/", 303)
    await sign_in.sign_out(request, response)
    return response
