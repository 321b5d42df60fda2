"""A worker's claims in memory: by lane and turn, each no longer than its lease."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime

from broadcast.model import DeliveryId, Priority
from broadcast.work import Claimed

_Place = tuple[int, int, int]


class Buffer:
    """Holds what was claimed until it is begun. What outlives its lease is forgotten: it is anybody's to claim."""

    def __init__(self) -> None:
        self._order: list[_Place] = []
        self._held: dict[DeliveryId, tuple[Claimed, datetime]] = {}

    def __len__(self) -> int:
        return len(self._held)

    @property
    def lane(self) -> Priority | None:
        """The lane of the first in order; None if nothing is held."""
        return Priority(self._order[0][0]) if self._order else None

    def put(self, claimed: Sequence[Claimed], until: datetime) -> None:
        """Keep these until their lease ends; one that is claimed anew is held once."""
        for one in claimed:
            if one.id not in self._held:
                heapq.heappush(self._order, _place(one))
            self._held[one.id] = (one, until)

    def take(self, most: int) -> list[Claimed]:
        """The first in order. An emergency's group is not made larger by what can wait."""
        group: list[Claimed] = []
        while self._order and len(group) < most:
            if group and group[0].priority is Priority.EMERGENCY and self.lane is not Priority.EMERGENCY:
                break
            group.append(self._held.pop(DeliveryId(heapq.heappop(self._order)[2]))[0])
        return group

    def forget(self, now: datetime) -> None:
        """Let go of what the reaper gives to others."""
        kept = {key: held for key, held in self._held.items() if held[1] > now}
        if len(kept) < len(self._held):
            self._held = kept
            self._order = [place for place in self._order if DeliveryId(place[2]) in kept]
            heapq.heapify(self._order)

    def clear(self) -> list[DeliveryId]:
        """Everything out; returns what was held."""
        ids = list(self._held)
        self._order.clear()
        self._held.clear()
        return ids


def _place(claimed: Claimed) -> _Place:
    return int(claimed.priority), claimed.turn, int(claimed.id)
