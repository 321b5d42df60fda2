"""What can happen to a call from outside while it waits: its person, the page, or our service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answered:
    """A person picked up on the page."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The person put the receiver down, or declined while it rang."""


@dataclass(frozen=True, slots=True)
class Key:
    """`digit` was pressed; a planned key is kept for the next time somebody listens."""

    digit: str
    is_planned: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """Our service ended the call (`canceled` or `completed`)."""

    status: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The call goes on with another document: a URL (asked with these further `params`), or TwiML itself."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


Signal = Answered | HungUp | Key | Stopped | Replaced


class Ended(Exception):
    """A call is over, with Twilio's final CallStatus."""

    def __init__(self, status: str, sip: int) -> None:
        super().__init__(status)
        self.status = status
        self.sip = sip


class ReplacedDocument(Exception):
    """The call goes on with another document."""

    def __init__(self, by: Replaced) -> None:
        super().__init__("replaced")
        self.by = by
