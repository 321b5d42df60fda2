"""Which hour, when again, how urgent, what counts as heard."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import policy
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
from broadcast.policy import CallFacts, Hours, Verdict

SEOUL = ZoneInfo("Asia/Seoul")
COUNTY = Hours(SEOUL)
EARLY = Hours(SEOUL, time(6, 30))

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 24 * 3600).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds))


def at(clock: str, day: int = 4) -> datetime:
    """A moment of March 2026 by a clock in Korea, in UTC as the tables have it."""
    return datetime.combine(date(2026, 3, day), time.fromisoformat(clock), SEOUL).astimezone(UTC)


# --- how urgent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("triple", "lane"),
    [
        ((Severity.EXTREME, Urgency.IMMEDIATE, Certainty.OBSERVED), Priority.EMERGENCY),
        ((Severity.SEVERE, Urgency.EXPECTED, Certainty.LIKELY), Priority.EMERGENCY),
        ((Severity.SEVERE, Urgency.EXPECTED, Certainty.POSSIBLE), Priority.URGENT),
        ((Severity.EXTREME, Urgency.FUTURE, Certainty.OBSERVED), Priority.URGENT),
        ((Severity.MODERATE, Urgency.EXPECTED, Certainty.OBSERVED), Priority.URGENT),
        ((Severity.MODERATE, Urgency.FUTURE, Certainty.OBSERVED), Priority.ROUTINE),
        ((Severity.MINOR, Urgency.IMMEDIATE, Certainty.OBSERVED), Priority.ROUTINE),
        ((Severity.UNKNOWN, Urgency.UNKNOWN, Certainty.UNKNOWN), Priority.ROUTINE),
    ],
)
def test_the_cap_triple_decides_the_lane(triple: tuple[Severity, Urgency, Certainty], lane: Priority) -> None:
    assert policy.priority_of(*triple) is lane


def test_only_orders_to_move_are_act_now() -> None:
    told = {one for one in ResponseType if policy.is_act_now(one, None)}
    assert told == {ResponseType.EVACUATE, ResponseType.SHELTER, ResponseType.EXECUTE}
    assert policy.is_act_now(None, Urgency.IMMEDIATE)
    assert not policy.is_act_now(ResponseType.MONITOR, Urgency.EXPECTED)


# --- which hours ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (at("07:59"), at("08:00")),
        (at("08:00"), at("08:00")),
        (at("12:29"), at("12:29")),
        (at("12:30"), at("14:00")),
        (at("13:59"), at("14:00")),
        (at("20:00"), at("08:00", 5)),
        (at("23:59"), at("08:00", 5)),
        (at("00:00", 5), at("08:00", 5)),
        (at("08:59", 5), at("08:59", 5)),  # midnight in Greenwich
    ],
)
def test_routine_calls_keep_the_hours_of_korea(now: datetime, then: datetime) -> None:
    assert due(Channel.VOICE, Priority.ROUTINE, now) == then


def test_a_village_may_open_at_half_past_six() -> None:
    assert due(Channel.VOICE, Priority.ROUTINE, at("05:00"), hours=EARLY) == at("06:30")
    assert due(Channel.VOICE, Priority.ROUTINE, at("20:30"), hours=EARLY) == at("06:30", 5)
    assert due(Channel.KAKAO, Priority.ROUTINE, at("06:30"), hours=EARLY) == at("08:00")


def test_advertising_waits_for_day_where_a_village_opens_early() -> None:
    for priority in (Priority.ROUTINE, Priority.URGENT):
        moment = due(Channel.VOICE, priority, at("06:00"), category=Category.COMMERCIAL, hours=EARLY)
        assert moment == at("08:00")


@pytest.mark.parametrize("channel", [Channel.KAKAO, Channel.SMS])
def test_texts_are_silent_from_nine_to_eight(channel: Channel) -> None:
    assert due(channel, Priority.ROUTINE, at("20:59")) == at("20:59")
    assert due(channel, Priority.ROUTINE, at("21:00")) == at("08:00", 5)
    assert due(channel, Priority.URGENT, at("03:00")) == at("03:00")


def test_urgent_calls_ring_from_seven_to_nine() -> None:
    assert due(Channel.VOICE, Priority.URGENT, at("06:59")) == at("07:00")
    assert due(Channel.VOICE, Priority.URGENT, at("20:59")) == at("20:59")
    assert due(Channel.VOICE, Priority.URGENT, at("21:00")) == at("07:00", 5)


def test_only_act_now_rings_at_night_in_an_emergency() -> None:
    night = at("02:00")
    assert due(Channel.VOICE, Priority.EMERGENCY, night, act_now=True) == night
    assert due(Channel.VOICE, Priority.EMERGENCY, night, act_now=False) == at("07:00")
    assert due(Channel.SMS, Priority.EMERGENCY, night, act_now=False) == night


@given(moments, st.sampled_from(Priority), st.sampled_from(Category), st.booleans())
def test_no_telephone_rings_below_emergency_in_quiet_hours(
    now: datetime, priority: Priority, category: Category, early: bool
) -> None:
    moment = policy.due_from(
        Channel.VOICE, priority, False, category, now, EARLY if early else COUNTY
    ).astimezone(SEOUL)
    assert moment >= now
    assert moment - now < timedelta(hours=24)
    assert time(6, 30) <= moment.time() < time(21)
    if priority is Priority.ROUTINE:
        assert not time(12, 30) <= moment.time() < time(14)
        assert moment.time() < time(20)
    if category is Category.COMMERCIAL:
        assert time(8) <= moment.time()


@given(moments, st.sampled_from(Channel), st.sampled_from(Priority), st.sampled_from(Category))
def test_a_due_moment_stays_due(
    now: datetime, channel: Channel, priority: Priority, category: Category
) -> None:
    """Else what is released from being held would be held again, and never go out."""
    moment = due(channel, priority, now, category=category)
    assert due(channel, priority, moment, category=category) == moment


# --- when again -------------------------------------------------------------------------------


def test_an_emergency_is_rung_again_by_its_minutes() -> None:
    begin = at("10:00")
    found = [retry(Priority.EMERGENCY, n, begin, begin, act_now=True) for n in range(1, 7)]
    assert minutes(found, begin) == [3, 8, 20, 50, 80, None]


def test_an_urgent_call_is_tried_three_times() -> None:
    begin = at("10:00")
    assert minutes([retry(Priority.URGENT, n, begin, begin) for n in range(1, 4)], begin) == [5, 20, None]


def test_a_number_is_left_alone_for_two_minutes() -> None:
    begin, now = at("10:00"), at("10:19")
    assert retry(Priority.URGENT, 2, begin, now) == at("10:21")


def test_calls_of_earlier_rounds_count() -> None:
    """Two calls of an emergency were made, a third goes out now: the next is the fourth's 30 minutes on."""
    begin = at("10:30")
    assert retry(Priority.EMERGENCY, 1, begin, begin, before=2) == at("10:42")
    assert retry(Priority.EMERGENCY, 1, begin, begin, before=5) is None
    assert retry(Priority.ROUTINE, 1, begin, begin, before=2) is None


