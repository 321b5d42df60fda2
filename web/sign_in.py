"""Who is asking: bearer tokens, page sessions, and the limits on trying passwords."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from broadcast.errors import NotAllowed, NotSignedIn, TooMany
from broadcast.model import AccountId
from broadcast.people import accounts
from broadcast.people.accounts import SESSION_LIFE, AccessKind, SignedIn
from web.context import Desk, desk

COOKIE = "maeul_session"
DEVICE = "maeul_device"
A_YEAR_S = 31_536_000
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

WINDOW = timedelta(minutes=15)
TRIES_A_NAME = 10
TRIES_IN_ALL = 200
NAMES_WATCHED = 10_000

bearer = HTTPBearer(auto_error=False, description="A token of `maeul user add NAME --role ROLE --token`.")


async def signed_in(
    request: Request, token: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> SignedIn:
    """The holder of the token or the page's session. Raises NotSignedIn, and NotAllowed for a forged post."""
    found = await maybe_signed_in(request, token.credentials if token else None)
    if found is None:
        raise NotSignedIn("Sign in, or send a valid token.", "로그인하거나 올바른 토큰을 보내 주세요.")
    return found


Asker = Annotated[SignedIn, Depends(signed_in)]


async def maybe_signed_in(request: Request, token: str | None = None) -> SignedIn | None:
    """As `signed_in`, but None for somebody who is not. A token, where given, alone decides."""
    here = desk(request)
    if "authorization" in request.headers:
        held = await accounts.holder_of(here.accounts, here.maeul.clock, token) if token else None
        return held if held and held.kind is AccessKind.TOKEN else None
    value = request.cookies.get(COOKIE)
    if not value:
        return None
    held = await accounts.holder_of(here.accounts, here.maeul.clock, value)
    if held is None or held.kind is not AccessKind.SESSION:
        return None
    require_own_page(request)
    return held


def require_own_page(request: Request) -> None:
    """Refuse an unsafe request that another site's page made the browser send. Raises NotAllowed."""
    if request.method in SAFE_METHODS or _is_from_own_page(request):
        return
    raise NotAllowed("This request did not come from our own page.", "우리 화면에서 보낸 요청이 아닙니다.")


def _is_from_own_page(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin and origin != "null":
        return _place(origin) in (request.headers.get("host"), _place(desk(request).maeul.public_url))
    return request.headers.get("sec-fetch-site") in ("same-origin", "none")


def _place(url: str) -> str:
    return urlsplit(url).netloc


# --- passwords --------------------------------------------------------------------------------


@dataclass
class Tries:
    """Wrong passwords of the last quarter of an hour, by name and in all. In memory: a restart forgives.

    A browser that has signed in under a name before is counted by itself: else any stranger who guesses, or
    pretends to, would lock the head out when it matters.
    """

    by_name: dict[str, deque[datetime]] = field(default_factory=dict)
    all: deque[datetime] = field(default_factory=deque)

    def check(self, name: str, now: datetime, *, is_known: bool = False) -> None:
        """`name`, or the mark of a browser that `is_known`. Raises TooMany."""
        own = self.by_name.get(name, deque())
        for tries, most in ((own, TRIES_A_NAME), *(() if is_known else ((self.all, TRIES_IN_ALL),))):
            while tries and tries[0] <= now - WINDOW:
                tries.popleft()
            if len(tries) >= most:
                raise _too_many(tries[0] + WINDOW - now)

    def add(self, name: str, now: datetime, *, is_known: bool = False) -> None:
        if name not in self.by_name and len(self.by_name) >= NAMES_WATCHED:
            self.by_name.clear()  # somebody tries names at random: the limit in all holds
        self.by_name.setdefault(name, deque()).append(now)
        if not is_known:
            self.all.append(now)

    def forgive(self, name: str, *, is_known: bool = False) -> None:
        self.by_name.pop(name, None)
        if self.all and not is_known:
            self.all.pop()


def _too_many(wait: timedelta) -> TooMany:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    error = TooMany(
        f"Too many wrong tries. Please try again in {minutes} minutes.",
        f"여러 번 틀렸습니다. {minutes}분 뒤에 다시 시도해 주세요.",
    )
    error.retry_after_s = max(1, int(wait.total_seconds()))
    return error


async def sign_in(request: Request, name: str, password: str) -> tuple[str, AccountId]:
    """The value of a new session's cookie, and whose it is. Raises NotSignedIn, TooMany or NotAllowed."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        require_own_page(request)
    here: Desk = desk(request)
    tries: Tries = request.app.state.tries
    now = here.maeul.clock.now()
    device = request.cookies.get(DEVICE, "")
    is_known = here.maeul.links.is_device(device, _watched(name))
    watched = device if is_known else _watched(name)
    tries.check(watched, now, is_known=is_known)
    tries.add(
        watched, now, is_known=is_known
    )  # before the check, so that tries at the same time count as well
    account = await accounts.check_password(here.accounts, name.strip(), password)
    if account is None:
        raise NotSignedIn("Name or password is wrong.", "이름이나 비밀번호가 틀립니다.")
    tries.forgive(watched, is_known=is_known)
    return await accounts.open_session(here.accounts, here.maeul.clock, account), account


def _watched(name: str) -> str:
    return name.strip().casefold()


def give_cookies(request: Request, response: Response, name: str, value: str) -> None:
    """The session, and what makes this browser known when it signs in again under this name."""
    maeul = desk(request).maeul
    is_https = maeul.public_url.startswith("https:")
    response.set_cookie(
        COOKIE,
        value,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        secure=is_https,
        samesite="lax",
    )
    mark = maeul.links.device(_watched(name))
    response.set_cookie(DEVICE, mark, max_age=A_YEAR_S, httponly=True, secure=is_https, samesite="lax")


async def sign_out(request: Request, response: Response) -> None:
    """End the page's session, if there is one."""
    here = desk(request)
    value = request.cookies.get(COOKIE)
    if value:
        require_own_page(request)
        await accounts.revoke(here.accounts, here.maeul.clock, value)
    response.delete_cookie(COOKIE)
