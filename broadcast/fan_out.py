"""Fans due broadcasts out, slice by slice, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from broadcast import policy
from broadcast.model import BroadcastId, Channel, Priority, VillageId
from broadcast.plans import ORDER, PLANS
from broadcast.ports import Clock
from broadcast.work import Due, Slice

SLICE = 5_000
Hours = Mapping[tuple[VillageId, Channel], datetime]


class FanOutStore(Protocol):
    async def due(self, now: datetime, n: int) -> Sequence[Due]: ...

    async def begin_fan_out(self, broadcast_id: BroadcastId, now: datetime) -> bool: ...

    async def already(self, due: Due) -> dict[int, int]: ...

    async def slice(
        self, due: Due, hours: Hours, already: dict[int, int], wait: timedelta, now: datetime, size: int
    ) -> Slice | None: ...


class FanOut:
    """The tick that turns a due broadcast into reaches and deliveries; resumes at its cursor."""

    def __init__(
        self,
        store: FanOutStore,
        clock: Clock,
        zone: ZoneInfo,
        on_slice: Callable[[Priority], None],
        size: int = SLICE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._on_slice = on_slice
        self._size = size

    async def run_due(self) -> None:
        """One slice of the most urgent due broadcast at a time, until none is due."""
        counted: dict[BroadcastId, dict[int, int]] = {}
        while due := await self._store.due(self._clock.now(), 1):
            await self._one_slice(due[0], counted)

    async def _one_slice(self, due: Due, counted: dict[BroadcastId, dict[int, int]]) -> None:
        now = self._clock.now()
        if not await self._store.begin_fan_out(due.id, now):
            return
        already = counted.get(due.id)
        if already is None:
            already = counted[due.id] = await self._store.already(due)
        wait = PLANS[due.priority][0].wait
        await self._store.slice(due, hours_for(due, now, self._zone), already, wait, now, self._size)
        self._on_slice(due.priority)


def hours_for(due: Due, now: datetime, zone: ZoneInfo) -> Hours:
    """When each channel may go out in each village; left out where that is not before the broadcast expires."""
    hours: dict[tuple[VillageId, Channel], datetime] = {}
    for village, opens_at in due.villages.items():
        at = policy.Hours(zone, opens_at)
        for channel in ORDER:
            moment = policy.due_from(channel, due.priority, due.act_now, due.category, now, at)
            if moment < due.expires_at:
                hours[village, channel] = moment
    return hours
