"""Reads and checks requests to Twilio's REST interface, with Twilio's own error codes."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from channels.simulator.exchange import Exchange
from channels.simulator.records import Callback
from channels.simulator.twiml import is_web_url
from channels.simulator.wire import JsonResponse

E164 = re.compile(r"\+[1-9]\d{6,14}")
PUNCTUATION = re.compile(r"[\s().\-]")

Form = Mapping[str, Sequence[str]]


class Refused(Exception):
    """Twilio's answer to a request that it does not take."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else None
        return JsonResponse(body, self.status, headers)


def check_account(request: Request, exchange: Exchange) -> None:
    """Raises Refused unless the account and its token are ours."""
    account, token = exchange.config.account_sid, exchange.config.auth_token
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True)
    except binascii.Error:
        pair = b""
    right = hmac.compare_digest(pair, f"{account}:{token}".encode())
    if scheme.lower() != "basic" or not right:
        raise Refused(401, 20003, "Authenticate")
    if request.path_params["account"] != account:
        raise Refused(401, 20003, "Authentication Error - invalid account")


async def form_of(request: Request) -> Form:
    return parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)


def one(form: Form, name: str, default: str = "") -> str:
    values = form.get(name, ())
    return values[0] if values else default


def number(form: Form, name: str, *, missing: tuple[int, str], invalid: tuple[int, str]) -> str:
    """An E.164 number. Raises Refused with the code for none and the code for a bad one."""
    given = one(form, name).strip()
    if not given:
        raise Refused(400, *missing)
    plain = PUNCTUATION.sub("", given)
    if not E164.fullmatch(plain):
        raise Refused(400, *invalid)
    return plain


def callback(form: Form, name: str, code: int) -> Callback:
    """A callback URL with its method. Raises Refused where it is no URL."""
    url = one(form, name)
    if url and not is_web_url(url):
        raise Refused(400, code, f"{name} is not a valid URL")
    return Callback(url=url, method=one(form, f"{name}Method", "POST").upper())


def whole(form: Form, name: str, default: int, least: int, most: int) -> int:
    given = one(form, name)
    if not given:
        return default
    if not given.isdigit() or not least <= int(given) <= most:
        raise Refused(400, 20001, f"Invalid {name}")
    return int(given)


def moment(text: str) -> datetime:
    """A date or time as Twilio's lists take it. Raises Refused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError as error:
            raise Refused(400, 20001, "Invalid date") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def bounds(query: Mapping[str, str], name: str) -> tuple[datetime | None, datetime | None]:
    """From and to of a date filter: `Name`, `Name>` (both inclusive, as Twilio's `>=`) and `Name<`."""
    low, high = query.get(f"{name}>"), query.get(f"{name}<")
    if exact := query.get(name):
        start = moment(exact)
        return start, start.replace(hour=23, minute=59, second=59, microsecond=999999)
    return (moment(low) if low else None), (moment(high) if high else None)
