"""What the carrier keeps about calls, messages and chats."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field

FINAL_CALL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
FINAL_SMS = frozenset({"delivered", "undelivered", "failed", "canceled"})


class Played(BaseModel):
    """One sound of a call: how long it lasts and how much of it was heard."""

    url: str = ""
    said: str = ""
    seconds: float
    heard_s: float = 0.0
    at: datetime


class Callback(BaseModel):
    """Where Twilio is to report to."""

    url: str = ""
    method: str = "POST"


class Call(BaseModel):
    """One call as Twilio's resource and the witness show it."""

    sid: str = Field(default_factory=lambda: "CA" + token_hex(16))
    n: int
    attempt: str = ""
    to: str
    caller: str
    direction: Literal["outbound-api", "inbound"] = "outbound-api"
    status: str = "queued"
    sip: int = 0
    url: str = ""
    method: str = "POST"
    twiml: str = ""
    timeout_s: int = 60
    callback: Callback = Callback()
    events: tuple[str, ...] = ("completed",)
    amd: str = ""
    amd_is_async: bool = False
    amd_callback: Callback = Callback()
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str | None = None
    result: str = ""
    keys: str = ""
    errors: list[int] = Field(default_factory=list)
    played: list[Played] = Field(default_factory=list)
    playing_url: str = ""
    asks_for_key: bool = False
    sequence: int = 0

    @property
    def is_over(self) -> bool:
        return self.status in FINAL_CALL

    @property
    def talked_s(self) -> int:
        if self.answered_at is None or self.ended_at is None:
            return 0
        return round((self.ended_at - self.answered_at).total_seconds())


class Sms(BaseModel):
    """One text message."""

    sid: str = Field(default_factory=lambda: "SM" + token_hex(16))
    n: int
    attempt: str = ""
    to: str
    sender: str
    body: str
    direction: Literal["outbound-api", "inbound"] = "outbound-api"
    status: str = "queued"
    error_code: int | None = None
    callback: Callback = Callback()
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status in FINAL_SMS


class Button(BaseModel):
    """A button under a chat message: a link, or words that it says."""

    label: str
    url: str = ""
    says: str = ""
    extra: dict[str, object] = Field(default_factory=dict)


class Bubble(BaseModel):
    """One thing in a chat window. `by` "bot" is the service, "person" the owner of the handset."""

    by: Literal["bot", "person"]
    text: str
    title: str = ""
    buttons: list[Button] = Field(default_factory=list)
    at: datetime
    seen_at: datetime | None = None
    heard_s: float | None = None


class Chat(BaseModel):
    """One chat window."""

    user: str
    bot: str
    bubbles: list[Bubble] = Field(default_factory=list)


class TalkUser(BaseModel):
    """One person of an Event API request and what became of it."""

    user: str
    kind: str = "botUserKey"
    n: int
    attempt: str = ""
    properties: dict[str, object] = Field(default_factory=dict)
    status: Literal["waiting", "shown", "suppressed", "failed", "unresolved"] = "waiting"
    error_type: int = 0
    error: str = ""
    failed_at: datetime | None = None


class Talk(BaseModel):
    """One Event API request, Kakao's task."""

    task: str
    bot: str
    event: str
    params: dict[str, object] = Field(default_factory=dict)
    users: list[TalkUser]
    at: datetime


def attempt_in(url: str) -> str:
    """Our service's attempt id in its callback URL: a parameter named so, else the last whole number."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    for name in ("attempt", "attempt_id", "attemptId"):
        if name in query:
            return query[name][0]
    numbers = [piece for piece in parts.path.split("/") if piece.isdigit()]
    return numbers[-1] if numbers else ""
