"""The composition root: settings in, a working service out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import aiohttp
import orjson

from broadcast.adapters import Desk, Scripts, conversation, senders
from broadcast.compose import Composer
from broadcast.dispatch import Limits, Pump
from broadcast.escalate import Escalator
from broadcast.fan_out import FanOut
from broadcast.keeping import Finisher, Reaper
from broadcast.letters import Letters
from broadcast.links import Links
from broadcast.model import BroadcastId, Channel, Priority
from broadcast.outcomes import Decider
from broadcast.ports import Clock, Conversation, MediaStore, Sender
from broadcast.receipts import Applied, ReceiptBook
from broadcast.render import Renderer
from broadcast.settings import Settings
from broadcast.store.lock import only_server
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.course import CourseQueries
from broadcast.store.queries.dispatch import DispatchQueries
from broadcast.store.queries.escalate import EscalateQueries
from broadcast.store.queries.finishing import FinishQueries
from broadcast.store.queries.leases import LeaseQueries
from broadcast.store.queries.receipts import ReceiptQueries
from broadcast.store.signals import Signals
from broadcast.store.unit import Database
from broadcast.store.vault import Vault, derive
from broadcast.work import StopRequest
from voice.engines import engines
from voice.media import media_store
from voice.renditions import Studio
from voice.speak import Voices

CONNECTIONS = 1_000  # more than all pumps may use at once: nothing waits for a connection
INBOUND_SHARE = 0.25  # of the lines, kept for people calling back


class Alarm:
    """Wakes whatever works in this process, and tells the other processes that share the database."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Priority], None]] = []
        self.elsewhere: Callable[[Priority], None] | None = None

    def listen(self, listener: Callable[[Priority], None]) -> None:
        self._listeners.append(listener)

    def __call__(self, priority: Priority = Priority.ROUTINE) -> None:
        self.ring(priority)
        if self.elsewhere is not None:
            self.elsewhere(priority)

    def ring(self, priority: Priority) -> None:
        """In this process alone."""
        for listener in self._listeners:
            listener(priority)


