"""What the demo must have shown of each broadcast, held against the tables and the carrier's own log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from broadcast.policy import ROUTINE_CALLS
from maeul import demo_people as cast
from maeul.demo_endings import Differs, differences
from maeul.demo_played import CALLS, Played
from maeul.demo_report import Check, korean

SOON = timedelta(seconds=1)


def recording(played: Played) -> Check:
    own = played.recorded.attempts
    heard = [
        sound["heard_s"]
        for call in played.calls
        if call["attempt"] in own and call["answered_by"] == "human"
        for sound in call["played"][1:2]  # after the opening
    ]
    whole = played.recording_s
    return Check(
        bool(heard) and all(0.5 * whole <= seconds <= 1.2 * whole for seconds in heard),
        "올린 녹음이 전화로 그대로 들렸습니다.",
        "The uploaded recording was played in the calls.",
        f"{whole:.1f} s, heard {', '.join(f'{seconds:.1f}' for seconds in heard)} s",
    )


def help(played: Played) -> Check:
    reach = played.reach(played.emergency, cast.MALLYE)
    asked = [one.name for one in played.emergency.trace.reaches if one.has_asked_for_help]
    return Check(
        reach is not None and reach.needs_help and asked == [cast.MALLYE.name],
        f"{cast.MALLYE.name} 님이 9번을 눌러 도움을 요청했습니다.",
        "The resident who cannot walk pressed 9: a help request is open.",
    )


def overtakes(played: Played) -> Check:
    first = played.witnessed(played.emergency)[:1]
    waiting = played.overtaken.waiting
    later = {
        str(attempt.id)
        for one in played.routine.trace.deliveries
        if one.id in waiting
        for attempt in one.attempts
    }
    numbers = [entry["n"] for entry in played.witnessed(played.routine) if entry["attempt"] in later]
    holds = bool(first) and len(numbers) == len(waiting) > 0 and first[0]["n"] < min(numbers)
    ahead = [entry for entry in played.witnessed(played.emergency) if numbers and entry["n"] < min(numbers)]
    return Check(
        holds,
        "긴급 방송은 기다리던 일반 방송을 모두 앞질러 나갔습니다.",
        "The emergency's first hand-over came ahead of every routine delivery still queued.",
        f"{len(waiting)} waiting; {len(ahead)} emergency hand-overs came first",
    )


def recall(played: Played) -> Check:
    taken_back = played.taken_back
    own = played.witnessed(played.recalled)
    late = [entry for entry in own if entry["attempt"] not in taken_back.begun]
    never = [one for one in played.recalled.trace.deliveries if not one.attempts]
    cut = [call for call in played.calls if call["attempt"] in played.recalled.unheard]
    went_on = [call for call in cut if korean(call["ended_at"]) > taken_back.at + SOON]
    holds = bool(own) and not late and len(never) == taken_back.waiting > 0 and not went_on
    return Check(
        holds and all(one.state == "cancelled" for one in never),
        "거두어들인 뒤에는 한 통도 더 나가지 않았고, 울리던 전화는 끊겼습니다.",
        "After the recall nothing more was handed over, and ringing calls ended.",
        f"{len(own)} handed over before, {len(never)} held back, {len(cut)} calls ended",
    )


def hours(played: Played) -> Check:
    acts = (played.typed, played.recorded, played.routine, played.recalled)
    moments = [korean(entry["at"]) for act in acts for entry in played.witnessed(act, CALLS)]
    outside = [at for at in moments if not any(a <= at.time() < b for a, b in ROUTINE_CALLS)]
    return Check(
        bool(moments) and not outside,
        "일반 방송 전화는 8시–12시 30분, 14시–20시에만 걸었습니다.",
        "Routine calls rang only in their hours.",
        f"{len(moments)} calls",
    )


def everybody(played: Played) -> Check:
    found: list[Differs] = differences(played)
    people = sum(len(act.trace.reaches) for act in played.acts)
    return Check(
        not found,
        "모두 예정대로 끝났습니다.",
        "Everybody ended as expected.",
        "; ".join(_told(found)) or f"{people} reaches",
    )


def _told(found: Iterable[Differs]) -> Iterable[str]:
    return (f"{one.act} {one.name}: {one.found} instead of {one.expected}" for one in found)
