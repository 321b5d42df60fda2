"""Pure choices: which plan, which hour, when again, whom to escalate to, what counts as heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from broadcast.lifecycle import DeliveryEvent
from broadcast.model import (
    Category,
    Certainty,
    Channel,
    Priority,
    ReachState,
    Reason,
    ReceiptKind,
    ResponseType,
    Severity,
    Urgency,
)

ROUTINE_LIFE = timedelta(hours=24)
LONGEST_LIFE = timedelta(days=30)

# --- how urgent -------------------------------------------------------------------------------

GRAVE = {Severity.EXTREME, Severity.SEVERE}
SOON = {Urgency.IMMEDIATE, Urgency.EXPECTED}
SURE = {Certainty.OBSERVED, Certainty.LIKELY}


def priority_of(severity: Severity, urgency: Urgency, certainty: Certainty) -> Priority:
    """The lane of a disaster from CAP's triple (DESIGN section 3)."""
    if severity in GRAVE and urgency in SOON and certainty in SURE:
        return Priority.EMERGENCY
    if severity in GRAVE or (urgency in SOON and severity is Severity.MODERATE):
        return Priority.URGENT
    return Priority.ROUTINE


def is_act_now(response_type: ResponseType | None, urgency: Urgency | None) -> bool:
    """Whether people must act at once, so that phones may ring at night (DESIGN section 9)."""
    told_to_move = {ResponseType.EVACUATE, ResponseType.SHELTER, ResponseType.EXECUTE}
    return response_type in told_to_move or urgency is Urgency.IMMEDIATE


LONG_S = 40
TOO_LONG_TO_PHONE_S = 90


def is_phoned(priority: Priority, seconds: float | None) -> bool:
    """Whether calls may read it out: a routine reading over 90 s comes by chat and SMS alone (DESIGN section 4)."""
    return priority is not Priority.ROUTINE or seconds is None or seconds <= TOO_LONG_TO_PHONE_S


# --- which hours ------------------------------------------------------------------------------

Window = tuple[time, time]
ROUTINE_CALLS: tuple[Window, ...] = ((time(8), time(12, 30)), (time(14), time(20)))
URGENT_CALLS: tuple[Window, ...] = ((time(7), time(21)),)
BY_DAY: tuple[Window, ...] = ((time(8), time(21)),)
MIDDAY: Window = (time(11, 30), time(12, 30))
EVENING: Window = (time(18), time(19, 30))


@dataclass(frozen=True, slots=True)
class Hours:
    """Where and from when: the county's zone, and the hour at which a village lets routine calls begin."""

    zone: ZoneInfo
    opens_at: time | None = None


def _next_in(windows: tuple[Window, ...], at: datetime, zone: ZoneInfo) -> datetime:
    """The earliest moment not before `at` that lies in one of the daily windows (local time)."""
    local = at.astimezone(zone)
    for days in range(3):
        day = local.date() + timedelta(days=days)
        for opens, closes in windows:
            begin = datetime.combine(day, opens, zone)
            if local < datetime.combine(day, closes, zone):
                return max(begin, local).astimezone(at.tzinfo)
    raise AssertionError("a daily window opens every day")


def call_windows(priority: Priority, act_now: bool, hours: Hours) -> tuple[Window, ...] | None:
    """When phones may ring; None: at any hour."""
    if priority is Priority.EMERGENCY:
        return None if act_now else URGENT_CALLS
    if priority is Priority.URGENT:
        return URGENT_CALLS
    if hours.opens_at is None:
        return ROUTINE_CALLS
    return ((hours.opens_at, ROUTINE_CALLS[0][1]), *ROUTINE_CALLS[1:])


def call_from(priority: Priority, act_now: bool, at: datetime, hours: Hours) -> datetime:
    """The earliest moment from `at` on at which a call may ring."""
    windows = call_windows(priority, act_now, hours)
    return at if windows is None else _next_in(windows, at, hours.zone)


def text_from(priority: Priority, category: Category, at: datetime, hours: Hours) -> datetime:
    """The earliest moment from `at` on for chat and SMS: silent 21-08 for ROUTINE and commercial."""
    if priority is Priority.ROUTINE or category is Category.COMMERCIAL:
        return _next_in(BY_DAY, at, hours.zone)
    return at


def due_from(
    channel: Channel, priority: Priority, act_now: bool, category: Category, at: datetime, hours: Hours
) -> datetime:
    """The earliest moment from `at` on at which this channel may be used."""
    if channel is not Channel.VOICE:
        return text_from(priority, category, at, hours)
    moment = call_from(priority, act_now, at, hours)
    if category is not Category.COMMERCIAL:
        return moment
    by_day = _next_in(BY_DAY, moment, hours.zone)  # also where a village opens at 06:30
    return call_from(priority, act_now, by_day, hours)


# --- when again -------------------------------------------------------------------------------

URGENT_AT = (0, 5, 20)
EMERGENCY_AT = (0, 3, 8, 20, 50, 80)
ROUTINE_CALL_TRIES = 3
TEXT_TRIES = 3
LEFT_ALONE = timedelta(minutes=2)  # a number that is busy or calling in
ENGAGED = timedelta(seconds=20)  # how soon an emergency looks again whether our own call has ended
ROUTINE_CALLS_A_DAY = 2


