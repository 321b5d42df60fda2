"""Draws what happens to handsets that nobody described, by seed and with the county drill's odds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from channels.simulator.handsets import (
    HEARD_BUTTON,
    CallBehaviour,
    CallResult,
    ChatBehaviour,
    Handset,
    SmsBehaviour,
)

# The fixed mix of the county drill; not to be tuned. Lognormals are (median, sigma).
DAY: dict[CallResult, float] = {
    "answer": 0.62,
    "busy": 0.05,
    "no_answer": 0.21,
    "voicemail": 0.10,
    "unallocated": 0.02,
}
NIGHT: dict[CallResult, float] = {"answer": 0.55, "no_answer": 0.33, "voicemail": 0.10, "unallocated": 0.02}
SAME_RESULT_WITHIN = timedelta(minutes=10)
SAME_RESULT = 0.6
RING_S = (9.0, 0.5)
VOICEMAIL_S = (24.0, 0.3)
HANGS_UP_EARLY = 0.08
PRESSES_1 = 0.66
PRESSES_9 = 0.02
KEYS_AFTER_S = (6.0, 0.6)
AMD_WRONG_ON_HUMAN = 0.04
AMD_WRONG_ON_MACHINE = 0.06
CHAT_NEVER_SEEN = 0.18
CHAT_SEEN_MIN = (4.0, 1.2)
CHAT_NIGHT_SEEN_MIN = (240.0, 0.8)
CHAT_HEARD_IF_SEEN = 0.75
CHAT_TAPS_IF_HEARD = 0.7

KOREA = ZoneInfo("Asia/Seoul")


@dataclass(frozen=True, slots=True)
class Before:
    """How the last call to the same number ended, and when."""

    result: CallResult
    at: datetime


def draw(seed: int, *parts: object) -> Random:
    """A generator of its own for these words: the order of events does not change what is drawn."""
    return Random(":".join(map(str, (seed, *parts))))


def is_night(at: datetime) -> bool:
    hour = at.astimezone(KOREA).hour
    return hour >= 22 or hour < 6


def county_call(seed: int, address: str, tries: int, at: datetime, before: Before | None) -> CallBehaviour:
    """How this number takes its call number `tries` (from 0)."""
    rng = draw(seed, "call", address, tries)
    result = _result(rng, seed, address, at, before)
    early = rng.random() < HANGS_UP_EARLY
    return CallBehaviour(
        results=(result,),
        ring_s=_lognormal(rng, RING_S),
        voicemail_after_s=_lognormal(rng, VOICEMAIL_S),
        keys=_key(rng),
        key_after_s=_lognormal(rng, KEYS_AFTER_S),
        hangs_up_after_s=rng.uniform(1.0, 8.0) if early else None,
        amd=_amd(rng, result),
    )


def county_chat(seed: int, address: str, tries: int, at: datetime) -> ChatBehaviour:
    """How this chat user takes message number `tries`."""
    rng = draw(seed, "chat", address, tries)
    seen_min = _lognormal(rng, CHAT_NIGHT_SEEN_MIN if is_night(at) else CHAT_SEEN_MIN)
    never, heard, taps = (rng.random() for _ in range(3))
    listens = heard < CHAT_HEARD_IF_SEEN
    return ChatBehaviour(
        seen_after_s=None if never < CHAT_NEVER_SEEN else seen_min * 60,
        listens=listens,
        taps=HEARD_BUTTON if listens and taps < CHAT_TAPS_IF_HEARD else None,
    )


def county_sms(handset: Handset) -> SmsBehaviour:
    """A landline takes no SMS; everything else does."""
    return SmsBehaviour(results=("landline",) if handset.kind == "landline" else ("delivered",))


def _result(rng: Random, seed: int, address: str, at: datetime, before: Before | None) -> CallResult:
    odds = NIGHT if is_night(at) else DAY
    # A number that does not exist does not come to life on the second try.
    if draw(seed, "number", address).random() < odds["unallocated"]:
        return "unallocated"
    if before and at - before.at <= SAME_RESULT_WITHIN and rng.random() < SAME_RESULT:
        return before.result
    living = {result: share for result, share in odds.items() if result != "unallocated"}
    return rng.choices(list(living), weights=list(living.values()))[0]


def _key(rng: Random) -> str:
    dice = rng.random()
    return "1" if dice < PRESSES_1 else "9" if dice < PRESSES_1 + PRESSES_9 else ""


def _amd(rng: Random, result: CallResult) -> str | None:
    dice = rng.random()
    if result == "voicemail":
        return "human" if dice < AMD_WRONG_ON_MACHINE else None
    return "machine_start" if dice < AMD_WRONG_ON_HUMAN else None


def _lognormal(rng: Random, median_sigma: tuple[float, float]) -> float:
    median, sigma = median_sigma
    return rng.lognormvariate(math.log(median), sigma)
