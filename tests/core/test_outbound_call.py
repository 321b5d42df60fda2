"""What an announcement call plays and what each key does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broadcast.lifecycle import StopReason
from broadcast.model import BroadcastState, CapStatus, DeliveryState, Priority
from broadcast.phone_in.outbound import BEGIN, HANG_UP, KEYS, READ, CallFacts, Sound, next_line
from broadcast.promise import Promise

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
PARTS = ("opening", "text", "ending", "slow", "again", "thanks", "help")


def facts(
    priority: Priority = Priority.ROUTINE,
    *,
    seconds: float = 12.0,
    broadcast: BroadcastState = BroadcastState.SENDING,
    delivery: DeliveryState = DeliveryState.SENT,
    stop: StopReason | None = None,
    ends_in_s: int = 3600,
) -> CallFacts:
    promise = Promise(
        priority, CapStatus.ACTUAL, broadcast, NOW + timedelta(seconds=ends_in_s), delivery, stop
    )
    return CallFacts(promise, {part: Sound(part * 2, seconds) for part in PARTS})


def played(call: CallFacts, step: str, key: str = "") -> tuple[str, ...]:
    return next_line(call, step, key, NOW).parts


def test_a_call_opens_with_a_second_of_silence() -> None:
    line = next_line(facts(), BEGIN, "", NOW)
    assert (line.pause_s, line.parts, line.next_step, line.wait_s) == (1, ("opening", "text"), READ, 0)


@pytest.mark.parametrize("priority", Priority)
def test_a_short_text_is_read_twice_before_keys_are_offered(priority: Priority) -> None:
    line = next_line(facts(priority, seconds=25.0), READ, "", NOW)
    assert (line.parts, line.next_step, line.wait_s) == (("again", "text", "ending"), KEYS, 5)


def test_a_long_text_is_read_once() -> None:
    assert played(facts(seconds=25.1), READ) == ("ending",)


@pytest.mark.parametrize("step", [READ, KEYS])
def test_key_2_reads_slowly_and_waits_again(step: str) -> None:
    line = next_line(facts(), step, "2", NOW)
    assert (line.parts, line.next_step, line.wait_s) == (("slow", "ending"), KEYS, 5)


@pytest.mark.parametrize("step", [READ, KEYS])
def test_key_9_tells_of_help_in_an_emergency_only(step: str) -> None:
    assert played(facts(Priority.EMERGENCY), step, "9") == ("help",)
    assert played(facts(Priority.URGENT), step, "9") == ("thanks",)


def test_key_0_hangs_up_and_other_keys_are_thanked() -> None:
    assert next_line(facts(), KEYS, "0", NOW) == HANG_UP
    assert {played(facts(), KEYS, key) for key in "1345678*#"} == {("thanks",)}
    assert next_line(facts(), KEYS, "1", NOW).next_step == ""


def test_silence_after_the_keys_ends_the_call() -> None:
    assert next_line(facts(), KEYS, "", NOW) == HANG_UP


def test_an_unknown_step_ends_the_call() -> None:
    assert next_line(facts(), "later", "1", NOW) == HANG_UP


@pytest.mark.parametrize("step", [BEGIN, READ, KEYS])
@pytest.mark.parametrize("key", ["", "1", "2", "9"])
@pytest.mark.parametrize("state", [BroadcastState.RECALLED, BroadcastState.CANCELLED, BroadcastState.EXPIRED])
def test_nothing_is_played_of_a_broadcast_taken_back(step: str, key: str, state: BroadcastState) -> None:
    assert next_line(facts(Priority.EMERGENCY, broadcast=state), step, key, NOW) == HANG_UP


def test_nothing_is_played_after_the_moment_of_expiry() -> None:
    assert played(facts(ends_in_s=1), BEGIN) == ("opening", "text")
    assert next_line(facts(ends_in_s=0), BEGIN, "", NOW) == HANG_UP


@pytest.mark.parametrize("stop", StopReason)
def test_a_call_asked_to_stop_plays_nothing(stop: StopReason) -> None:
    assert next_line(facts(Priority.EMERGENCY, stop=stop), READ, "", NOW) == HANG_UP


def test_a_delivery_cancelled_before_its_look_up_plays_nothing() -> None:
    assert next_line(facts(delivery=DeliveryState.CANCELLED), BEGIN, "", NOW) == HANG_UP


def test_who_asks_for_help_is_answered_though_another_has_confirmed() -> None:
    assert played(facts(Priority.EMERGENCY, stop=StopReason.COVERED), KEYS, "9") == ("help",)


@pytest.mark.parametrize("missing", ["opening", "text"])
def test_a_call_without_its_sound_plays_nothing(missing: str) -> None:
    whole = facts()
    clips = {part: sound for part, sound in whole.clips.items() if part != missing}
    assert next_line(replace(whole, clips=clips), BEGIN, "", NOW) == HANG_UP
