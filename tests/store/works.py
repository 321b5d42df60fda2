"""The real use cases over one database, driven step by step; the test plays the providers and the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadcast import policy
from broadcast.compose import Composer, Draft, Who
from broadcast.escalate import Escalator
from broadcast.fan_out import FanOut
from broadcast.keeping import Finisher, Reaper
from broadcast.letters import Letters
from broadcast.links import Links
from broadcast.model import (
    Accepted,
    AttemptId,
    BroadcastId,
    Category,
    Channel,
    DeliveryId,
    Outcome,
    Priority,
    Receipt,
    ReceiptKind,
    ResidentId,
    ResponseType,
    Role,
    VillageId,
)
from broadcast.outcomes import Decider
from broadcast.ports import ClipInfo
from broadcast.receipts import Applied, ReceiptBook
from broadcast.render import Part
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.course import CourseQueries
from broadcast.store.queries.dispatch import DispatchQueries
from broadcast.store.queries.escalate import EscalateQueries
from broadcast.store.queries.finishing import FinishQueries
from broadcast.store.queries.health import HealthQueries
from broadcast.store.queries.leases import LeaseQueries
from broadcast.store.queries.receipts import ReceiptQueries
from broadcast.store.unit import Database
from broadcast.work import Claimed, Finished, StopRequest
from tests.builders import VILLAGE, Office, a_resident, a_village, an_account
from tests.store.carriers import PROVIDERS, Carrier, Spoken
from tests.store.looking import Looking

ZONE = ZoneInfo("Asia/Seoul")
LEASE = timedelta(seconds=60)
CLIPS = [Part("text", 0, ClipInfo("hash", 3.0, "espeak"))]


@dataclass
class Works(Looking):
    village: VillageId
    head: Who
    officer: Who
    approver: Who
    carriers: dict[Channel, Any]
    stops: list[StopRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        database, vault, clock = self.office.database, self.office.vault, self.office.clock
        self.clock = clock
        self.last = BroadcastId(0)
        self.halted: list[BroadcastId] = []
        self.person = ResidentId(0)  # for a test to remember whom it is about
        self.decider = Decider(ZONE)
        self.queries = DispatchQueries(database, vault)
        self.course = CourseQueries(database, vault)
        self.leases = LeaseQueries(database, vault)
        self.health = HealthQueries(database)
        self.composer = Composer(ComposeQueries(database), clock, Spoken(), lambda _: None, self._take_back)
        self.book = self.a_book()
        self.letters = Letters(Links(b"k" * 32, "https://maeul.test", clock))
        self.reaper = Reaper(
            self.leases,
            self.queries,
            clock,
            self.decider,
            {carrier.name: carrier for carrier in self.carriers.values()},
            self.letters.compose,
            self.book.take,
        )
        self.escalator = Escalator(EscalateQueries(database, vault), clock, ZONE)
        self.finisher = Finisher(
            FinishQueries(database, vault), clock, ZONE, lambda _id, stops: self._stop(stops)
        )

    def a_book(self) -> ReceiptBook:
        """As another process has one."""
        store = ReceiptQueries(self.office.database, self.office.vault)
        return ReceiptBook(store, self.clock, self.decider, self._applied)

    def _take_back(self, broadcast_id: BroadcastId, stops: Sequence[StopRequest]) -> None:
        self.halted.append(broadcast_id)
        self._stop(stops)

    def _stop(self, stops: Sequence[StopRequest]) -> None:
        self.stops += stops

    def _applied(self, applied: Applied) -> None:
        self._stop(applied.stops)

    # --- broadcasts -------------------------------------------------------------------------------

    async def broadcast(
        self,
        priority: Priority = Priority.ROUTINE,
        *,
        category: Category = Category.NOTICE,
        villages: tuple[str, ...] = (VILLAGE,),
        expires_in: timedelta = timedelta(hours=24),
        who: Who | None = None,
        act_now: bool = True,
        voiced: bool = True,
    ) -> BroadcastId:
        """Composed by the head (or somebody else, and approved), voiced and fanned out."""
        made = await self.submit(
            priority,
            category=category,
            villages=villages,
            expires_in=expires_in,
            who=who or self.head,
            act_now=act_now,
        )
        if priority is Priority.EMERGENCY and who is not None:
            await self.composer.approve(made, self.approver)
        if voiced:
            await self.course.rendered(made, CLIPS)
        await self.fan_out()
        self.last = made
        return made

    async def submit(
        self,
        priority: Priority,
        *,
        category: Category = Category.NOTICE,
        villages: tuple[str, ...] = (VILLAGE,),
        expires_in: timedelta = timedelta(hours=24),
        who: Who,
        act_now: bool = True,
    ) -> BroadcastId:
        draft = Draft(
            "단수 안내",
            villages,
            "내일 물이 나오지 않습니다.",
            priority=priority,
            category=category,
            expires_at=self.clock.now() + expires_in,
            response_type=ResponseType.EVACUATE if act_now else None,
        )
        return await self.composer.submit(draft, who)

    async def fan_out(self, size: int = 5_000) -> None:
        await FanOut(self.course, self.clock, ZONE, lambda _: None, size).run_due()

    # --- the worker -------------------------------------------------------------------------------

    async def claim(
        self, channel: Channel, n: int = 100, *, owner: str = "w1", lane: Priority = Priority.ROUTINE
    ) -> list[Claimed]:
        return await self.queries.claim(channel, n, owner, self.clock.now(), LEASE, lane)

    async def turn_over(
        self,
        group: Sequence[Claimed] = (),
        finished: Mapping[tuple[DeliveryId, AttemptId], Outcome] | None = None,
        *,
        owner: str = "w1",
    ) -> dict[DeliveryId, AttemptId]:
        channel = group[0].channel if group else Channel.SMS
        now = self.clock.now()
        turned = await self.queries.turn_over(
            [Finished(*pair, outcome) for pair, outcome in (finished or {}).items()],
            [one.id for one in group],
            provider=PROVIDERS[channel],
            owner=owner,
            now=now,
            lease=LEASE,
            lane=Priority.ROUTINE,
            decide=self.decider.outcome,
            rings_since=policy.today(now, ZONE) if channel is Channel.VOICE else None,
        )
        self._stop(turned.stops)
        return turned.attempts

    async def settle_not_begun(self, left: Sequence[Claimed], owner: str = "w1") -> None:
        now = self.clock.now()
        why = await self.queries.why_not_begun([one.id for one in left], owner, now, policy.today(now, ZONE))
        await self.queries.change_claimed(
            list(why), owner, now, lambda facts: self.decider.not_begun(facts, why[facts.id], now)
        )

    async def hand_over(self, channel: Channel, outcome: Outcome | None = None) -> list[AttemptId]:
        """Claim all, begin, and write the answer back: accepted unless said otherwise."""
        return await self._hand_over(await self.claim(channel), outcome)

    async def hand_over_some(self, n: int) -> list[AttemptId]:
        """The first calls alone."""
        return await self._hand_over(await self.claim(Channel.VOICE, n), None)

    async def accept(self, begun: Mapping[DeliveryId, AttemptId]) -> None:
        await self.turn_over(finished={pair: Accepted(f"ref-{pair[1]}") for pair in begun.items()})

    async def _hand_over(self, claimed: Sequence[Claimed], outcome: Outcome | None) -> list[AttemptId]:
        begun = await self.turn_over(claimed)
        await self.settle_not_begun([one for one in claimed if one.id not in begun])
        answers = {pair: outcome or Accepted(f"ref-{pair[1]}") for pair in begun.items()}
        await self.turn_over(finished=answers)
        return sorted(begun.values())

    # --- what comes back --------------------------------------------------------------------------

    async def receive(self, attempt: int, *kinds: ReceiptKind, key: str = "", user: str = "") -> None:
        """One receipt after another, each of its own."""
        for kind in kinds:
            await self.book.take([self.receipt(attempt, kind, key=key, user=user)])

    async def heard(self, attempt: int) -> None:
        await self.receive(attempt, ReceiptKind.HUMAN, ReceiptKind.PLAYED, ReceiptKind.COMPLETED)

    async def keyed(self, attempt: int, key: str = "1") -> None:
        await self.receive(attempt, ReceiptKind.KEYED, key=key)

    async def miss_to_the_end(self, attempt: int) -> None:
        """The only one who is called does not answer, however often they are rung."""
        await self.receive(attempt, ReceiptKind.NO_ANSWER)
        while "open" in await self.reaches():
            await self.pass_(minutes=30)
            for again in await self.hand_over(Channel.VOICE):
                await self.receive(again, ReceiptKind.NO_ANSWER)

    def receipt(self, attempt: int, kind: ReceiptKind, *, key: str = "", user: str = "") -> Receipt:
        self._receipts = getattr(self, "_receipts", 0) + 1
        return Receipt(
            "voice",
            kind,
            f"{attempt}-{kind}-{self._receipts}",
            self.clock.now(),
            AttemptId(attempt),
            f"ref-{attempt}",
            user=user,
            key=key,
        )

    async def tick(self) -> None:
        """All that a worker's ticks do, once."""
        await self.fan_out()
        await self.reaper.release_due()
        await self.book.settle_due()
        await self.reaper.run_due()
        await self.reaper.inquiries.ask_noted()
        await self.escalator.run_due()
        await self.finisher.run_due()

    async def pass_(self, **time: float) -> None:
        self.clock.pass_(**time)
        await self.tick()

    async def give_head_a_phone(self, number: str = "010-9999-0000") -> None:
        """Where the missed lists go."""
        await a_resident(self.office, phone=number, name="이장", categories=())
        await self.write(
            "UPDATE account SET address_id = (SELECT MAX(id) FROM address) WHERE id = :id", id=self.head.id
        )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Works]:
    database = Database(url)
    try:
        office = Office(database)
        village = await a_village(office)
        head = Who(await an_account(office, role=Role.HEAD), Role.HEAD, "head", village)
        officer, approver = [
            Who(await an_account(office, name, Role.COUNTY, village=None), Role.COUNTY, name)
            for name in ("officer", "approver")
        ]
        carriers = {channel: Carrier(channel) for channel in Channel}
        yield Works(office, village, head, officer, approver, carriers)
    finally:
        await database.close()
