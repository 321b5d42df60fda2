"""The ladder: in which order a person is tried, as data, and the choice of the next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from broadcast.model import Channel, Priority, Purpose
from broadcast.policy import ROUTINE_CALL_TRIES


class Ask(StrEnum):
    """What a rung asks for; who has no such address is passed over."""

    FIRST = "first"  # chat, else call, else SMS; EMERGENCY: all, but a call only without chat
    REMIND = "remind"  # chat again
    CALL_WANTED = "call_wanted"  # a call to those of 70 and more, who asked for it, or have another number
    NEXT = "next"  # the next channel not yet tried
    CALL = "call"
    CALL_FIRST = "call_first"  # a call to those whose number was not rung yet
    CALL_AGAIN = "call_again"  # a further call to those whom the first rung rang
    TEXT = "text"  # SMS


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a plan; `wait` until the next. `patient`: not entered while a call is still owed."""

    wait: timedelta
    asks: tuple[Ask, ...] = ()
    errands: tuple[Purpose, ...] = ()
    patient: bool = False
    door: bool = False  # puts the unreached on the door-knock list


def _minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


PLANS: dict[Priority, tuple[Rung, ...]] = {
    Priority.ROUTINE: (
        Rung(_minutes(60), (Ask.FIRST,)),
        Rung(_minutes(60), (Ask.REMIND, Ask.CALL_WANTED)),
        Rung(_minutes(10), (Ask.TEXT,), patient=True),
        Rung(_minutes(0), patient=True),
    ),
    Priority.URGENT: (
        Rung(_minutes(10), (Ask.FIRST,)),
        Rung(_minutes(10), (Ask.NEXT,)),
        Rung(_minutes(10), (Ask.NEXT,)),
        Rung(_minutes(0), (), (Purpose.GUARDIAN_TOLD,)),  # nobody waits for a carrier that is down
        Rung(_minutes(0), patient=True),
    ),
    Priority.EMERGENCY: (
        Rung(_minutes(2), (Ask.FIRST,)),
        Rung(_minutes(1), (Ask.CALL_FIRST,)),
        Rung(_minutes(3), (Ask.CALL_AGAIN,)),
        Rung(_minutes(2), (), (Purpose.GUARDIAN_TOLD,), door=True),
        Rung(_minutes(12), (Ask.CALL,)),
        Rung(_minutes(30), (Ask.CALL,)),
        Rung(_minutes(30), (Ask.CALL,)),
        Rung(_minutes(30), (Ask.CALL,)),
        Rung(_minutes(0), patient=True),
    ),
}
MOST_CALLS = {Priority.ROUTINE: ROUTINE_CALL_TRIES, Priority.URGENT: 3, Priority.EMERGENCY: 6}
TELL_AFTER_MISSES = 2
TOLD_AT = next(i for i, rung in enumerate(PLANS[Priority.EMERGENCY]) if rung.door)
# How often a patient rung looks again by itself; a call that ends for good brings it forward.
PATIENCE = {Priority.ROUTINE: _minutes(60), Priority.URGENT: _minutes(15), Priority.EMERGENCY: _minutes(15)}


@dataclass(frozen=True, slots=True)
class Situation:
    """One reach when its deadline came. `live`: channels with a live delivery; `tried`: those whose
    present address was ever asked."""

    priority: Priority
    rung: int
    has: frozenset[Channel]  # channels with a usable address
    live: frozenset[Channel]
    tried: frozenset[Channel]
    wants_calls: bool
    calls: int  # calls made and owed, over all rounds
    misses: int


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: enter `rung`, ask over `channels`, send `errands`, come back at `deadline_at`.

    `spent`: the ladder has ended. `channels` holds only such as the person has.
    """

    rung: int
    channels: tuple[Channel, ...]
    errands: tuple[Purpose, ...]
    deadline_at: datetime | None
    door: bool = False
    spent: bool = False


ORDER = (Channel.KAKAO, Channel.VOICE, Channel.SMS)
"""Chat before call before SMS; fan-out's SQL ranks channels in this order."""


def first_channels(priority: Priority, has: frozenset[Channel]) -> tuple[Channel, ...]:
    """The first rung: chat, else the call, else SMS. EMERGENCY: chat and SMS, and a call where there is no chat."""
    here = tuple(c for c in ORDER if c in has)
    if priority is not Priority.EMERGENCY:
        return here[:1]
    return tuple(c for c in here if c is not Channel.VOICE or Channel.KAKAO not in has)


def next_step(now_is: Situation, now: datetime) -> Step:
    """The next rung of the person's plan. Pure: the same situation gives the same step."""
    plan = PLANS[now_is.priority]
    index = _next_index(plan, now_is)
    if index >= len(plan):
        return Step(now_is.rung, (), (), None, spent=True)
    rung = plan[index]
    if rung.patient and Channel.VOICE in now_is.live:
        return Step(now_is.rung, (), (), now + PATIENCE[now_is.priority])
    is_last = index == len(plan) - 1
    return Step(
        rung=index,
        channels=_asked(rung, now_is),
        errands=rung.errands,
        deadline_at=None if is_last else now + rung.wait,
        door=rung.door,
        spent=is_last,
    )


def _next_index(plan: tuple[Rung, ...], now_is: Situation) -> int:
    index = now_is.rung + 1
    if now_is.priority is Priority.EMERGENCY:
        if now_is.misses >= TELL_AFTER_MISSES and index < TOLD_AT:
            return TOLD_AT
        return index  # its rungs keep their minutes: a guardian is told after 6, not earlier
    while index < len(plan) - 1 and not now_is.live and not _does_something(plan[index], now_is):
        index += 1  # nobody waits an hour for a rung that has nothing for them
    return index


def _does_something(rung: Rung, now_is: Situation) -> bool:
    return bool(_asked(rung, now_is) or rung.errands)


def _asked(rung: Rung, now_is: Situation) -> tuple[Channel, ...]:
    found: list[Channel] = []
    for ask in rung.asks:
        channel = _channel_for(ask, now_is)
        if channel is not None and channel in now_is.has and channel not in found:
            found.append(channel)
    return tuple(found)


def _channel_for(ask: Ask, now_is: Situation) -> Channel | None:
    may_call = Channel.VOICE not in now_is.live and now_is.calls < MOST_CALLS[now_is.priority]
    match ask:
        case Ask.REMIND:
            return Channel.KAKAO if Channel.KAKAO in now_is.tried else None
        case Ask.CALL:
            return Channel.VOICE if may_call else None
        case Ask.CALL_WANTED:
            is_owed = Channel.KAKAO not in now_is.has and Channel.VOICE not in now_is.tried
            return Channel.VOICE if may_call and (now_is.wants_calls or is_owed) else None
        case Ask.CALL_FIRST:
            return Channel.VOICE if may_call and Channel.VOICE not in now_is.tried else None
        case Ask.CALL_AGAIN:
            return Channel.VOICE if may_call and Channel.KAKAO not in now_is.tried else None
        case Ask.TEXT:
            return None if Channel.SMS in now_is.tried else Channel.SMS
        case Ask.NEXT:
            order = (Channel.VOICE, Channel.SMS)
            return next((c for c in order if c in now_is.has and c not in now_is.tried), None)
        case Ask.FIRST:
            return None