def retry_call_at(
    priority: Priority,
    act_now: bool,
    tries: int,
    first_due: datetime,
    now: datetime,
    hours: Hours,
    *,
    before: int = 0,
) -> datetime | None:
    """When a call that reached nobody is tried again; None: no try is left.

    `tries` counts the calls of this round so far, this one included; it was first due at `first_due`.
    `before` counts those of earlier rounds over the same number: the most is over all rounds.
    """
    made = tries + before
    if priority is Priority.ROUTINE:
        return None if made >= ROUTINE_CALL_TRIES else _next_slot(tries, first_due, now, hours)
    offsets = EMERGENCY_AT if priority is Priority.EMERGENCY else URGENT_AT
    if made >= len(offsets):
        return None
    planned = first_due + timedelta(minutes=offsets[made] - offsets[before])
    return call_from(priority, act_now, max(planned, now + LEFT_ALONE), hours)


def _next_slot(tries: int, first_due: datetime, now: datetime, hours: Hours) -> datetime:
    """The next of midday and evening, on another day once the number was rung twice today."""
    rung_today = tries if now.astimezone(hours.zone).date() == first_due.astimezone(hours.zone).date() else 1
    at = now + timedelta(minutes=30)
    if rung_today >= ROUTINE_CALLS_A_DAY:
        at = tomorrow(now, hours)
    return _next_in((MIDDAY, EVENING), at, hours.zone)


def today(now: datetime, zone: ZoneInfo) -> datetime:
    """The last local midnight: from there on a number's calls of the day count."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(now.tzinfo)


def tomorrow(now: datetime, hours: Hours) -> datetime:
    """The next local midnight, when a number's calls of the day count from nothing again."""
    day = now.astimezone(hours.zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), hours.zone).astimezone(now.tzinfo)


def retry_text_at(tries: int, now: datetime) -> datetime | None:
    """When a text or chat message that the carrier failed is tried again; None: no try is left."""
    return None if tries >= TEXT_TRIES else now + timedelta(minutes=(1, 5)[tries - 1])


def defer_until(reason: Reason, defers: int, retry_after: timedelta | None, now: datetime) -> datetime:
    """When a hand-over that the provider put off is tried again: its own word, else doubling from 1 s."""
    if retry_after is not None:
        return now + min(retry_after, timedelta(minutes=15))
    return now + timedelta(seconds=min(2 ** min(defers, 6), 60))


def gives_up(channel: Channel, accepted_at: datetime) -> datetime:
    """When an accepted hand-over that nothing more was heard of counts as failed."""
    patience = {Channel.VOICE: 15, Channel.SMS: 6 * 60, Channel.KAKAO: 30}
    return accepted_at + timedelta(minutes=patience[channel])


def looked_after_at(channel: Channel, accepted_at: datetime) -> datetime:
    """When an accepted hand-over is looked at again: a chat's result must be asked for, the rest is told us."""
    if channel is Channel.KAKAO:
        return accepted_at + timedelta(seconds=20)
    return gives_up(channel, accepted_at)


SETTLES_AFTER = timedelta(seconds=30)
FINAL = {
    ReceiptKind.COMPLETED,
    ReceiptKind.BUSY,
    ReceiptKind.NO_ANSWER,
    ReceiptKind.FAILED,
    ReceiptKind.STOPPED,
}
MISS_REASON = {
    ReceiptKind.BUSY: Reason.BUSY,
    ReceiptKind.NO_ANSWER: Reason.NO_ANSWER,
    ReceiptKind.FAILED: Reason.PROVIDER_ERROR,
    ReceiptKind.STOPPED: Reason.STOPPED,
}


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the pieces of one call have told so far."""

    status: ReceiptKind | None = None  # its final status
    answered_by: ReceiptKind | None = None  # HUMAN, MACHINE or NOT_KNOWN
    played: bool = False  # the first reading was played to its end


@dataclass(frozen=True, slots=True)
class Verdict:
    event: DeliveryEvent
    reason: Reason | None = None


def call_verdict(facts: CallFacts, *, waited: bool) -> Verdict | None:
    """What a call without a key came to (DESIGN section 5, "Heard on a call"); None: not known yet.

    `waited`: 30 s have passed since the final status, so a missing AMD verdict counts as not known.
    """
    if facts.status is None:
        return None
    if facts.status in MISS_REASON:
        return Verdict(DeliveryEvent.MISSED, MISS_REASON[facts.status])
    if facts.answered_by is None and not waited:
        return None
    if facts.answered_by is ReceiptKind.MACHINE:
        return Verdict(DeliveryEvent.MISSED, Reason.VOICEMAIL)
    if not facts.played:
        return Verdict(DeliveryEvent.MISSED, Reason.HUNG_UP_EARLY)
    return Verdict(DeliveryEvent.HEARD if facts.answered_by is ReceiptKind.HUMAN else DeliveryEvent.DELIVERED)


def key_event(key: str) -> DeliveryEvent:
    """What a pressed key means: 2 again, 0 stop, every other confirms (9 asks for help as well)."""
    return {"2": DeliveryEvent.REPLAYED, "0": DeliveryEvent.STOP_KEYED}.get(key, DeliveryEvent.KEYED)


def is_covered(priority: Priority, state: ReachState) -> bool:
    """Whether a person needs no further asking: heard is enough but for an EMERGENCY."""
    if state in (ReachState.CONFIRMED, ReachState.CLOSED):
        return True
    return state is ReachState.HEARD and priority is not Priority.EMERGENCY


# --- spacing ----------------------------------------------------------------------------------

REDIAL_TURN = 1 << 40
"""Added to a redial's turn, so that first attempts of everyone come before anyone's second."""