@pytest.mark.parametrize(
    ("tries", "first", "now", "then"),
    [
        (1, at("08:05"), at("08:06"), at("11:30")),  # the next of midday and evening
        (1, at("14:10"), at("14:11"), at("18:00")),
        (1, at("19:50"), at("19:51"), at("11:30", 5)),
        (2, at("08:05"), at("11:31"), at("11:30", 5)),  # two today are enough
        (2, at("19:50"), at("11:31", 5), at("12:01", 5)),  # yesterday's does not count today
        (3, at("08:05"), at("11:31", 5), None),
    ],
)
def test_routine_is_rung_again_at_midday_or_in_the_evening(
    tries: int, first: datetime, now: datetime, then: datetime | None
) -> None:
    assert retry(Priority.ROUTINE, tries, first, now) == then


@given(moments, st.integers(1, 2), st.integers(0, 60 * 24))
def test_a_routine_redial_keeps_its_hours(first: datetime, tries: int, later: int) -> None:
    now = first + timedelta(minutes=later)
    again = retry(Priority.ROUTINE, tries, first, now)
    assert again is not None
    assert (
        again >= now + timedelta(minutes=30) or again.astimezone(SEOUL).date() > now.astimezone(SEOUL).date()
    )
    assert policy.call_from(Priority.ROUTINE, False, again, COUNTY) == again