@dataclass
class Maeul:
    """One composed service. Made by `opened`; `background` is put in by the scheduler."""

    settings: Settings
    public_url: str
    clock: Clock
    zone: ZoneInfo
    database: Database
    vault: Vault
    media: MediaStore
    studio: Studio
    links: Links
    senders: Mapping[str, Sender]
    pumps: Sequence[Pump]
    alarm: Alarm
    composer: Composer
    receipts: ReceiptBook
    renderer: Renderer
    conversation: Conversation
    fan_out: FanOut
    escalator: Escalator
    reaper: Reaper
    finisher: Finisher
    leases: LeaseQueries
    signals: Signals
    background: Callable[[], AbstractAsyncContextManager[None]] | None = None
    _asking: set[asyncio.Task[None]] = field(default_factory=set)

    def run_background(self) -> AbstractAsyncContextManager[None]:
        """The worker of this process; nothing where none was attached."""
        return nullcontext() if self.background is None else self.background()

    async def ask_to_stop(self, requests: Sequence[StopRequest]) -> None:
        """Ask the providers to end what they have under way; what came of it the final receipts tell."""
        by_provider = {pump.sender.name: pump for pump in self.pumps}
        await asyncio.gather(
            *(
                by_provider[one.provider].stop(one.reference)
                for one in requests
                if one.provider in by_provider
            )
        )

    def taken_back(self, broadcast_id: BroadcastId, stops: Sequence[StopRequest]) -> None:
        """Nothing more of this broadcast leaves any process; what rings is asked to stop."""
        self.halt(broadcast_id)
        self.signals.halt(broadcast_id)
        self.stop_soon(stops)

    def halt(self, broadcast_id: BroadcastId) -> None:
        for pump in self.pumps:
            pump.halt(broadcast_id)

    def stop_soon(self, stops: Sequence[StopRequest]) -> None:
        if stops:
            task = asyncio.create_task(self.ask_to_stop(stops))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    public_url: str,
    simulator_url: str = "",
    clock: Clock,
    limits: Limits | None = None,
) -> AsyncIterator[Maeul]:
    """A service over an already migrated database; closed at the end of the block. Raises CallerMistake.

    `public_url` and `simulator_url` are where this process serves, when the settings do not say.
    """
    settings.require_consistent()
    database = Database(settings.database, durable_calls=settings.durable_calls)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    http = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), json_serialize=_json, auto_decompress=True
    )
    studio: Studio | None = None
    signals: Signals | None = None
    try:
        with only_server(database):
            maeul = _compose(settings, database, http, public_url, simulator_url, clock, limits)
            studio = maeul.studio
            if database.is_sqlite:
                await maeul.leases.orphan(clock.now())  # whoever held them is dead: the lock says so
            signals = maeul.signals
            signals.start()
            yield maeul
    finally:
        if signals is not None:
            await signals.close()
        if studio is not None:
            await studio.close()
        await http.close()
        await database.close()


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _compose(
    settings: Settings,
    database: Database,
    http: aiohttp.ClientSession,
    public_url: str,
    simulator_url: str,
    clock: Clock,
    limits: Limits | None,
) -> Maeul:
    zone = ZoneInfo("Asia/Seoul")
    vault = settings.vault()
    public_url = (settings.public_url or public_url).rstrip("/")
    links = Links(derive(settings.secret(), "links"), public_url, clock)
    decider, letters, alarm = Decider(zone), Letters(links), Alarm()
    hot, leases = DispatchQueries(database, vault), LeaseQueries(database, vault)
    course = CourseQueries(database, vault)
    in_use = senders(settings, http, public_url, simulator_url)
    pumps = [_pump(sender, settings, hot, clock, decider, letters, limits) for sender in in_use.values()]
    media = media_store(settings.media)
    studio = Studio(Voices(engines(settings.engines)), media)
    scribe = Scripts()
    held: list[Maeul] = []

    def applied(one: Applied) -> None:
        held[0].stop_soon(one.stops)
        alarm(one.urgent if one.urgent is not None else Priority.ROUTINE)

    def taken_back(broadcast_id: BroadcastId, stops: Sequence[StopRequest]) -> None:
        held[0].taken_back(broadcast_id, stops)

    async def ask_to_stop(stops: Sequence[StopRequest]) -> None:
        await held[0].ask_to_stop(stops)

    receipts = ReceiptBook(ReceiptQueries(database, vault), clock, decider, applied)
    maeul = Maeul(
        settings=settings,
        public_url=public_url,
        clock=clock,
        zone=zone,
        database=database,
        vault=vault,
        media=media,
        studio=studio,
        links=links,
        senders=in_use,
        pumps=pumps,
        alarm=alarm,
        composer=Composer(ComposeQueries(database), clock, scribe, alarm, taken_back),
        receipts=receipts,
        renderer=Renderer(course, clock, Desk(studio), scribe, alarm),
        conversation=conversation(database, vault, clock, links, ask_to_stop),
        fan_out=FanOut(course, clock, zone, alarm),
        escalator=Escalator(EscalateQueries(database, vault), clock, zone),
        reaper=Reaper(leases, hot, clock, decider, in_use, letters.compose, receipts.take),
        finisher=Finisher(FinishQueries(database, vault), clock, zone, taken_back),
        leases=leases,
        signals=Signals(database, alarm.ring, lambda broadcast_id: held[0].halt(broadcast_id)),
    )
    alarm.elsewhere = maeul.signals.wake
    held.append(maeul)
    return maeul


def _pump(
    sender: Sender,
    settings: Settings,
    hot: DispatchQueries,
    clock: Clock,
    decider: Decider,
    letters: Letters,
    limits: Limits | None,
) -> Pump:
    chosen = limits or Limits(lease=timedelta(seconds=settings.lease_seconds))
    if sender.channel is Channel.VOICE:
        chosen = replace(chosen, lines=max(int(settings.lines * (1 - INBOUND_SHARE)), 1))
    owner = f"{socket.gethostname()}:{os.getpid()}"
    return Pump(sender, hot, clock, decider, letters.compose, owner, chosen)
