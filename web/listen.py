"""The page where one broadcast can be heard and read by the person whom a chat message reached."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from broadcast.errors import InvalidInput, NotFound
from broadcast.model import AttemptId, Receipt, ReceiptKind
from broadcast.report import ListenPage
from voice.shelf import Shelf
from web.context import Desk, desk
from web.rendering import render

router = APIRouter(include_in_schema=False)

PROVIDER = "web"
ENOUGH = 0.9  # DESIGN: heard means at least 90% of the first reading
TAKEN_BACK = {"recalled", "cancelled"}
KOREA = ZoneInfo("Asia/Seoul")


class Played(BaseModel):
    """What the page's player says: seconds really played (not skipped over), of how many."""

    seconds: float = Field(ge=0, le=86_400, allow_inf_nan=False)
    of: float = Field(gt=0, le=86_400, allow_inf_nan=False)


@router.get("/listen/{token}")
async def page(request: Request, token: str) -> Response:
    """Opening the page changes nothing: messengers fetch links to preview them."""
    here = desk(request)
    shown = await _shown(here, here.maeul.links.open_listen(token))
    is_taken_back = shown.state in TAKEN_BACK
    return render(
        request,
        "listen.html",
        shown=shown,
        said_on=_in_korea(shown.created_at),
        token=token,
        is_taken_back=is_taken_back,
        audio=None if is_taken_back else await _audio(here, shown),
    )


@router.post("/listen/{token}/heard")
async def heard(request: Request, token: str, played: Annotated[Played, Form()]) -> Response:
    """Counts only what the page played of the whole, and only if that is the length that we made."""
    here = desk(request)
    attempt_id = here.maeul.links.open_listen(token)
    shown = await _shown(here, attempt_id)
    whole = shown.seconds or math.inf
    if played.seconds < ENOUGH * played.of or played.of < ENOUGH * whole:
        raise InvalidInput("Not heard to the end yet.", "아직 끝까지 듣지 않았습니다.", field="seconds")
    await _tell(here, attempt_id, ReceiptKind.HEARD, "listen", played.seconds)
    return Response(status_code=204)


@router.post("/listen/{token}/confirm")
async def confirm(request: Request, token: str) -> Response:
    """The button: the resident's own sign."""
    here = desk(request)
    attempt_id = here.maeul.links.open_listen(token)
    await _shown(here, attempt_id)
    await _tell(here, attempt_id, ReceiptKind.TAPPED, "tap", None)
    return RedirectResponse(f"/listen/{token}", 303)


async def _shown(here: Desk, attempt_id: AttemptId) -> ListenPage:
    shown = await here.deliveries.listen_page(attempt_id)
    if shown is None:
        raise NotFound("This broadcast is not kept any more.", "이 방송은 더 보관하지 않습니다.")
    return shown


async def _audio(here: Desk, shown: ListenPage) -> str | None:
    """The path of the sound, as long as it is on the shelf."""
    rendered = await Shelf(here.maeul.media).find(shown.hash) if shown.hash else None
    return here.maeul.links.media_path(rendered.files["mp3"].key) if rendered else None


async def _tell(
    here: Desk, attempt_id: AttemptId, kind: ReceiptKind, what: str, seconds: float | None
) -> None:
    """Once for an attempt, however often the page says it."""
    receipt = Receipt(
        provider=PROVIDER,
        kind=kind,
        dedupe_key=f"{what}:{attempt_id}",
        at=here.maeul.clock.now(),
        attempt_id=attempt_id,
        seconds=seconds,
    )
    await here.maeul.receipts.take([receipt])


def _in_korea(moment: datetime) -> str:
    local = moment.astimezone(KOREA)
    return f"{local.month}월 {local.day}일 {local.hour}시 {local.minute:02}분"
