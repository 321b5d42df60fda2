"""Sending a new broadcast: listen first, confirm an emergency, submit once."""

from __future__ import annotations

from dataclasses import replace

import orjson
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from broadcast.errors import CallerMistake, KeyReused
from broadcast.people.accounts import SignedIn
from web.api import broadcasts
from web.api.shapes import BroadcastIn
from web.context import Desk, desk
from web.pages import door, home
from web.pages.form import Filled, body_of, errors_of, new_key, read
from web.pages.lists import in_korea, seen_villages, where
from web.pages.preview import Preview, may_be_too_long_to_phone, preview
from web.rendering import render
from web.sign_in import maybe_signed_in
from web.words import Words, language_of

router = APIRouter(include_in_schema=False)

ONLY_THE_PIECE = "x-maeul-piece"  # a script asks for the changed piece of the page alone


@router.post("/compose")
async def back_to_the_form(request: Request) -> Response:
    asker, filled = await maybe_signed_in(request), await read(request)
    if asker is None:
        return door.page(request, status=401, kept=filled.pairs())
    return await home.page(request, asker, filled)


@router.post("/preview")
async def listen_first(request: Request) -> Response:
    """The sound that residents would hear, in the page or, for its script, alone."""
    asker, filled = await maybe_signed_in(request), await read(request)
    is_piece = ONLY_THE_PIECE in request.headers
    if asker is None:
        if not is_piece:
            return door.page(request, status=401, kept=filled.pairs())
        ended = Preview(error=Words(language_of(request))("sign_in.kept"))
        return render(request, "_preview.html", 401, preview=ended)
    made = await preview(desk(request), asker, filled, Words(language_of(request)))
    status = 422 if made.error else 200
    if is_piece:
        return render(request, "_preview.html", status, preview=made)
    return await home.page(request, asker, filled, preview=made, status=status)


@router.post("/broadcasts")
async def send(request: Request) -> Response:
    """Submit once, however often the form comes; an emergency only after it was repeated back."""
    asker, filled = await maybe_signed_in(request), await read(request)
    if asker is None:
        return door.page(request, status=401, kept=filled.pairs())
    here, t = desk(request), Words(language_of(request))
    try:
        body = body_of(filled, here.maeul.clock.now())
        if filled.is_emergency and not filled.is_confirmed:
            return await _confirm(request, asker, filled, body, t)
        if too_long := await _not_phoned(here, asker, filled, t):
            return await home.page(request, asker, filled, notice=t("write.not_phoned"), preview=too_long)
        answer = await broadcasts.submit(request, body, asker, filled.key)
    except KeyReused:
        notice = t("write.already_sent")
        return await home.page(request, asker, replace(filled, key=new_key()), notice=notice, status=409)
    except (ValidationError, CallerMistake) as error:
        return await home.page(request, asker, filled, errors=errors_of(error, t), status=422)
    id = orjson.loads(bytes(answer.body))["id"]
    return RedirectResponse(f"/broadcasts/{id}?sent={filled.key}", 303)


async def _not_phoned(here: Desk, asker: SignedIn, filled: Filled, t: Words) -> Preview | None:
    """What was heard to be too long for telephones, unless the author knows."""
    if filled.is_without_calls or not await may_be_too_long_to_phone(here, asker, filled):
        return None
    made = await preview(here, asker, filled, t)
    return None if made.error or made.is_phoned else made


async def _confirm(
    request: Request, asker: SignedIn, filled: Filled, body: BroadcastIn, t: Words
) -> Response:
    """Repeats back whom it goes to and when, with the end fixed so that a second click sends the same."""
    here = desk(request)
    assert body.expires_at is not None  # body_of sets it for every emergency
    villages = {one.code: one for one in await seen_villages(here, asker)}
    chosen = [villages[code] for code in body.villages if code in villages]
    place = where(body.villages, {code: one.name for code, one in villages.items()}, t)
    count = sum(one.residents for one in chosen)
    if body.scheduled_at is None:
        sentence = t("confirm.now", where=place, n=count)
    else:
        sentence = t("confirm.at", where=place, n=count, at=in_korea(body.scheduled_at, t))
    return render(
        request,
        "confirm.html",
        asker=asker,
        sentence=sentence,
        until=in_korea(body.expires_at, t),
        recording=await home.recording_of(here, asker, filled.recording_id),
        filled=replace(filled, expires_at=body.expires_at.isoformat()),
    )
