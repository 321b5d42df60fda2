"""What Twilio's voice and SMS adapters share: the account, its REST requests, its error codes.

API: https://www.twilio.com/docs/usage/requests-to-twilio
Limit: creating a resource has no idempotency key, so a request whose reply is lost must be looked up.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from broadcast.model import Accepted, Deferred, Message, Outcome, Reason, ReceiptKind, Rejected, Unclear
from channels._http import BASE_URL, Answer, Limits, exchange, http_date, refusal, retry_after


class Verdict(StrEnum):
    """What one of Twilio's codes means for the message that it was given for."""

    PERMANENT = "permanent"
    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    NO_BLIND_RETRY = "no_blind_retry"


class Ruling(NamedTuple):
    verdict: Verdict
    reason: Reason


# https://www.twilio.com/docs/api/errors
PERMANENT = {
    21211: Reason.BAD_ADDRESS,  # not a telephone number
    21217: Reason.BAD_ADDRESS,
    21610: Reason.OPTED_OUT,
    21614: Reason.NO_SMS,  # not a mobile
    21617: Reason.TOO_LONG,
    21635: Reason.NO_SMS,  # a landline
    30005: Reason.BAD_ADDRESS,  # unknown handset
    30006: Reason.NO_SMS,  # a landline, or a carrier that cannot be reached
}
CONFIGURATION = dict.fromkeys((20003, 20005, 21205, 21212, 21408, 21606, 21608, 21609), Reason.MISCONFIGURED)
TRANSIENT = {
    20429: Reason.THROTTLED,
    21611: Reason.THROTTLED,  # the sender's queue is full
    30001: Reason.THROTTLED,
    30003: Reason.UNDELIVERED,  # handset off or away; again and again: likely a landline
    30008: Reason.UNDELIVERED,
    30036: Reason.UNDELIVERED,  # ValidityPeriod ran out in Twilio's queue
}
NO_BLIND_RETRY = {30004: Reason.UNDELIVERED, 30007: Reason.UNDELIVERED}  # blocked; filtered by the carrier

CODES: Mapping[int, Ruling] = {
    code: Ruling(verdict, reason)
    for verdict, table in (
        (Verdict.PERMANENT, PERMANENT),
        (Verdict.CONFIGURATION, CONFIGURATION),
        (Verdict.TRANSIENT, TRANSIENT),
        (Verdict.NO_BLIND_RETRY, NO_BLIND_RETRY),
    )
    for code, reason in table.items()
}

# Twilio's clock and ours may differ by this much.
CLOCK_SKEW = timedelta(seconds=5)
# A request gives up long before this, so what was created later belongs to another attempt.
CREATED_WITHIN = timedelta(seconds=60)
# A resource appears in the list at once; before this we do not call its absence proven.
LISTED_WITHIN = timedelta(seconds=30)
PAGE_SIZE = 100


