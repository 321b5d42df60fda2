"""The person at the other end of one call: what they mean to do, and when."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from channels.simulator.handsets import CallBehaviour
from channels.simulator.signals import HungUp, Key, Signal

BETWEEN_DIGITS_S = 0.4


@dataclass(frozen=True, slots=True)
class Plan:
    """How one call goes: the result, and the behaviour that it was taken from."""

    result: str
    behaviour: CallBehaviour
    is_manual: bool = False

    def span(self, seconds: float) -> timedelta:
        """How long a wait of so many seconds takes here."""
        longest = self.behaviour.longest_s
        return timedelta(seconds=seconds if longest is None else min(seconds, longest))

    def by_hand(self) -> Plan:
        """Somebody took over on the page: nothing is done for them."""
        behaviour = self.behaviour.model_copy(
            update={"keys": "", "hangs_up_after_s": None, "hangs_up_after_reading_s": None}
        )
        return replace(self, result="answer", behaviour=behaviour, is_manual=True)


class Person:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._intentions: list[tuple[datetime, int, Signal]] = []
        self._order = count()
        is_machine = plan.result == "voicemail"
        self._keys = "" if is_machine or plan.behaviour.key_when == "never" else plan.behaviour.keys
        self._has_heard_reading = False
        self._key_is_planned = False

    def answered(self, at: datetime) -> None:
        seconds = self.plan.behaviour.hangs_up_after_s
        if seconds is not None and self.plan.result != "voicemail":
            self._intend(at + self.plan.span(seconds), HungUp())

    def sound_began(self, at: datetime) -> None:
        if self.plan.behaviour.key_when == "during":
            self._plan_key(at)

    def reading_ended(self, at: datetime) -> None:
        """The sounds of a document, or of one listening, are over; the first time it was the reading."""
        behaviour = self.plan.behaviour
        if behaviour.key_when == "first_reading" or self._has_heard_reading:
            self._plan_key(at)
        seconds = behaviour.hangs_up_after_reading_s
        if not self._has_heard_reading and seconds is not None and self.plan.result != "voicemail":
            self._intend(at + self.plan.span(seconds), HungUp())
        self._has_heard_reading = True

    def key_was_taken(self, key: Key) -> None:
        if key.is_planned:
            self._keys = self._keys[1:]
            self._key_is_planned = False

    def types_on(self, at: datetime) -> None:
        """More digits are wanted; the next one follows quickly."""
        if self._keys and not self._key_is_planned:
            self._key_is_planned = True
            self._intend(at + self.plan.span(BETWEEN_DIGITS_S), Key(self._keys[0], is_planned=True))

    def due(self, limit: datetime) -> tuple[datetime, bool]:
        """The next moment at which this person acts, if before `limit`, and whether so."""
        if self._intentions and self._intentions[0][0] <= limit:
            return self._intentions[0][0], True
        return limit, False

    def act(self) -> Signal:
        return heapq.heappop(self._intentions)[2]

    def _plan_key(self, at: datetime) -> None:
        if self._keys and not self._key_is_planned:
            self._key_is_planned = True
            due = at + self.plan.span(self.plan.behaviour.key_after_s)
            self._intend(due, Key(self._keys[0], is_planned=True))

    def _intend(self, at: datetime, signal: Signal) -> None:
        heapq.heappush(self._intentions, (at, next(self._order), signal))
