"""Around every answer: limits on what is read, security headers, and no traceback to anybody outside."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import broken

log = logging.getLogger(__name__)

USUAL_LIMIT = 1_000_000
MULTIPART_ROOM = 64_000

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Listen links and cursors stay with us. "no-referrer" would make a browser post our own forms as from
    # "null", which can be told from a forged post only where Sec-Fetch-Site comes along: not from older
    # telephones, nor over plain http.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
}
A_YEAR = "max-age=31536000"


class BodyLimits:
    """Stops reading a body that is over its path's limit, whatever Content-Length claims."""

    def __init__(self, app: ASGIApp, limits: Sequence[tuple[str, int]]) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((n for path, n in self._limits if scope["path"].startswith(path)), USUAL_LIMIT)
        claimed = Headers(scope=scope).get("content-length", "")
        too_long = claimed.isdigit() and int(claimed) > limit
        left = limit

        async def limited() -> Message:
            nonlocal left
            if too_long:
                raise HTTPException(413)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)


class Armour:
    """The outermost layer: headers on every answer, and bugs logged by number and answered with it."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._headers = {**HEADERS, "Strict-Transport-Security": A_YEAR} if is_https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            log.info("client_left", extra={"method": scope["method"]})
        except Exception as error:  # noqa: BLE001  # the one place where a request's bug ends
            error_id = report(error)
            if not has_begun:
                await broken(Request(scope), error_id)(scope, receive, with_headers)


def report(error: BaseException) -> str:
    """Log a bug without its words, which may hold a person's; returns the number it is logged under."""
    error_id = secrets.token_hex(4)
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error(
        "unhandled_error %s %s %s",
        error_id,
        type(error).__name__,
        " < ".join(reversed(places[-8:])),
        extra={"error_id": error_id},
    )
    return error_id