def test_the_day_ends_at_korean_midnight() -> None:
    assert policy.today(at("08:00"), SEOUL) == at("00:00")  # 23:00 of the day before in Greenwich
    assert policy.tomorrow(at("08:00"), COUNTY) == at("00:00", 5)


def test_a_text_is_tried_three_times() -> None:
    now = at("10:00")
    found = [policy.retry_text_at(tries, now) for tries in (1, 2, 3)]
    assert found == [at("10:01"), at("10:05"), None]


def test_a_deferral_follows_the_provider_else_doubles() -> None:
    now = at("10:00")
    told = policy.defer_until(Reason.THROTTLED, 0, timedelta(seconds=7), now)
    assert told - now == timedelta(seconds=7)
    assert policy.defer_until(Reason.THROTTLED, 0, timedelta(days=1), now) - now == timedelta(minutes=15)
    doubled = [policy.defer_until(Reason.PROVIDER_DOWN, n, None, now) - now for n in (0, 1, 5, 6, 50)]
    assert [gap.total_seconds() for gap in doubled] == [1, 2, 32, 60, 60]


# --- what counts as heard ---------------------------------------------------------------------

K, E = ReceiptKind, DeliveryEvent
PIECES = list(
    itertools.product(
        [None, K.COMPLETED, K.BUSY, K.NO_ANSWER, K.FAILED, K.STOPPED],
        [None, K.HUMAN, K.MACHINE, K.NOT_KNOWN],
        [False, True],
        [False, True],
    )
)


@pytest.mark.parametrize(("status", "answered_by", "played", "waited"), PIECES)
def test_a_call_is_judged_by_its_status_verdict_and_reading(
    status: ReceiptKind | None, answered_by: ReceiptKind | None, played: bool, waited: bool
) -> None:
    found = policy.call_verdict(CallFacts(status, answered_by, played), waited=waited)
    match (status, answered_by, played):
        case (None, _, _):
            expected = None
        case (K.COMPLETED, None, _) if not waited:
            expected = None
        case (K.COMPLETED, K.MACHINE, _):
            expected = Verdict(E.MISSED, Reason.VOICEMAIL)
        case (K.COMPLETED, _, False):
            expected = Verdict(E.MISSED, Reason.HUNG_UP_EARLY)
        case (K.COMPLETED, K.HUMAN, True):
            expected = Verdict(E.HEARD)
        case (K.COMPLETED, _, True):
            expected = Verdict(E.DELIVERED)  # played, presumed
        case _:
            assert status is not None
            expected = Verdict(E.MISSED, policy.MISS_REASON[status])
    assert found == expected


def test_two_repeats_zero_stops_and_every_other_key_confirms() -> None:
    found = {key: policy.key_event(key) for key in "0123456789*#"}
    assert found.pop("2") is E.REPLAYED
    assert found.pop("0") is E.STOP_KEYED
    assert set(found.values()) == {E.KEYED}


def test_hearing_covers_nobody_in_an_emergency() -> None:
    assert policy.is_covered(Priority.ROUTINE, ReachState.HEARD)
    assert not policy.is_covered(Priority.EMERGENCY, ReachState.HEARD)
    for priority in Priority:
        assert policy.is_covered(priority, ReachState.CONFIRMED)
        assert not policy.is_covered(priority, ReachState.MISSED)


# --- short forms ------------------------------------------------------------------------------


def due(
    channel: Channel,
    priority: Priority,
    now: datetime,
    *,
    act_now: bool = False,
    category: Category = Category.NOTICE,
    hours: Hours = COUNTY,
) -> datetime:
    return policy.due_from(channel, priority, act_now, category, now, hours)


def retry(
    priority: Priority, tries: int, first: datetime, now: datetime, *, act_now: bool = False, before: int = 0
) -> datetime | None:
    return policy.retry_call_at(priority, act_now, tries, first, now, COUNTY, before=before)


def minutes(found: list[datetime | None], begin: datetime) -> list[int | None]:
    return [None if one is None else int((one - begin).total_seconds() // 60) for one in found]
