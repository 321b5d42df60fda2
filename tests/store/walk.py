"""A seeded walk through everything that can happen to broadcasts at once, and what must hold at every step."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from broadcast.errors import CallerMistake
from broadcast.model import (
    Accepted,
    AddressId,
    AttemptId,
    BroadcastId,
    Category,
    Channel,
    Deferred,
    DeliveryId,
    DeliveryState,
    Message,
    Outcome,
    Priority,
    Reason,
    ReceiptKind,
    Rejected,
    ResidentId,
    Unclear,
)
from broadcast.plans import MOST_CALLS
from broadcast.store.queries.endings import EndingQueries
from broadcast.work import Claimed
from tests.builders import a_guardian, a_resident
from tests.store.works import CLIPS, Works

LIFE = {
    Priority.ROUTINE: timedelta(hours=30),
    Priority.URGENT: timedelta(hours=4),
    Priority.EMERGENCY: timedelta(hours=3),
}
CALLS_ABOUT = (
    (ReceiptKind.RINGING,),
    (ReceiptKind.NO_ANSWER,),
    (ReceiptKind.BUSY,),
    (ReceiptKind.HUMAN, ReceiptKind.PLAYED, ReceiptKind.COMPLETED),
    (ReceiptKind.COMPLETED, ReceiptKind.PLAYED),
    (ReceiptKind.MACHINE, ReceiptKind.COMPLETED),
    (ReceiptKind.KEYED,),
    (ReceiptKind.REFUSED,),
    (ReceiptKind.STOPPED,),
)
TEXTS_ABOUT = ((ReceiptKind.DELIVERED,), (ReceiptKind.FAILED,), (ReceiptKind.REFUSED,), (ReceiptKind.TAPPED,))
ENDED = ("done", "cancelled", "recalled", "expired", "failed")


@dataclass
class Hand:
    """One worker's memory: gone when it dies."""

    claimed: list[Claimed] = field(default_factory=list)
    begun: list[tuple[Channel, dict[DeliveryId, AttemptId]]] = field(default_factory=list)


