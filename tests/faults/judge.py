"""Compares what the carrier witnessed with the tables and with how the town behaves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.rig import Rig
from tests.faults.town import Home, Kind

Row = Mapping[str, Any]

ATTEMPTS = """
    SELECT t.id, t.delivery_id, t.outcome, t.reference, t.reason, t.begun_at, t.call_status, t.answered_by,
           t.played_at, t.keys, d.channel, d.purpose, d.state, d.reason AS ended_by, d.broadcast_id, d.tries,
           a.ciphertext
    FROM attempt t JOIN delivery d ON d.id = t.delivery_id JOIN address a ON a.id = d.address_id
    ORDER BY t.id
"""

REACHES = "SELECT resident_id, broadcast_id, state, confirmed_at FROM reach"

RUNG_AGAIN = """
    SELECT t.id FROM attempt t JOIN delivery_reach l ON l.delivery_id = t.delivery_id
    JOIN reach r ON r.id = l.reach_id
    WHERE r.confirmed_at IS NOT NULL AND t.begun_at > r.confirmed_at + 1000000
      AND NOT EXISTS (SELECT 1 FROM delivery_reach o JOIN reach s ON s.id = o.reach_id
                      WHERE o.delivery_id = t.delivery_id AND s.confirmed_at IS NULL)
"""

CHANNEL = {"calls": "voice", "messages": "sms", "talks": "kakao"}


@dataclass
class Evidence:
    """Everything there is to judge by. `taken` counts what the carrier took, by our attempt."""

    attempts: dict[int, Row]
    entries: Sequence[Row]
    calls: dict[str, list[Row]]  # by number, in order
    homes: Sequence[Home]
    reaches: Sequence[Row]
    replied: set[str]  # chat users whose tap was answered
    shown: set[str]  # attempts whose push was shown
    numbers: dict[int, str]  # by attempt
    taken: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run showed, for the log of the test."""

    attempts: int
    handed_over: int
    unconfirmed_chats: int
    perhaps_twice: int
    interrupted_calls: int


async def gather(rig: Rig) -> Evidence:
    attempts = {row["id"]: row for row in await rig.rows(ATTEMPTS)}
    entries = (await rig.control("GET", "/log"))["entries"]
    calls: dict[str, list[Row]] = defaultdict(list)
    for call in sorted((await rig.control("GET", "/calls"))["calls"], key=lambda call: int(call["n"])):
        calls[call["to"]].append(call)
    talks = (await rig.control("GET", "/talks"))["talks"]
    shown = {user["attempt"] for talk in talks for user in talk["users"] if user["status"] == "shown"}
    evidence = Evidence(
        attempts=attempts,
        entries=entries,
        calls=calls,
        homes=rig.homes,
        reaches=await rig.rows(REACHES),
        replied={home.chat for home in rig.homes if home.chat and await _was_answered(rig, home.chat)},
        shown=shown,
        numbers={id: rig.vault.open(row["ciphertext"]) for id, row in attempts.items()},
    )
    evidence.taken.update(int(entry["attempt"]) for entry in entries)
    return evidence


async def _was_answered(rig: Rig, chat: str) -> bool:
    bubbles = (await rig.control("GET", f"/chats/{chat}"))["bubbles"]
    said_by = [bubble["by"] for bubble in bubbles]
    return any(pair == ("person", "bot") for pair in pairwise(said_by))


async def judge(rig: Rig) -> Findings:
    """Raises AssertionError for whatever was lost, doubled or not accounted for."""
    evidence = await gather(rig)
    _everything_handed_over_was_begun(evidence)
    _nothing_was_handed_over_twice(evidence)
    _calls_and_texts_are_accounted_for(evidence)
    interrupted = _nobody_is_rung_after_hearing(evidence)
    _everybody_ended_as_expected(evidence)
    assert await rig.rows(RUNG_AGAIN) == []
    unconfirmed, twice = _chats_are_doubled_only_where_unconfirmed(evidence)
    return Findings(len(evidence.attempts), len(evidence.entries), unconfirmed, twice, interrupted)


def _everything_handed_over_was_begun(evidence: Evidence) -> None:
    """No request without a durable attempt, and each to the attempt's own address by its own channel."""
    for entry in evidence.entries:
        attempt = evidence.attempts[int(entry["attempt"])]
        assert attempt["channel"] == CHANNEL[entry["kind"]], entry
        assert evidence.numbers[int(entry["attempt"])] == entry["to"], "another person's attempt"


