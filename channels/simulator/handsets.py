"""Handsets and how their owners behave: what a call, an SMS and a chat message meet."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["smartphone", "landline", "feature_phone"]
Preset = Literal["county", "quick", "manual"]
CallResult = Literal["answer", "busy", "no_answer", "voicemail", "failed", "unallocated", "invalid"]

HEARD_BUTTON = "들|확인"

SMS_ALIASES = {"invalid": "21211", "opted_out": "21610", "landline": "30006", "undelivered": "30003"}
"""Names for Twilio's codes: 21… is refused at once, 30… is accepted and then not delivered."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallBehaviour(_Value):
    """What happens to calls. `results` go by tries and the last one repeats.

    `keys` are pressed one after another, each when somebody listens for it: `first_reading` counts
    `key_after_s` from the end of the first reading, `during` from its first sound. `amd` None lets the
    answering machine detection be right. `longest_s` cuts every wait of the call short (for fast tests).
    """

    results: tuple[CallResult, ...] = Field(default=("answer",), min_length=1)
    ring_s: float = Field(default=6.0, ge=0)
    voicemail_after_s: float = Field(default=24.0, ge=0)
    keys: str = Field(default="", pattern=r"^[0-9*#]*$")
    key_when: Literal["first_reading", "during", "never"] = "first_reading"
    key_after_s: float = Field(default=3.0, ge=0)
    hangs_up_after_s: float | None = None
    hangs_up_after_reading_s: float | None = None
    amd: str | None = None
    amd_after_s: float = Field(default=3.5, ge=0)
    longest_s: float | None = None


class SmsBehaviour(_Value):
    """`results` by tries, the last repeats: "delivered", a Twilio code as digits, or one of SMS_ALIASES."""

    results: tuple[str, ...] = Field(default=("delivered",), min_length=1)
    after_s: float = Field(default=2.0, ge=0)


class ChatBehaviour(_Value):
    """`seen_after_s` None: never looks. `listens` opens the listen link and hears `listens_share` of it.
    `taps` is a piece of a message button's label, "|" between alternatives ("들" finds "들었어요"); `says` is
    typed. `blocked`: Kakao fails the person by name; `unresolved`: Kakao only counts the failure."""

    seen_after_s: float | None = Field(default=5.0)
    listens: bool = True
    listens_share: float = Field(default=1.0, ge=0, le=1)
    taps: str | None = None
    says: str | None = None
    acts_after_s: float = Field(default=2.0, ge=0)
    blocked: bool = False
    unresolved: bool = False
    longest_s: float | None = None


class Handset(_Value):
    """A person's telephone or chat. What is None is drawn by the preset. `manual` waits for the page."""

    kind: Kind = "feature_phone"
    name: str = ""
    manual: bool = False
    preset: Preset | None = None
    call: CallBehaviour | None = None
    sms: SmsBehaviour | None = None
    chat: ChatBehaviour | None = None


QUICK_CALL = CallBehaviour(ring_s=0.01, keys="1", key_after_s=0.0, amd_after_s=0.01, longest_s=0.01)
QUICK_SMS = SmsBehaviour(after_s=0.01)
QUICK_CHAT = ChatBehaviour(seen_after_s=0.01, taps=HEARD_BUTTON, acts_after_s=0.01, longest_s=0.01)


def guess_kind(address: str) -> Kind:
    """What an address that nobody described looks like: a Kakao key is a smartphone."""
    if not address.startswith("+"):
        return "smartphone"
    return "feature_phone" if address.startswith("+8210") else "landline"
