"""The door for Twilio's callbacks: checks the signature, then reads the attempt and the form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from broadcast.model import AttemptId
from broadcast.ports import HookReply, HookRequest
from channels._attempt import attempt_id

MAX_FIELDS = 200  # Twilio sends about thirty
NOT_SIGNED = HookReply(status=403)
NOT_THERE = HookReply(status=404)
WRONG_METHOD = HookReply(status=405)
MALFORMED = HookReply(status=400)


@dataclass(frozen=True, slots=True)
class Callback:
    """A signed callback about one of our attempts: `kind` and `step` from its path, `form` from its body."""

    kind: str
    attempt_id: AttemptId
    step: str
    sid: str
    turn: int
    form: Mapping[str, str] = field(repr=False)


class Door:
    """Lets Twilio's callbacks in. `sid_field` names the resource's id in the form."""

    def __init__(self, auth_token: SecretStr, sid_field: str) -> None:
        self._validator = RequestValidator(auth_token.get_secret_value())
        self._sid_field = sid_field

    def open(self, request: HookRequest) -> Callback | HookReply:
        """The callback, or the refusal to answer with."""
        if request.method != "POST":
            return WRONG_METHOD
        form = _form(request.body)
        if form is None or not self._is_signed(request, form):
            return NOT_SIGNED
        return _read(request, form, self._sid_field)

    def _is_signed(self, request: HookRequest, form: MultiDict[str]) -> bool:
        signature = request.headers.get("x-twilio-signature")
        if not signature:  # the validator raises TypeError on None
            return False
        try:
            return bool(self._validator.validate(request.url, form, signature))
        except ValueError:  # a URL that cannot be parsed or encoded
            return False


def _form(body: bytes) -> MultiDict[str] | None:
    # Blank values are signed too: without them every empty Digits would look forged.
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    return MultiDict(pairs)


def _read(request: HookRequest, form: MultiDict[str], sid_field: str) -> Callback | HookReply:
    path = request.path.strip("/")
    match = re.fullmatch(r"(status|amd|turn)/([0-9]{1,19})(?:/([a-z0-9_-]{1,40}))?", path)
    attempt = attempt_id(match[2]) if match else None
    if match is None or attempt is None or (match[3] and match[1] != "turn"):
        return NOT_THERE
    sid = form.get(sid_field, "")
    if not re.fullmatch(r"[A-Za-z0-9]{1,64}", sid):
        return MALFORMED
    return Callback(match[1], attempt, match[3] or "", sid, _turn(request.url), dict(form))


def _turn(url: str) -> int:
    """How many turns the call has had: signed with the URL, so that one key pressed twice is two events."""
    match = re.fullmatch(r"turn=([0-9]{1,6})", urlsplit(url).query)
    return int(match[1]) if match else 0
