"""Takes reaches whose deadline came one rung further, and tells guardians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from broadcast import plans, policy, wording
from broadcast.lifecycle_reach import ReachEvent, move_reach
from broadcast.model import AddressId, Category, Channel, Priority, Purpose, ReachState, ResidentId
from broadcast.policy import Hours
from broadcast.ports import Clock
from broadcast.work import ErrandText, Escalation, Names, NewDelivery, ReachChange, ReachFacts

BATCH = 500
Guardians = Mapping[ResidentId, tuple[AddressId, Channel]]
Decide = Callable[[Sequence[ReachFacts], Guardians, Mapping[ResidentId, Names]], Escalation]


class EscalateStore(Protocol):
    async def step_due(self, now: datetime, n: int, decide: Decide) -> int: ...


class Escalator:
    """The tick that moves people up their ladders."""

    def __init__(self, store: EscalateStore, clock: Clock, zone: ZoneInfo) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone

    async def run_due(self) -> int:
        """Every due reach one rung further; returns how many."""
        total = 0
        while True:
            now = self._clock.now()

            def decide(
                facts: Sequence[ReachFacts],
                guardians: Guardians,
                names: Mapping[ResidentId, Names],
                now: datetime = now,
            ) -> Escalation:
                return escalation(facts, guardians, names, now, self._zone)

            done = await self._store.step_due(now, BATCH, decide)
            total += done
            if done < BATCH:
                return total


def escalation(
    facts: Sequence[ReachFacts],
    guardians: Guardians,
    names: Mapping[ResidentId, Names],
    now: datetime,
    zone: ZoneInfo,
) -> Escalation:
    """The next step of every due reach. Pure."""
    changes: list[ReachChange] = []
    asks: list[NewDelivery] = []
    errands: list[ErrandText] = []
    for reach in facts:
        due = _due(reach, now, zone)
        step = plans.next_step(situation(reach, frozenset(due)), now)
        made = [_ask(reach, channel, due[channel]) for channel in step.channels]
        asks.extend(made)
        if Purpose.GUARDIAN_TOLD in step.errands and reach.resident_id in guardians:
            address, channel = guardians[reach.resident_id]
            asks.append(_tell(reach, address, channel, now))
            errands.append(_words(reach, names[reach.resident_id]))
        changes.append(_change(reach, step, made, now))
    return Escalation(changes, asks, errands)


def _due(reach: ReachFacts, now: datetime, zone: ZoneInfo) -> dict[Channel, datetime]:
    """When each of the person's channels may be used; what may not before the broadcast expires is none."""
    hours = Hours(zone, reach.opens_at)
    due = {
        channel: policy.due_from(channel, reach.priority, reach.act_now, reach.category, now, hours)
        for channel in reach.addresses
    }
    return {channel: moment for channel, moment in due.items() if moment < reach.expires_at}


def situation(reach: ReachFacts, has: frozenset[Channel]) -> plans.Situation:
    return plans.Situation(
        priority=reach.priority,
        rung=reach.rung,
        has=has,
        live=reach.live,
        tried=reach.tried,
        wants_calls=reach.wants_calls,
        calls=reach.calls,
        misses=reach.misses,
    )


def _ask(reach: ReachFacts, channel: Channel, due: datetime) -> NewDelivery:
    return NewDelivery(
        broadcast_id=reach.broadcast_id,
        purpose=Purpose.ANNOUNCEMENT,
        subject=0,
        address_id=reach.addresses[channel],
        channel=channel,
        village_id=reach.village_id,
        priority=reach.priority,
        due_at=due if channel is not Channel.VOICE or reach.voice_ready else None,
        reach_ids=(reach.id,),
    )


def _tell(reach: ReachFacts, address: AddressId, channel: Channel, now: datetime) -> NewDelivery:
    return NewDelivery(
        broadcast_id=reach.broadcast_id,
        purpose=Purpose.GUARDIAN_TOLD,
        subject=reach.resident_id,
        address_id=address,
        channel=channel,
        village_id=reach.village_id,
        priority=reach.priority,
        due_at=now,
    )


def _words(reach: ReachFacts, names: Names) -> ErrandText:
    is_grave = reach.priority is Priority.EMERGENCY and reach.category is Category.DISASTER
    words = wording.guardian_told if is_grave else wording.guardian_told_urgent
    return ErrandText(
        reach.broadcast_id,
        Purpose.GUARDIAN_TOLD,
        reach.resident_id,
        title=f"[{names.county}]",
        text=words(names.county, names.resident),
    )


def _change(reach: ReachFacts, step: plans.Step, made: Sequence[NewDelivery], now: datetime) -> ReachChange:
    state = reach.state
    if step.spent and state is ReachState.OPEN:
        is_emergency = reach.priority is Priority.EMERGENCY
        state = move_reach(state, ReachEvent.LADDER_SPENT, emergency=is_emergency)
    deadline = step.deadline_at
    latest = max((one.due_at for one in made if one.due_at is not None), default=now)
    if deadline is not None and latest > now:
        deadline += latest - now  # the rung's clock runs from when its message may go out
    return ReachChange(reach.id, state, step.rung, deadline, on_door_list=step.door)