@dataclass
class Walk:
    works: Works
    dice: random.Random
    people: list[ResidentId] = field(default_factory=list)
    broadcasts: list[BroadcastId] = field(default_factory=list)
    hands: dict[str, Hand] = field(default_factory=lambda: {"w1": Hand(), "w2": Hand()})
    resent: dict[BroadcastId, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    references: int = 0

    async def settle_in(self) -> None:
        """Households of every kind, some of them behind one telephone."""
        for n in range(9):
            phone = f"010-3000-{self.dice.randrange(6):04}" if n % 4 else "033-481-1234"
            kakao = f"user{n}" if self.dice.random() < 0.4 else None
            person = await a_resident(
                self.works.office, phone=phone, kakao=kakao, wants_calls=self.dice.random() < 0.3
            )
            self.people.append(person)
            if self.dice.random() < 0.3:
                await a_guardian(self.works.office, person)
        for carrier in self.works.carriers.values():
            carrier.knows = self._remembers

    def _remembers(self, message: Message) -> Outcome:
        return self._some_answer(sure=False)

    # --- steps ------------------------------------------------------------------------------------

    async def step(self) -> None:
        steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (10, self.time),
            (8, self.claim),
            (10, self.begin),
            (10, self.answer),
            (12, self.receipt),
            (3, self.crash),
            (2, self.compose),
            (1, self.take_back),
            (1, self.bar),
            (1, self.resend),
            (2, self.voice),
        ]
        act = self.dice.choices([one for _, one in steps], [weight for weight, _ in steps])[0]
        self.log.append(act.__name__)
        await act()

    async def time(self) -> None:
        await self.works.pass_(seconds=self.dice.choice([1, 5, 20, 61, 130, 700, 1900]))

    async def claim(self) -> None:
        owner, hand = self.dice.choice(sorted(self.hands.items()))
        hand.claimed += await self.works.claim(self.dice.choice(list(Channel)), 4, owner=owner)

    async def begin(self) -> None:
        owner, hand = self.dice.choice(sorted(self.hands.items()))
        if not hand.claimed:
            return
        channel = hand.claimed[0].channel
        group = [one for one in hand.claimed if one.channel is channel]
        hand.claimed = [one for one in hand.claimed if one.channel is not channel]
        late = {one.id for one in group if self._is_quiet(one)}
        going = [one for one in group if one.id not in late]
        begun = await self.works.turn_over(going, owner=owner)
        await self.works.settle_not_begun([one for one in going if one.id not in begun], owner)
        await self._check_begun(begun)
        if begun:
            hand.begun.append((channel, begun))

    def _is_quiet(self, one: Claimed) -> bool:
        """Left to its lease: a worker that sees quiet hours puts it off, which the pump's own tests try."""
        now = self.works.clock.now()
        return self.works.decider.quiet_until(one, now) > now

    async def answer(self) -> None:
        hand = self.dice.choice(list(self.hands.values()))
        if hand.begun:
            _, begun = hand.begun.pop(self.dice.randrange(len(hand.begun)))
            await self.works.turn_over(finished={pair: self._some_answer() for pair in begun.items()})

    def _some_answer(self, *, sure: bool = True) -> Outcome:
        self.references += 1
        likely = Accepted(f"sid{self.references}")
        others: list[Outcome] = [Deferred(Reason.THROTTLED), Unclear("reset")]
        if sure:
            others.append(Rejected(self.dice.choice([Reason.BAD_ADDRESS, Reason.TOO_LONG, Reason.NO_SMS])))
        return likely if self.dice.random() < 0.75 else self.dice.choice(others)

    async def receipt(self) -> None:
        """About any attempt, however old; sometimes told twice."""
        rows = await self.works.rows(
            "SELECT t.id, d.channel FROM attempt t JOIN delivery d ON d.id = t.delivery_id"
        )
        if not rows:
            return
        row = self.dice.choice(rows)
        kinds = self.dice.choice(CALLS_ABOUT if row.channel == Channel.VOICE else TEXTS_ABOUT)
        for kind in kinds:
            told = self.works.receipt(row.id, kind, key=self.dice.choice("129"))
            await self.works.book.take([told] * self.dice.choice([1, 1, 2]))

    async def crash(self) -> None:
        self.hands[self.dice.choice(sorted(self.hands))] = Hand()

    async def compose(self) -> None:
        priority = self.dice.choice(list(Priority))
        if len(self.broadcasts) > 6:
            return
        made = await self.works.submit(
            priority, expires_in=LIFE[priority], who=self.works.officer, act_now=self.dice.random() < 0.7
        )
        if priority is Priority.EMERGENCY:
            await self.works.composer.approve(made, self.works.approver)
        self.broadcasts.append(made)

    async def voice(self) -> None:
        for one in await self.works.course.to_render(9):
            if self.dice.random() < 0.1:
                await self.works.course.render_failed(one.id, self.works.clock.now())
            else:
                await self.works.course.rendered(one.id, CLIPS)
        await self.works.fan_out(size=4)

    async def take_back(self) -> None:
        if self.broadcasts and self.dice.random() < 0.5:
            await self._try(self.works.composer.recall, self.dice.choice(self.broadcasts))

    async def resend(self) -> None:
        for broadcast in self.broadcasts:
            if await self._try(self.works.composer.resend_unheard, broadcast):
                self.resent[broadcast] = self.resent.get(broadcast, 0) + 1

    async def _try(self, ask: Callable[..., Awaitable[None]], broadcast: BroadcastId) -> bool:
        try:
            await ask(broadcast, self.works.officer)
        except CallerMistake:
            return False
        return True

    async def bar(self) -> None:
        endings, now = EndingQueries(self.works.office.database), self.works.clock.now()
        person = self.dice.choice(self.people)
        match self.dice.randrange(4):
            case 0:
                await endings.withdraw(person, list(Category), "paper", now)
            case 1:
                await endings.deceased(person, now)
            case 2:
                sql = "SELECT MAX(address_id) AS id FROM resident_address WHERE resident_id = :id"
                (row,) = await self.works.rows(sql, id=person)
                await endings.suppress(person, AddressId(row.id), now)
            case _:
                await self.works.write("UPDATE address SET dead_at = NULL, suppressed_at = NULL")

    async def come_to_rest(self) -> None:
        """Every worker dies and a sound one takes over, until nothing is due any more."""
        self.hands = {"w1": Hand(), "w2": Hand()}
        for carrier in self.works.carriers.values():
            carrier.knows = lambda message: Deferred(Reason.PROVIDER_ERROR)
        await self.voice()
        for _ in range(400):
            moment = await self.works.leases.next_moment()
            if moment is None:
                return
            self.works.clock.moment = max(self.works.clock.now() + timedelta(seconds=1), moment)
            await self.works.tick()
            for channel in Channel:
                for attempt in await self.works.hand_over(channel):
                    await self.works.receive(attempt, ReceiptKind.NO_ANSWER)
            await self.check()
        raise AssertionError(f"not at rest: {await self._moments()}")

    async def _moments(self) -> object:
        return [tuple(row) for row in await self.works.rows("SELECT id, state, deadline_at FROM reach")]

    # --- what must hold ---------------------------------------------------------------------------

    async def check(self) -> None:
        assert await self.works.health.lost_reaches() == [], self.log[-20:]
        assert await self.works.health.stuck_deliveries() == [], self.log[-20:]
        states = {state for _, state in await self.works.deliveries()}
        assert states <= set(DeliveryState)
        ringing = await self.works.rows(
            "SELECT address_id FROM delivery WHERE channel = 'voice'"
            " AND state IN ('sending','unconfirmed','sent') GROUP BY address_id HAVING COUNT(*) > 1"
        )
        assert ringing == [], self.log[-20:]
        await self._check_tries()

    async def _check_tries(self) -> None:
        for row in await self.works.rows(
            "SELECT broadcast_id, MIN(priority) AS priority, SUM(tries) AS n FROM delivery"
            " WHERE channel = 'voice' GROUP BY broadcast_id, address_id"
        ):
            most = MOST_CALLS[Priority(row.priority)] + self.resent.get(row.broadcast_id, 0)
            assert row.n <= most, self.log[-20:]

    async def _check_begun(self, begun: dict[DeliveryId, AttemptId]) -> None:
        """Nothing goes out for a broadcast that was taken back, to nobody, or to who must not be asked."""
        for delivery in begun:
            (row,) = await self.works.rows(
                "SELECT b.state, a.dead_at, a.suppressed_at, d.purpose, (SELECT COUNT(*) FROM delivery_reach l"
                " JOIN reach r ON r.id = l.reach_id JOIN resident p ON p.id = r.resident_id"
                " WHERE l.delivery_id = d.id AND r.state IN ('open', 'missed', 'heard')"
                " AND p.deceased_at IS NULL) AS serves"
                " FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id JOIN address a ON a.id = d.address_id"
                " WHERE d.id = :id",
                id=delivery,
            )
            assert row.state not in ("recalled", "expired", "cancelled")
            assert row.dead_at is None
            assert row.suppressed_at is None
            assert row.serves or row.purpose != "announcement"
