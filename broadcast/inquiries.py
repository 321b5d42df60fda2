"""Asks providers what became of hand-overs: look-ups of what is unconfirmed, results that are told only when asked.

Apart from the ticks, because a provider that hangs must not hold up an emergency's fan-out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from broadcast.model import (
    Accepted,
    DeliveryId,
    DeliveryState,
    Outcome,
    Priority,
    Receipt,
    Unclear,
)
from broadcast.outcomes import Decider
from broadcast.ports import Clock, LooksUp, Polled, Sender, Stoppable
from broadcast.wire import Compose
from broadcast.work import (
    AttemptFacts,
    Change,
    DeliveryFacts,
    Finished,
    OpenAttempt,
    StopRequest,
    TurnedOver,
    UnsettledAttempt,
)

log = logging.getLogger(__name__)

AT_ONCE = 20


class InquiryStore(Protocol):
    async def change(
        self, ids: Sequence[DeliveryId], now: datetime, decide: Callable[[DeliveryFacts], Change | None]
    ) -> None: ...

    async def unsettled(self, ids: Sequence[DeliveryId]) -> list[UnsettledAttempt]: ...


class WriteBack(Protocol):
    async def turn_over(
        self,
        finished: Sequence[Finished],
        group: Sequence[DeliveryId],
        *,
        provider: str,
        owner: str,
        now: datetime,
        lease: timedelta,
        lane: Priority,
        decide: Callable[
            [DeliveryFacts, AttemptFacts, Finished, datetime], tuple[Change | None, AttemptFacts]
        ],
    ) -> TurnedOver: ...


class Inquiries:
    """Questions to providers: a tick notes them, a loop of its own asks them."""

    def __init__(
        self,
        store: InquiryStore,
        write_back: WriteBack,
        clock: Clock,
        decider: Decider,
        senders: Mapping[str, Sender],
        compose: Compose,
        take: Callable[[Sequence[Receipt]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._write_back = write_back
        self._clock = clock
        self._decider = decider
        self._senders = senders
        self._compose = compose
        self._take = take
        self._unconfirmed: set[DeliveryId] = set()
        self._unheard_of: dict[tuple[str, str], OpenAttempt] = {}
        self._noted = asyncio.Event()

    def is_polled(self, provider: str) -> bool:
        return isinstance(self._senders.get(provider), Polled)

    def note(self, unconfirmed: Sequence[DeliveryId], unheard_of: Sequence[OpenAttempt]) -> None:
        """Ask about these soon; once for a reference that covers many."""
        self._unconfirmed.update(unconfirmed)
        self._unheard_of.update({(one.provider, one.reference): one for one in unheard_of})
        if self._unconfirmed or self._unheard_of:
            self._noted.set()

    async def wait(self) -> None:
        """Return when there is something to ask."""
        await self._noted.wait()

    async def ask_noted(self) -> None:
        """Ask about all that is noted now. What goes wrong is asked again when its lease runs out."""
        self._noted.clear()
        unconfirmed, self._unconfirmed = sorted(self._unconfirmed), set()
        unheard_of, self._unheard_of = list(self._unheard_of.values()), {}
        with self._clock.working():
            for start in range(0, len(unheard_of), AT_ONCE):
                await asyncio.gather(*map(self._poll, unheard_of[start : start + AT_ONCE]))
            if unconfirmed:
                await self._settle(unconfirmed)

    async def _poll(self, one: OpenAttempt) -> None:
        sender = self._senders.get(one.provider)
        if not isinstance(sender, Polled):
            return
        try:
            await self._take(await sender.poll(one.reference))
        except Exception:
            log.exception("poll_failed", extra={"provider": one.provider, "attempt": one.attempt_id})

    # --- look-ups ---------------------------------------------------------------------------------

    async def _settle(self, ids: Sequence[DeliveryId]) -> None:
        """Who cannot be asked goes on without: an emergency is sent again, else the next rung has its turn."""
        by_address: dict[tuple[str, int], list[UnsettledAttempt]] = defaultdict(list)
        unaskable: list[DeliveryId] = []
        for one in await self._store.unsettled(ids):
            if isinstance(self._senders.get(one.provider), LooksUp):
                by_address[one.provider, one.claimed.address_id].append(one)
            else:
                unaskable.append(one.claimed.id)
        groups = list(by_address.values())
        for start in range(0, len(groups), AT_ONCE):
            answers = await asyncio.gather(*map(self._look_up_each, groups[start : start + AT_ONCE]))
            await self._write([finished for answer in answers for finished in answer])

        def decide(facts: DeliveryFacts) -> Change | None:
            is_open = facts.state is DeliveryState.UNCONFIRMED
            return self._decider.cannot_look_up(facts) if is_open else None

        await self._store.change(unaskable, self._clock.now(), decide)

    async def _look_up_each(self, attempts: Sequence[UnsettledAttempt]) -> list[Finished]:
        """Attempts to one address in turn: what is found for one is not another's."""
        finished: list[Finished] = []
        given: tuple[str, ...] = ()
        for one in sorted(attempts, key=lambda one: one.begun_at):
            outcome = await self._look_up(one, given)
            if isinstance(outcome, Accepted):
                given = (*given, outcome.reference)
            finished.append(Finished(one.claimed.id, one.attempt_id, outcome))
        return finished

    async def _look_up(self, one: UnsettledAttempt, given: tuple[str, ...]) -> Outcome:
        sender = self._senders[one.provider]
        assert isinstance(sender, LooksUp)
        try:
            message = self._compose(one.claimed, one.attempt_id, one.begun_at)
            return await sender.look_up(replace(message, taken=(*one.taken, *given)))
        except Exception as error:
            log.exception("look_up_failed", extra={"provider": one.provider, "attempt": one.attempt_id})
            return Unclear(type(error).__name__)

    async def _write(self, finished: Sequence[Finished]) -> None:
        turned = await self._write_back.turn_over(
            finished,
            [],
            provider="",
            owner="",
            now=self._clock.now(),
            lease=timedelta(0),
            lane=Priority.URGENT,
            decide=self._decider.outcome,
        )
        for stop in turned.stops:
            await self._stop(stop)

    async def _stop(self, stop: StopRequest) -> None:
        """It was taken back while nobody knew its reference."""
        sender = self._senders.get(stop.provider)
        if isinstance(sender, Stoppable):
            with suppress(Exception):
                await sender.stop(stop.reference)
