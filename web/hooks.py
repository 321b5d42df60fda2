"""Providers' callbacks: checked and read by their adapter, stored, and only then answered."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from broadcast.errors import NotFound
from broadcast.ports import Hooked, HookRequest
from web.context import desk

router = APIRouter(include_in_schema=False)


@router.api_route("/hooks/{adapter}/{path:path}", methods=["GET", "POST"])
@router.api_route("/hooks/{adapter}", methods=["GET", "POST"])
async def hook(request: Request, adapter: str, path: str = "") -> Response:
    """Answered after the commit: where storing fails, the 500 makes the provider tell it again."""
    here = desk(request)
    sender = here.maeul.senders.get(adapter)
    if not isinstance(sender, Hooked):
        raise NotFound("There is no such channel here.", "그런 채널이 없습니다.")
    reply = await sender.answer(await _as_it_came(request, path), here.maeul.conversation)
    if reply.receipts:
        await here.maeul.receipts.take(reply.receipts)
    return Response(reply.body, reply.status, media_type=reply.content_type)


async def _as_it_came(request: Request, path: str) -> HookRequest:
    here = desk(request)
    # The raw path, because signatures are made over the address before anybody decoded it.
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    return HookRequest(
        method=request.method,
        path=path,
        url=here.maeul.public_url.rstrip("/") + raw_path + (f"?{query}" if query else ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        at=here.maeul.clock.now(),
    )
