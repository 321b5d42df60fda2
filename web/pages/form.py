"""The form of a new broadcast: what was filled in, kept whatever becomes of it, and what is wrong with it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcast.errors import CallerMistake, InvalidInput
from web.api.shapes import BroadcastIn
from web.catalogue import CATALOGUE
from web.validation import LAST_YEAR, in_korean
from web.words import Words

KOREA = ZoneInfo("Asia/Seoul")
LASTS = ("1", "3", "6", "12", "24")
USUAL_HOURS = "6"
MOST_FIELDS = 5_000  # a county ticks every village
KEY = re.compile(r"[\x21-\x7e]{1,200}")
SINGLE = (
    "key",
    "text",
    "title",
    "recording_id",
    "priority",
    "category",
    "when",
    "at",
    "response_type",
    "lasts",
    "expires_at",
)
# Where the form shows what the API says of a field.
SHOWN_AT = {"body": "text", "file": "recording_id"}


def new_key() -> str:
    """So that one form sends once, however often it is submitted."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as the author left it; all texts, nothing checked. `expires_at` is fixed when confirming;
    `is_without_calls`: the author knows that it is too long for telephones."""

    key: str = field(default_factory=new_key)
    text: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    recording_id: str = ""
    villages: tuple[str, ...] = ()
    priority: str = "ROUTINE"
    category: str = "notice"
    when: str = "now"
    at: str = ""
    response_type: str = "Execute"  # who calls it an emergency means now: else nobody is rung at night
    lasts: str = USUAL_HOURS
    expires_at: str = ""
    is_confirmed: bool = False
    is_without_calls: bool = False

    @property
    def is_emergency(self) -> bool:
        return self.priority == "EMERGENCY"

    def pairs(self) -> list[tuple[str, str]]:
        """As hidden fields, so that nothing is lost on the way through another page."""
        single = [(name, str(getattr(self, name))) for name in SINGLE]
        return [pair for pair in single if pair[1]] + [("villages", code) for code in self.villages]


async def read(request: Request) -> Filled:
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return filled_in(form)


def filled_in(form: FormData) -> Filled:
    def said(name: str, otherwise: str = "") -> str:
        value = form.get(name)
        return value if isinstance(value, str) and value else otherwise

    key = said("key")
    villages = [code for code in form.getlist("villages") if isinstance(code, str)]
    return Filled(
        key=key if KEY.fullmatch(key) else new_key(),
        text=said("text"),
        title=said("title"),
        recording_id=said("recording_id"),
        villages=tuple(dict.fromkeys(villages)),
        priority=said("priority", "ROUTINE"),
        category=said("category", "notice"),
        when=said("when", "now"),
        at=said("at"),
        response_type=said("response_type"),
        lasts=said("lasts", USUAL_HOURS),
        expires_at=said("expires_at"),
        is_confirmed="confirmed" in form,
        is_without_calls="without_calls" in form,
    )


def body_of(filled: Filled, now: datetime) -> BroadcastIn:
    """What the API would have been sent. Raises ValidationError or InvalidInput."""
    values: dict[str, object] = {
        "title": filled.title,
        "villages": list(filled.villages),
        "priority": filled.priority,
        "category": filled.category,
    }
    if filled.text.strip():
        values["text"] = filled.text
    if filled.recording_id:
        values["recording_id"] = filled.recording_id
    scheduled_at = _moment(filled.at) if filled.when == "at" else None
    if scheduled_at is not None:
        values["scheduled_at"] = scheduled_at
    if filled.is_emergency:
        values["category"] = "disaster"
        values["expires_at"] = filled.expires_at or _end(filled, scheduled_at or now)
        if filled.response_type:
            values["response_type"] = filled.response_type
    return BroadcastIn.model_validate(values)


def _moment(local: str) -> datetime:
    """A time of the page's clock field, which is Korea's."""
    key = "when.unreadable" if local else "when.missing"
    try:
        moment = datetime.fromisoformat(local).replace(tzinfo=KOREA)
    except ValueError:
        moment = None
    if moment is None or moment.year > LAST_YEAR:
        korean, english = CATALOGUE[key]
        raise InvalidInput(english, korean, field="scheduled_at")
    return moment


def _end(filled: Filled, begins: datetime) -> datetime:
    hours = filled.lasts if filled.lasts in LASTS else USUAL_HOURS
    return begins + timedelta(hours=int(hours))


class Errors(dict[str, str]):
    """What is wrong, by field; nothing is wrong with a field that is not named."""

    def __missing__(self, field: str) -> str:
        return ""


def errors_of(error: ValidationError | CallerMistake, t: Words) -> Errors:
    """Each field's first finding, in the reader's language, under the field's name in the form."""
    found = Errors()
    for name, words in _found(error, t):
        found.setdefault(SHOWN_AT.get(name, name), words)
    return found


def _found(error: ValidationError | CallerMistake, t: Words) -> Iterator[tuple[str, str]]:
    if isinstance(error, CallerMistake):
        yield error.field or "form", t.choose(error.detail_ko, error.detail)
        return
    for one in error.errors():
        where = str(one["loc"][0]) if one["loc"] else "body"
        if where == "villages" and one["type"] == "too_short":
            yield where, t("villages.choose")
        else:
            yield where, t.choose(in_korean(one), one["msg"])
