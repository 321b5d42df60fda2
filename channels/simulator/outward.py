"""All HTTP that the simulator does itself: signed callbacks, documents, sounds, skill calls, web pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

TWILIO_LIMIT_S = 15.0
SKILL_LIMIT_S = 5.0  # Kakao waits no longer for a skill
AGENT = {"User-Agent": "TwilioProxy/1.1"}
BROWSER = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile KAKAOTALK",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "ko-KR,ko;q=0.9",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` 0: no answer came, and `error` names why."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Outward:
    """One session for all. Never raises for the other side's sake."""

    def __init__(self, auth_token: str, skill_secret: str) -> None:
        self._token = auth_token.encode()
        self._skill_secret = skill_secret
        self._session: aiohttp.ClientSession | None = None

    async def signed(self, url: str, method: str, params: Mapping[str, str], token: str = "") -> Reply:
        """Twilio's request to one of our hooks: a form, or the same as a query where GET was asked for."""
        headers = dict(AGENT)
        if token:
            headers["I-Twilio-Idempotency-Token"] = token
        if method == "GET":
            joint = "&" if urlsplit(url).query else "?"
            url, params = f"{url}{joint}{urlencode(params)}", {}
        headers["X-Twilio-Signature"] = self.signature(url, params)
        body = urlencode(params).encode() if method != "GET" else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        return await self._request(method, url, headers, body, TWILIO_LIMIT_S)

    def signature(self, url: str, params: Mapping[str, str]) -> str:
        """X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted names and values."""
        text = url + "".join(name + params[name] for name in sorted(params))
        return base64.b64encode(hmac.new(self._token, text.encode(), hashlib.sha1).digest()).decode()

    async def media(self, url: str) -> Reply:
        return await self._request("GET", url, AGENT, None, TWILIO_LIMIT_S)

    async def skill(self, url: str, body: Mapping[str, object]) -> Reply:
        headers = {"Content-Type": "application/json", "X-Maeul-Skill-Secret": self._skill_secret}
        return await self._request("POST", url, headers, orjson.dumps(body), SKILL_LIMIT_S)

    async def page(self, url: str) -> Reply:
        """What a phone's browser does with a link."""
        return await self._request("GET", url, BROWSER, None, TWILIO_LIMIT_S)

    async def beacon(self, url: str, fields: Mapping[str, str]) -> Reply:
        headers = BROWSER | {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._request("POST", url, headers, urlencode(fields).encode(), TWILIO_LIMIT_S)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit_s: float
    ) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=200), cookie_jar=aiohttp.DummyCookieJar()
            )
        limit = aiohttp.ClientTimeout(total=limit_s)
        try:
            # encoded=True: a signature covers the URL as it was given, so nothing may requote it.
            target = URL(url, encoded=True)
            async with self._session.request(
                method, target, headers=headers, data=body, timeout=limit
            ) as reply:
                kind = reply.headers.get("Content-Type", "")
                return Reply(reply.status, await reply.read(), kind)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            return Reply(0, error=type(error).__name__)
