"""One HTTP exchange with a provider, and what its failure proves: sent, surely not sent, or unclear."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from broadcast.model import Deferred, Outcome, Reason, Rejected, Unclear

# A base URL that cannot be asked is found at start, not by messages whose fate is unclear.
BASE_URL = r"^https?://(\[[0-9A-Fa-f:]+\]|[^/\s:@]+)(:[0-9]{1,5})?(/\S*)?$"
THROTTLED = frozenset({429, 503})
# Our account, our address of the API or our way of asking: no other message will do better.
MISCONFIGURED = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 415})


@dataclass(frozen=True, slots=True)
class Limits:
    """Time-outs in seconds. `total` covers everything, so a request never hangs on a silent provider."""

    connect: float = 5.0
    total: float = 15.0

    def for_aiohttp(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=self.total, connect=self.connect)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def document(self) -> Mapping[str, object]:
        """The JSON object in the body, or an empty one if there is none."""
        try:
            parsed: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def provider_time(self) -> datetime | None:
        """The provider's clock as it answered, to the second."""
        return http_date(self.headers.get("Date", ""))


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    limits: Limits,
    body: bytes | None = None,
) -> Answer | Deferred | Unclear:
    """Ask once. Deferred: nothing left this machine. Unclear: it may have arrived, the answer did not.

    Only the type of a failure is told: its text may hold the URL, and a URL may hold a number.
    """
    try:
        async with http.request(
            method,
            URL(url, encoded=True),
            data=body,
            headers=headers,
            timeout=limits.for_aiohttp(),
            allow_redirects=False,  # a redirected POST would become a GET, and report success
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        return Deferred(Reason.PROVIDER_DOWN)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Unclear(type(error).__name__)


def refusal(answer: Answer) -> Outcome:
    """What an HTTP status alone proves, where the provider gave no code that we know.

    A 500, 502 or 504 may come from a gateway in front of a provider that has taken the message, so it is
    Unclear: a lost reply is not a failure.
    """
    if answer.status in THROTTLED:
        return Deferred(Reason.THROTTLED, retry_after(answer))
    if answer.status in MISCONFIGURED:
        return Rejected(Reason.MISCONFIGURED, f"HTTP {answer.status}")
    if 400 <= answer.status < 500 and answer.status != 408:
        return Rejected(Reason.UNKNOWN, f"HTTP {answer.status}")
    return Unclear(f"HTTP {answer.status}")


def retry_after(answer: Answer) -> timedelta | None:
    """RFC 9110 `Retry-After`, as seconds or as a date by the provider's own clock."""
    value = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,6}", value):
        return timedelta(seconds=int(value))
    moment, now = http_date(value), answer.provider_time
    return max(moment - now, timedelta()) if moment and now else None


def http_date(value: str) -> datetime | None:
    """An RFC 2822 date, or None if it is none; one without a zone is no date."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else None
