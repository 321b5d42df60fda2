"""The call that announces a broadcast: what is played in which turn, and what each key does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broadcast.errors import NotFound
from broadcast.lifecycle import StopReason
from broadcast.links import Links
from broadcast.model import AttemptId
from broadcast.ports import CallTurn, Clock
from broadcast.promise import Promise
from broadcast.render import AGAIN, ENDING, HELP, OPENING, SLOW, TEXT, THANKS

READ_TWICE_S = 25.0  # a longer text is read once (DESIGN section 4)
KEY_WAIT_S = 5
HELP_KEY = "9"

# An adapter asks for READ when the first full reading has ended, or a key was pressed during it.
BEGIN, READ, KEYS = "", "read", "keys"


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the menu: these clips, then a key or the end."""

    parts: tuple[str, ...] = ()
    next_step: str = ""
    wait_s: int = 0
    pause_s: int = 0


HANG_UP = Line()
FIRST_READING = Line((OPENING, TEXT), READ, pause_s=1)
READ_AGAIN = Line((AGAIN, TEXT, ENDING), KEYS, KEY_WAIT_S)
READ_ONCE = Line((ENDING,), KEYS, KEY_WAIT_S)
SLOWLY = Line((SLOW, ENDING), KEYS, KEY_WAIT_S)
THANK = Line((THANKS,))
TELL_OF_HELP = Line((HELP,))

MENU: Mapping[str, Line] = {"2": SLOWLY, "0": HANG_UP}
EMERGENCY_MENU: Mapping[str, Line] = {**MENU, HELP_KEY: TELL_OF_HELP}


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip on the shelf."""

    hash: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a turn depends on. `clips` by part, those of the delivery's village included."""

    promise: Promise
    clips: Mapping[str, Sound]


class CallStore(Protocol):
    async def call(self, attempt_id: AttemptId) -> CallFacts | None:
        """None if this is no call of ours."""
        ...


class OutboundCalls:
    """`media_key`: the media key of a clip's telephone rendition, by the clip's hash."""

    def __init__(self, store: CallStore, clock: Clock, links: Links, media_key: Callable[[str], str]) -> None:
        self._store = store
        self._clock = clock
        self._links = links
        self._media_key = media_key

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        """Raises NotFound."""
        facts = await self._store.call(attempt_id)
        if facts is None:
            raise NotFound("There is no such call.", "해당 전화를 찾을 수 없습니다.")
        line = next_line(facts, step, key, self._clock.now())
        return CallTurn(
            play=[self._url(facts.clips[part]) for part in line.parts],
            pause_s=line.pause_s,
            next_step=line.next_step,
            wait_s=line.wait_s,
        )

    def _url(self, sound: Sound) -> str:
        return self._links.media(self._media_key(sound.hash))


def next_line(facts: CallFacts, step: str, key: str, now: datetime) -> Line:
    """What the telephone plays now; HANG_UP for what was taken back and where a clip is missing."""
    if facts.promise.is_over(now):
        return HANG_UP
    line = _chosen(facts, step, key)
    if facts.promise.is_ended and not (line is TELL_OF_HELP and _was_covered(facts.promise)):
        return HANG_UP
    return line if all(part in facts.clips for part in line.parts) else HANG_UP


def _chosen(facts: CallFacts, step: str, key: str) -> Line:
    if step == BEGIN:
        return FIRST_READING
    if step not in (READ, KEYS):
        return HANG_UP
    if key:
        return (EMERGENCY_MENU if facts.promise.is_emergency else MENU).get(key, THANK)
    return _after_reading(facts) if step == READ else HANG_UP


def _after_reading(facts: CallFacts) -> Line:
    text = facts.clips.get(TEXT)
    return READ_AGAIN if text is not None and text.seconds <= READ_TWICE_S else READ_ONCE


def _was_covered(promise: Promise) -> bool:
    """Somebody else has confirmed meanwhile, but who asks for help on this telephone is told that it came."""
    return promise.stop_asked is StopReason.COVERED