def _nothing_was_handed_over_twice(evidence: Evidence) -> None:
    assert {attempt: n for attempt, n in evidence.taken.items() if n > 1} == {}


def _calls_and_texts_are_accounted_for(evidence: Evidence) -> None:
    """Where the provider can be asked, the tables know exactly what it took."""
    texts: Counter[int] = Counter()
    for id, attempt in evidence.attempts.items():
        if attempt["channel"] == "kakao":
            continue
        is_known = attempt["outcome"] == "accepted" or attempt["reference"] is not None
        assert is_known == (evidence.taken[id] == 1), f"attempt {id}: {attempt}"
        if attempt["channel"] == "sms" and attempt["state"] != "cancelled":  # somebody told by chat meanwhile
            texts[attempt["delivery_id"]] += evidence.taken[id]
    assert {delivery: n for delivery, n in texts.items() if n != 1} == {}, "texts came twice or not at all"


def _nobody_is_rung_after_hearing(evidence: Evidence) -> int:
    """A call that was served to its end is a number's last for the broadcast; returns interrupted calls."""
    interrupted = 0
    for number, calls in evidence.calls.items():
        by_broadcast: dict[int, list[Row]] = defaultdict(list)
        for call in calls:
            by_broadcast[evidence.attempts[int(call["attempt"])]["broadcast_id"]].append(call)
        for told in by_broadcast.values():
            served = [was_served(call) for call in told]
            assert not any(served[:-1]), f"…{number[-4:]} was rung again after it had heard"
            interrupted += sum(bool(call["errors"]) for call in told)
    return interrupted


def was_served(call: Row) -> bool:
    """The key was pressed and our service answered it."""
    return call["status"] == "completed" and call["keys"] == "1" and not call["errors"]


def _everybody_ended_as_expected(evidence: Evidence) -> None:
    homes = {resident: home for home in evidence.homes for resident in home.residents}
    told: Counter[str] = Counter()
    for reach in evidence.reaches:
        home = homes[reach["resident_id"]]
        told[home.kind] += 1
        assert reach["state"] in _expected(evidence, home), _story(evidence, home, reach)
    assert len(evidence.reaches) == sum(len(home.residents) for home in evidence.homes), told


def _story(evidence: Evidence, home: Home, reach: Row) -> str:
    """How it came to this: what the carrier did and what we wrote down."""
    calls = [
        {name: call[name] for name in ("attempt", "status", "result", "keys", "errors", "answered_by")}
        for call in evidence.calls.get(home.number, [])
    ]
    ours = {home.number, home.chat}
    attempts = [dict(row) for id, row in evidence.attempts.items() if evidence.numbers[id] in ours]
    return f"{home.kind} is {reach['state']}: calls {calls}, attempts {attempts}"


def _expected(evidence: Evidence, home: Home) -> set[str]:
    calls = evidence.calls.get(home.number, [])
    if home.kind in (Kind.NEVER, Kind.TEXTED):
        return {"missed"}
    if home.chat in evidence.replied or any(was_served(call) for call in calls):
        return {"confirmed"}
    # While we were down nobody could answer them: then all that the plan allows has been tried.
    unanswered = {"missed"} if sum(bool(call["errors"]) for call in calls) >= 2 else set()
    listened = {"heard"} if home.kind is Kind.CHAT else set()  # to the end, and tapped while we were down
    return {"confirmed"} | unanswered | listened


def _chats_are_doubled_only_where_unconfirmed(evidence: Evidence) -> tuple[int, int]:
    """Kakao cannot be asked: a message may come twice, but only where a reply was lost, and then we say so."""
    shown: Counter[int] = Counter()
    open_ended: Counter[int] = Counter()
    for id, attempt in evidence.attempts.items():
        if attempt["channel"] != "kakao":
            continue
        shown[attempt["delivery_id"]] += str(id) in evidence.shown
        open_ended[attempt["delivery_id"]] += attempt["outcome"] in (None, "unclear")
    doubled = {delivery: n for delivery, n in shown.items() if n > 1}
    assert all(n - 1 <= open_ended[delivery] for delivery, n in doubled.items()), doubled
    return sum(open_ended.values()), len(doubled)
