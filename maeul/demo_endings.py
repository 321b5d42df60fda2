"""How everybody in the demo is expected to end, and the rows that say how they did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broadcast.model import Channel, Purpose, ReachState
from broadcast.report import Asked, furthest
from broadcast.store.queries.trace import TracedDelivery, TracedReach
from maeul import demo_people as cast
from maeul.demo_people import Person
from maeul.demo_played import Act, Played
from maeul.demo_report import Row, channel_words, state_words
from maeul.demo_stage import Hourglass

KAKAO, VOICE, SMS = Channel.KAKAO, Channel.VOICE, Channel.SMS
HEARD, CONFIRMED, MISSED, CLOSED = (
    ReachState.HEARD,
    ReachState.CONFIRMED,
    ReachState.MISSED,
    ReachState.CLOSED,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """A state, the channel that got furthest, and the attempts over all channels."""

    state: ReachState
    channel: Channel | None
    attempts: int

    def __str__(self) -> str:
        return f"{self.state}/{self.channel or 'none'}/{self.attempts}"


@dataclass(frozen=True, slots=True)
class Differs:
    act: str
    name: str
    expected: str
    found: str


BY_ONE_CALL = Ending(CONFIRMED, VOICE, 1)
UNREACHED = Ending(MISSED, SMS, 4)  # three calls, then the text

TYPED: Mapping[Person, Ending] = {
    cast.SUJIN: Ending(HEARD, KAKAO, 1),
    cast.YEONGHO: BY_ONE_CALL,
    cast.SUNI: BY_ONE_CALL,
    cast.MANSU: Ending(HEARD, VOICE, 2),
    cast.YEONGJA: UNREACHED,
    cast.BOKSUN: UNREACHED,
    cast.DONGSU: Ending(MISSED, VOICE, 1),
    cast.MALLYE: Ending(HEARD, VOICE, 1),
}
RECORDED = {
    **TYPED,
    cast.MANSU: Ending(HEARD, VOICE, 1),
    cast.DONGSU: Ending(MISSED, None, 0),  # the number is known to be dead
}
EMERGENCY: Mapping[Person, Ending] = {
    cast.SUJIN: Ending(CONFIRMED, KAKAO, 1),
    cast.YEONGHO: BY_ONE_CALL,
    cast.SUNI: BY_ONE_CALL,
    cast.MANSU: Ending(CONFIRMED, VOICE, 2),
    cast.YEONGJA: Ending(MISSED, SMS, 7),  # six calls beside the text
    cast.BOKSUN: Ending(MISSED, SMS, 7),
    cast.DONGSU: Ending(MISSED, None, 0),
    cast.MALLYE: Ending(CONFIRMED, VOICE, 2),  # the text and the call
}
NEEDS_HELP = "도움 needs help"  # what a confirmed person's status is after key 9
HEARD_IT, PRESSED_1 = Ending(HEARD, VOICE, 1), BY_ONE_CALL


def differences(played: Played) -> list[Differs]:
    """Everybody who did not end as expected, and everybody who should not be there at all."""
    found: list[Differs] = []
    for act, expected in ((played.typed, TYPED), (played.recorded, RECORDED), (played.emergency, EMERGENCY)):
        found += _compared(act, {person.name: ending for person, ending in expected.items()})
    found += _compared(played.routine, _neighbours())
    found += _taken_back(played.recalled)
    return found


def _neighbours() -> dict[str, Ending]:
    return {person.name: PRESSED_1 if n % 2 else HEARD_IT for n, person in enumerate(cast.neighbours())}


def _compared(act: Act, expected: Mapping[str, Ending]) -> Iterator[Differs]:
    ended = {reach.name: ending(act, reach) for reach in act.trace.reaches}
    for name in expected.keys() | ended.keys():
        if ended.get(name) != expected.get(name):
            yield Differs(act.english, name, str(expected.get(name)), str(ended.get(name)))


def _taken_back(act: Act) -> Iterator[Differs]:
    """Who had heard it before the recall keeps that; everybody else was let go, and heard nothing whole."""
    expected = _neighbours()
    for reach in act.trace.reaches:
        ended = ending(act, reach)
        calls = act.trace.serving(reach.resident_id)
        has_heard = any(attempt.played_at for one in calls for attempt in one.attempts)
        wanted = expected[reach.name].state if has_heard else CLOSED
        if ended.state is not wanted or ended.attempts > 1:
            yield Differs(act.english, reach.name, str(wanted), str(ended))
    if len(act.trace.reaches) != len(expected):
        yield Differs(act.english, cast.NEXT_NAME, str(len(expected)), str(len(act.trace.reaches)))


def ending(act: Act, reach: TracedReach) -> Ending:
    served = act.trace.serving(reach.resident_id)
    best = _furthest(served)
    return Ending(reach.state, best.channel if best else None, sum(len(one.attempts) for one in served))


def _furthest(served: list[TracedDelivery]) -> Asked | None:
    return furthest([Asked(one.id, one.channel, one.state, one.reason, len(one.attempts)) for one in served])


# --- rows -------------------------------------------------------------------------------------


def tables(played: Played, clock: Hourglass) -> list[tuple[str, list[Row]]]:
    """A table for each broadcast; the next village's many households in one row for each way of ending."""
    return [(f"{act.title}  {act.english}", list(_rows(act, played, clock))) for act in played.acts]


def _rows(act: Act, played: Played, clock: Hourglass) -> Iterator[Row]:
    about = {person.name: person for person in cast.CAST}
    groups: dict[ReachState, list[Row]] = {}
    for reach in act.trace.reaches:
        person = about.get(reach.name)
        row = _row(act, reach, f"{person.does} {person.english}" if person else "", clock)
        if person is None:
            groups.setdefault(reach.state, []).append(row)
        else:
            yield row
    for state in sorted(groups):
        yield _summed(groups[state])
    if not groups:
        yield from _beside(act)


def _row(act: Act, reach: TracedReach, about: str, clock: Hourglass) -> Row:
    ended = ending(act, reach)
    at = reach.confirmed_at or reach.heard_at or reach.ended_at
    return Row(
        reach.name,
        about,
        str(reach.rung + 1),
        channel_words(ended.channel),
        NEEDS_HELP if reach.needs_help else state_words(reach.state),
        str(ended.attempts),
        (at - act.begins_at).total_seconds() if at else None,
        clock.real(at) - act.began if at else None,
    )


def _summed(rows: list[Row]) -> Row:
    first = rows[0]
    last_s = max((row.simulated_s for row in rows if row.simulated_s is not None), default=None)
    real_s = max((row.real_s for row in rows if row.real_s is not None), default=None)
    attempts = sum(int(row.attempts) for row in rows)
    about = f"{cast.NEXT_NAME} · next village"
    return Row(
        f"{len(rows)}가구", about, first.rung, first.channel, first.state, str(attempts), last_s, real_s
    )


def _beside(act: Act) -> Iterator[Row]:
    """The guardian, and those who must not hear of it."""
    for one in act.trace.deliveries:
        if one.purpose is Purpose.LISTEN_ALONG:
            about = f"{cast.GUARDIAN.does} {cast.GUARDIAN.english}"
            attempts = str(len(one.attempts))
            yield Row(
                cast.GUARDIAN.name, about, "함께", channel_words(one.channel),
                state_words(one.state), attempts,
            )  # fmt: skip
    for person in cast.NEVER:
        about = f"{person.does} {person.english}"
        yield Row(person.name, about, "–", "–", "없음 none", "0")
