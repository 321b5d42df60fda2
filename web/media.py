"""Sound from the shelf under signed links, in ranges, streamed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from broadcast.errors import NotFound
from web.context import Desk, desk

router = APIRouter(include_in_schema=False)

TYPES = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".json": "application/json",
}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# What lies under a key never changes, so a carrier may keep it; it is for the holder of the link only.
CACHED = "private, max-age=86400, immutable"


@router.api_route("/media/{key:path}", methods=["GET", "HEAD"])
async def sound(request: Request, key: str, e: str = "", s: str = "") -> Response:
    """The bytes under this key, if the signature `s` and the end `e` are ours."""
    here = desk(request)
    here.maeul.links.check_media(key, e, s)
    try:
        size = await here.maeul.media.size(key)
    except KeyError:
        raise NotFound(
            "This sound is not on the shelf any more.", "이 소리는 더 보관하지 않습니다."
        ) from None
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHED,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f'"{PurePosixPath(key).parent.name[:16]}-{size:x}"',
    }
    media_type = await _media_type(here, key)
    asked = asked_range(request.headers.get("range"), size)
    if asked is None:
        return Response(None, 416, {**headers, "Content-Range": f"bytes */{size}"})
    start, end = asked
    headers["Content-Length"] = str(end - start)
    is_part = (start, end) != (0, size) or RANGE.fullmatch(request.headers.get("range", "")) is not None
    if is_part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if is_part else 200
    if request.method == "HEAD":
        return Response(None, status, headers, media_type)
    return StreamingResponse(_pieces(here, key, start, end), status, headers, media_type)


async def _pieces(here: Desk, key: str, start: int, end: int) -> AsyncIterator[bytes]:
    async for piece in here.maeul.media.chunks(key, start, end):
        yield piece


async def _media_type(here: Desk, key: str) -> str:
    by_name = TYPES.get(PurePosixPath(key).suffix)
    if by_name is not None:
        return by_name
    return await here.deliveries.recording_type(key) or "application/octet-stream"


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of what is asked for; None: it cannot be given (416).

    A header that is not one plain range of bytes is ignored, as RFC 9110 allows.
    """
    found = RANGE.fullmatch(header or "")
    if found is None or found.group(0) == "bytes=-":
        return 0, size
    first, last = found.groups()
    if not first:
        wanted = int(last)
        return (max(0, size - wanted), size) if wanted and size else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size
    return (start, end) if start < size else None