class TwilioSettings(BaseSettings):
    """MAEUL_TWILIO_…: one Twilio account, for calls and for SMS."""

    model_config = SettingsConfigDict(
        env_prefix="MAEUL_TWILIO_", env_ignore_empty=True, populate_by_name=True, extra="ignore", frozen=True
    )

    account_sid: str = Field(min_length=1, description="The account, AC… (console.twilio.com)")
    auth_token: SecretStr = Field(description="Its auth token: signs our requests and Twilio's callbacks")
    caller: str = Field(
        min_length=1,
        validation_alias="MAEUL_TWILIO_FROM",
        description="E.164 number to call and send from where the village has none of its own",
    )
    api_base_url: str = Field(
        default="https://api.twilio.com", pattern=BASE_URL, description="Where Twilio's REST API is"
    )
    timeout_s: float = Field(default=15.0, gt=0, description="Seconds that one request may take")
    codes: dict[int, Ruling] = Field(
        default_factory=dict,
        description='Corrections of the code tables, as {"30003": ["permanent", "bad_address"]}',
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest resources for one number, and Twilio's clock when it listed them."""

    items: Sequence[Mapping[str, object]]
    now: datetime | None


class TwilioAccount:
    """Twilio's REST API for one account, over a session that somebody else owns."""

    def __init__(self, settings: TwilioSettings, http: aiohttp.ClientSession) -> None:
        credentials = f"{settings.account_sid}:{settings.auth_token.get_secret_value()}"
        self._codes: Mapping[int, Ruling] = {**CODES, **settings.codes}
        self._http = http
        self._limits = Limits(connect=min(5.0, settings.timeout_s), total=settings.timeout_s)
        base = settings.api_base_url.rstrip("/")
        self._account_url = f"{base}/2010-04-01/Accounts/{quote(settings.account_sid, safe='')}"
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode(),
            "Accept": "application/json",
        }

    async def create(self, collection: str, form: Sequence[tuple[str, str]]) -> Outcome:
        """POST to a collection ("Calls", "Messages")."""
        answer = await self._post(f"{collection}.json", form)
        return self._read_created(answer) if isinstance(answer, Answer) else answer

    def why_not(self, code: str, otherwise: Reason) -> tuple[ReceiptKind, Reason]:
        """What a callback's ErrorCode means: REFUSED (never again) or FAILED (may be tried again)."""
        ruling = self._codes.get(int(code)) if code.isascii() and code.isdecimal() else None
        if ruling is None:
            return ReceiptKind.FAILED, otherwise
        is_final = ruling.verdict in (Verdict.PERMANENT, Verdict.NO_BLIND_RETRY)
        return ReceiptKind.REFUSED if is_final else ReceiptKind.FAILED, ruling.reason

    async def update(self, collection: str, sid: str, form: Sequence[tuple[str, str]]) -> bool:
        """POST to one resource; True if Twilio did as it was asked."""
        answer = await self._post(f"{collection}/{quote(sid, safe='')}.json", form)
        return isinstance(answer, Answer) and answer.is_good

    async def newest_to(self, collection: str, number: str) -> Listing | None:
        """The newest resources for a number; None if Twilio did not tell."""
        query = urlencode({"To": number, "PageSize": PAGE_SIZE})
        url = f"{self._account_url}/{collection}.json?{query}"
        answer = await exchange(self._http, "GET", url, headers=self._headers, limits=self._limits)
        if not isinstance(answer, Answer) or not answer.is_good:
            return None
        items = answer.document.get(collection.lower())
        if not isinstance(items, list):
            return None
        return Listing([item for item in items if isinstance(item, dict)], answer.provider_time)

    async def _post(self, path: str, form: Sequence[tuple[str, str]]) -> Answer | Deferred | Unclear:
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        return await exchange(
            self._http,
            "POST",
            f"{self._account_url}/{path}",
            headers=headers,
            limits=self._limits,
            body=urlencode(form).encode(),
        )

    def _read_created(self, answer: Answer) -> Outcome:
        if answer.is_good:
            sid = answer.document.get("sid")
            return Accepted(sid) if isinstance(sid, str) and sid else Unclear("no sid in the answer")
        code = answer.document.get("code")
        ruling = self._codes.get(code) if isinstance(code, int) else None
        if ruling is None:
            return refusal(answer)
        if ruling.verdict is Verdict.TRANSIENT:
            return Deferred(ruling.reason, retry_after(answer))
        return Rejected(ruling.reason, str(code))


async def look_up(
    account: TwilioAccount,
    collection: str,
    message: Message,
    is_like: Callable[[Mapping[str, object]], bool],
) -> Outcome:
    """Whether Twilio has what an attempt asked for, by number and time of creation.

    We filter by To alone, not by StartTime or DateSent: those are empty while a resource is queued, and a
    queued call that is overlooked would ring twice. Twilio keeps no field of ours on a call, so two attempts
    to one number can only be told apart by time: ours is the first that was created from `begun_at` on, and
    within a minute. Age is judged by Twilio's clock (its Date header), because our own may have jumped.
    """
    listing = await account.newest_to(collection, message.to)
    if listing is None:
        return Unclear("no list")
    candidates = [item for item in listing.items if is_like(item) and _may_be_ours(item, message)]
    if candidates:
        first = min(candidates, key=lambda item: _created_at(item) or message.begun_at)
        return Accepted(str(first["sid"]))
    if listing.now is None or listing.now - message.begun_at < LISTED_WITHIN:
        return Unclear("not listed yet")
    if not _reaches_back(listing, message.begun_at - CLOCK_SKEW):
        return Unclear("too many to tell")
    return Deferred(Reason.PROVIDER_ERROR)


def _may_be_ours(item: Mapping[str, object], message: Message) -> bool:
    sid = item.get("sid")
    if not isinstance(sid, str) or sid in message.taken or item.get("to") != message.to:
        return False
    created_at = _created_at(item)  # empty for a moment after creation
    earliest, latest = message.begun_at - CLOCK_SKEW, message.begun_at + CREATED_WITHIN
    return created_at is None or earliest <= created_at <= latest


def _reaches_back(listing: Listing, moment: datetime) -> bool:
    if len(listing.items) < PAGE_SIZE:
        return True
    return any((created_at := _created_at(item)) and created_at < moment for item in listing.items)


def _created_at(item: Mapping[str, object]) -> datetime | None:
    value = item.get("date_created")
    return http_date(value) if isinstance(value, str) else None
