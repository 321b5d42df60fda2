"""The ladders: what each kind of person is asked, in which order, and that every ladder ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import plans
from broadcast.model import Channel, Priority
from broadcast.plans import Situation, Step

KAKAO, VOICE, SMS = Channel.KAKAO, Channel.VOICE, Channel.SMS
BEGIN = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
SMARTPHONE = frozenset({KAKAO, VOICE, SMS})
MOBILE = frozenset({VOICE, SMS})
LANDLINE = frozenset({VOICE})
CHAT_ONLY = frozenset({KAKAO})
NOBODY: frozenset[Channel] = frozenset()

some_channels = st.frozensets(st.sampled_from(Channel))
priorities = st.sampled_from(Priority)


@dataclass
class Person:
    """Somebody whom no message reaches, and how often each channel lets them down at once."""

    priority: Priority
    has: frozenset[Channel]
    wants_calls: bool = False
    fails_at_once: bool = True
    misses_a_call: int = 0
    rung: int = 0
    calls: int = 0
    misses: int = 0
    tried: set[Channel] = field(default_factory=set)
    live: set[Channel] = field(default_factory=set)
    log: list[tuple[int, str]] = field(default_factory=list)

    def climb(self) -> list[tuple[int, str]]:
        """Every rung at its deadline until the ladder is spent: minutes since the beginning, and what was asked."""
        now = BEGIN
        self._ask(plans.first_channels(self.priority, self.has), now)
        deadline: datetime | None = now + plans.PLANS[self.priority][0].wait
        for _ in range(100):
            if deadline is None:
                return self.log
            now = deadline
            step = plans.next_step(self.situation(), now)
            deadline = self._enter(step, now)
        raise AssertionError("the ladder does not end")

    def situation(self) -> Situation:
        return Situation(
            priority=self.priority,
            rung=self.rung,
            has=self.has,
            live=frozenset(self.live),
            tried=frozenset(self.tried),
            wants_calls=self.wants_calls,
            calls=self.calls,
            misses=self.misses,
        )

    def _enter(self, step: Step, now: datetime) -> datetime | None:
        assert step.rung >= self.rung
        assert set(step.channels) <= self.has
        assert (step.deadline_at is None) == step.spent
        waits_for_a_call = VOICE in self.live
        self.rung = step.rung
        self._ask(step.channels, now)
        self.log += [(_minutes(now), str(errand)) for errand in step.errands]
        if step.door:
            self.log.append((_minutes(now), "door"))
        if waits_for_a_call and not step.channels:
            self.live.discard(VOICE)  # by now it has rung for the last time
        return step.deadline_at

    def _ask(self, channels: tuple[Channel, ...], now: datetime) -> None:
        for channel in channels:
            self.tried.add(channel)
            self.log.append((_minutes(now), str(channel)))
            if channel is VOICE:
                assert VOICE not in self.live
                self.calls += 1
                self.misses += self.misses_a_call
            if not self.fails_at_once:
                self.live.add(channel)


def _minutes(now: datetime) -> int:
    return int((now - BEGIN) / timedelta(minutes=1))


# --- the first rung ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "ordinary", "emergency"),
    [
        (SMARTPHONE, [KAKAO], [KAKAO, SMS]),
        (MOBILE, [VOICE], [VOICE, SMS]),
        (LANDLINE, [VOICE], [VOICE]),
        (CHAT_ONLY, [KAKAO], [KAKAO]),
        (frozenset({SMS}), [SMS], [SMS]),
        (NOBODY, [], []),
    ],
)
def test_chat_comes_before_calls_before_texts(
    has: frozenset[Channel], ordinary: list[Channel], emergency: list[Channel]
) -> None:
    for priority in (Priority.ROUTINE, Priority.URGENT):
        assert list(plans.first_channels(priority, has)) == ordinary
    assert list(plans.first_channels(Priority.EMERGENCY, has)) == emergency


# --- whole ladders ----------------------------------------------------------------------------


def test_routine_reminds_a_smartphone_once_and_then_texts() -> None:
    assert Person(Priority.ROUTINE, SMARTPHONE).climb() == [(0, "kakao"), (60, "kakao"), (120, "sms")]


def test_routine_calls_only_the_old_and_those_who_asked() -> None:
    told = Person(Priority.ROUTINE, SMARTPHONE, wants_calls=True).climb()
    assert told == [(0, "kakao"), (60, "kakao"), (60, "voice"), (120, "sms")]


def test_routine_waits_for_its_calls_before_it_texts() -> None:
    """An hour, then a look that finds the call still owed, then the text."""
    told = Person(Priority.ROUTINE, MOBILE, fails_at_once=False).climb()
    assert [what for _, what in told] == ["voice", "sms"]
    assert told[1][0] >= 60 + 15


def test_nobody_waits_an_hour_for_a_rung_that_has_nothing() -> None:
    assert Person(Priority.ROUTINE, MOBILE).climb() == [(0, "voice"), (60, "sms")]
    assert Person(Priority.ROUTINE, LANDLINE).climb() == [(0, "voice")]


def test_urgent_goes_through_the_channels_and_tells_the_guardian() -> None:
    assert Person(Priority.URGENT, SMARTPHONE).climb() == [
        (0, "kakao"),
        (10, "voice"),
        (20, "sms"),
        (30, "guardian_told"),
    ]
    assert Person(Priority.URGENT, LANDLINE).climb() == [(0, "voice"), (10, "guardian_told")]


def test_an_urgent_guardian_does_not_wait_for_a_carrier_that_is_down() -> None:
    told = Person(Priority.URGENT, SMARTPHONE, fails_at_once=False).climb()
    assert (30, "guardian_told") in told


def test_an_emergency_calls_everyone_unconfirmed_after_two_minutes() -> None:
    told = Person(Priority.EMERGENCY, SMARTPHONE).climb()
    assert told[:3] == [(0, "kakao"), (0, "sms"), (2, "voice")]
    assert [minute for minute, what in told if what == "voice"] == [2, 8, 20, 50, 80]


def test_an_emergency_rings_who_has_no_chat_at_once_and_again() -> None:
    told = Person(Priority.EMERGENCY, LANDLINE).climb()
    assert [minute for minute, what in told if what == "voice"] == [0, 3, 8, 20, 50, 80]


def test_a_guardian_is_told_after_six_minutes() -> None:
    told = Person(Priority.EMERGENCY, SMARTPHONE).climb()
    assert [one for one in told if one[1] in ("guardian_told", "door")] == [(6, "guardian_told"), (6, "door")]


def test_a_guardian_is_told_after_two_misses() -> None:
    told = Person(Priority.EMERGENCY, MOBILE, fails_at_once=True, misses_a_call=2).climb()
    assert [one for one in told if one[1] == "guardian_told"] == [(2, "guardian_told")]


@given(priorities, some_channels, st.booleans(), st.booleans(), st.integers(0, 3))
def test_every_ladder_ends_within_its_calls(
    priority: Priority, has: frozenset[Channel], wants_calls: bool, fails_at_once: bool, misses: int
) -> None:
    person = Person(priority, has, wants_calls, fails_at_once, misses)
    told = [what for _, what in person.climb()]
    assert told.count("voice") <= plans.MOST_CALLS[priority]
    assert told.count("guardian_told") == (priority is not Priority.ROUTINE)
    assert person.tried == {channel for channel in has if str(channel) in told}


@given(
    priorities,
    some_channels,
    some_channels,
    some_channels,
    st.booleans(),
    st.integers(0, 9),
    st.integers(0, 9),
    st.data(),
)
def test_no_step_asks_for_a_call_too_many(
    priority: Priority,
    has: frozenset[Channel],
    live: frozenset[Channel],
    tried: frozenset[Channel],
    wants_calls: bool,
    calls: int,
    misses: int,
    data: st.DataObject,
) -> None:
    """Whatever the history: no second call beside a live one, none over the most, no channel that is not there."""
    rung = data.draw(st.integers(0, len(plans.PLANS[priority]) - 1))
    now_is = Situation(priority, rung, has, live, live | tried, wants_calls, calls, misses)
    step = plans.next_step(now_is, BEGIN)
    assert set(step.channels) <= has
    assert step.rung >= rung
    if VOICE in step.channels:
        assert VOICE not in live
        assert calls < plans.MOST_CALLS[priority] or VOICE not in tried
    assert step == plans.next_step(now_is, BEGIN)


def test_the_last_rung_waits_for_a_call_that_is_owed() -> None:
    for priority in Priority:
        last = len(plans.PLANS[priority]) - 1
        waits = Situation(priority, last - 1, MOBILE, frozenset({VOICE}), MOBILE, False, 1, 0)
        step = plans.next_step(waits, BEGIN)
        assert (step.rung, step.spent, step.deadline_at) == (
            last - 1,
            False,
            BEGIN + plans.PATIENCE[priority],
        )
