"""Reports to our service: in order for one call or message, unless the carrier is told to misbehave."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from channels.simulator.carrier import Carrier
from channels.simulator.outward import Outward
from channels.simulator.records import Callback
from channels.simulator.timing import Work, Works


@dataclass(frozen=True, slots=True)
class Post:
    to: Callback
    params: Mapping[str, str] = field(repr=False)
    token: str


@dataclass(slots=True)
class Lane:
    """The callbacks of one call or message."""

    waiting: deque[Post] = field(default_factory=deque)
    held_back: Post | None = None
    is_running: bool = False


class Callbacks:
    def __init__(self, works: Works, outward: Outward, carrier: Carrier) -> None:
        self._works = works
        self._outward = outward
        self._carrier = carrier
        self.counts = {"taken": 0, "refused": 0, "unreachable": 0, "lost": 0}

    def send(self, lane: Lane, to: Callback, params: Mapping[str, str], *, is_last: bool = False) -> None:
        """Returns at once. `is_last`: nothing follows in this lane."""
        if not to.url:
            return
        post, held_back = Post(to, dict(params), token_hex(16)), lane.held_back
        lane.held_back = None
        self._place(lane, post, may_wait=held_back is None and not is_last)
        if held_back is not None:
            lane.waiting.append(held_back)
        self._run(lane)

    def _place(self, lane: Lane, post: Post, *, may_wait: bool) -> None:
        faults = self._carrier.settings.callbacks
        if self._carrier.befalls(faults.lost):
            self.counts["lost"] += 1
        elif self._carrier.befalls(faults.late):
            self._start_late(post, faults.late_s)
        elif may_wait and self._carrier.befalls(faults.out_of_order):
            lane.held_back = post
        else:
            lane.waiting.extend([post] * (2 if self._carrier.befalls(faults.twice) else 1))

    def _run(self, lane: Lane) -> None:
        if lane.waiting and not lane.is_running:
            lane.is_running = True
            work = self._works.new()
            self._works.start(work, self._empty(lane, work))

    async def _empty(self, lane: Lane, work: Work) -> None:
        try:
            while lane.waiting:
                await self._deliver(lane.waiting.popleft(), work)
        finally:
            lane.is_running = False

    def _start_late(self, post: Post, seconds: float) -> None:
        work = self._works.new()
        self._works.start(work, self._deliver_late(post, seconds, work))

    async def _deliver_late(self, post: Post, seconds: float, work: Work) -> None:
        await work.sleep(seconds)
        await self._deliver(post, work)

    async def _deliver(self, post: Post, work: Work) -> None:
        faults = self._carrier.settings.callbacks
        for left in range(faults.retries, -1, -1):
            reply = await self._outward.signed(post.to.url, post.to.method, post.params, post.token)
            if reply.status:
                self.counts["taken" if reply.ok else "refused"] += 1
                return
            if left:
                await work.sleep(faults.retry_after_s)
        self.counts["unreachable"] += 1
