"""Values and enums of the domain: what things are called and which values they may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NewType

BroadcastId = NewType("BroadcastId", int)
ReachId = NewType("ReachId", int)
DeliveryId = NewType("DeliveryId", int)
AttemptId = NewType("AttemptId", int)
ResidentId = NewType("ResidentId", int)
GuardianId = NewType("GuardianId", int)
AddressId = NewType("AddressId", int)
VillageId = NewType("VillageId", int)
AccountId = NewType("AccountId", int)
RecordingId = NewType("RecordingId", int)


class Priority(IntEnum):
    """The lane of a broadcast; a smaller number goes first."""

    EMERGENCY = 0
    URGENT = 1
    ROUTINE = 2


class Category(StrEnum):
    NOTICE = "notice"  # 생활
    ADMINISTRATIVE = "administrative"  # 행정
    COMMERCIAL = "commercial"  # 상업: gated, by day only
    DISASTER = "disaster"  # 재난


class CapStatus(StrEnum):
    """CAP 1.2 `status`, as far as we issue it."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Severity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class ResponseType(StrEnum):
    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Role(StrEnum):
    HEAD = "head"
    DEPUTY = "deputy"
    TOWNSHIP = "township"
    COUNTY = "county"
    DISASTER_OFFICER = "disaster_officer"
    DUTY_ROOM = "duty_room"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Channel(StrEnum):
    """One way to reach a person. Which provider's adapter serves it is configuration."""

    KAKAO = "kakao"
    VOICE = "voice"
    SMS = "sms"


class AddressKind(StrEnum):
    """What an address is: a telephone number in E.164, or a chat provider's user key."""

    PHONE = "phone"
    KAKAO = "kakao"


class Purpose(StrEnum):
    """Why a delivery exists. All but the first two are errands: short generated texts."""

    ANNOUNCEMENT = "announcement"
    LISTEN_ALONG = "listen_along"  # to a guardian; serves no reach
    GUARDIAN_TOLD = "guardian_told"
    MISSED_LIST = "missed_list"
    HELP = "help"
    CODE = "code"
    CALL_NOTICE = "call_notice"
    FULL_TEXT = "full_text"
    REMINDER = "reminder"


class BroadcastState(StrEnum):
    DRAFT = "draft"
    RENDERING = "rendering"
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"
    FANNING_OUT = "fanning_out"
    SENDING = "sending"
    DONE = "done"
    CANCELLED = "cancelled"
    RECALLED = "recalled"
    EXPIRED = "expired"
    FAILED = "failed"


class ReachState(StrEnum):
    OPEN = "open"
    HEARD = "heard"
    CONFIRMED = "confirmed"
    MISSED = "missed"
    CLOSED = "closed"


class DeliveryState(StrEnum):
    HELD = "held"
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    HEARD = "heard"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


_ENDED = {"delivered", "heard", "confirmed", "cancelled", "expired", "failed"}
LIVE = frozenset(state for state in DeliveryState if state.value not in _ENDED)
"""States of a delivery that something will still happen to (DESIGN: *live*)."""


class ApprovalBasis(StrEnum):
    """On what an approval of an Actual EMERGENCY rests; all but SECOND_PERSON allow approver = author."""

    SECOND_PERSON = "second_person"
    TEMPLATE = "template"  # a pre-authorised template
    HEAD_OWN_VILLAGE = "head_own_village"
    NOT_ACTUAL = "not_actual"  # Exercise and Test may be self-approved


class Reason(StrEnum):
    """Why a provider deferred or rejected, in our words."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    HUNG_UP_EARLY = "hung_up_early"
    THROTTLED = "throttled"
    PROVIDER_DOWN = "provider_down"
    PROVIDER_ERROR = "provider_error"
    BAD_ADDRESS = "bad_address"  # the number or user does not exist: the address is dead
    NO_SMS = "no_sms"  # a landline: it takes no SMS, but it rings
    OPTED_OUT = "opted_out"
    MISCONFIGURED = "misconfigured"
    TOO_LONG = "too_long"
    UNDELIVERED = "undelivered"
    NO_RECEIPT = "no_receipt"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it; `reference` is the provider's own id for it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Surely not sent; worth another try."""

    reason: Reason
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not sent and never will be to this address or in this form."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """May have been sent: the request left us and no proper answer came back."""

    detail: str


Outcome = Accepted | Deferred | Rejected | Unclear


class ReceiptKind(StrEnum):
    """What a receipt says about one attempt."""

    RINGING = "ringing"
    ANSWERED = "answered"
    PLAYED = "played"  # end of the first full reading (or at least 90% of it)
    HUMAN = "human"  # AMD: a person
    MACHINE = "machine"  # AMD: voicemail or fax
    NOT_KNOWN = "not_known"  # AMD: no verdict
    COMPLETED = "completed"  # the call is over after it was answered
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"  # the provider could not; may be tried again
    REFUSED = "refused"  # bad number or opt-out; never again
    STOPPED = "stopped"  # we asked the provider to stop, and it did
    DELIVERED = "delivered"  # the device has it
    HEARD = "heard"  # a human listened, told by something better than a call's pieces
    KEYED = "keyed"  # a key was pressed; `key` holds it
    TAPPED = "tapped"  # the heard button, or a reply that says so


@dataclass(frozen=True, slots=True)
class Receipt:
    """One thing that a provider or a resident told us about one attempt.

    `dedupe_key` is unique per provider's event: the same event told twice has the same key.
    Either `attempt_id` is given, or `reference` (the provider's id) with the `provider` that gave it.
    `raw` is what came over the wire; it is stored encrypted and never logged.
    """

    provider: str
    kind: ReceiptKind
    dedupe_key: str
    at: datetime
    attempt_id: AttemptId | None = None
    reference: str = ""
    user: str = field(default="", repr=False)  # where one reference covers many: the provider's user key
    key: str = ""
    reason: Reason | None = None
    seconds: float | None = None
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt as an adapter sees it. Never log it: `to` and the texts are personal.

    `to`: an E.164 number or a chat user key. `caller`: the E.164 number we send from, or "" for the
    adapter's default. `text` is complete for the channel (SMS: the text to send; chat: the body under
    `title`). `listen_url` is where the broadcast can be heard, for channels that carry links.
    `begun_at` is when the attempt began; a look-up searches from there, and passes over the references in
    `taken`: other attempts to the same address hold them.
    """

    attempt_id: AttemptId
    broadcast_id: BroadcastId
    purpose: Purpose
    priority: Priority
    channel: Channel
    to: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    begun_at: datetime
    expires_at: datetime
    caller: str = ""
    listen_url: str = field(default="", repr=False)
    cap_status: CapStatus = CapStatus.ACTUAL
    reference: str = ""
    taken: tuple[str, ...] = ()
