"""The composition root: settings in, a working service out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import aiohttp
import orjson
from pydantic import SecretStr

from broadcast.chat_in.village import VillageChat
from broadcast.compose import Composer
from broadcast.dispatch import Limits, Pump
from broadcast.escalate import Escalator
from broadcast.fan_out import FanOut
from broadcast.keeping import Finisher, Reaper
from broadcast.letters import Letters
from broadcast.links import Links
from broadcast.model import AttemptId, BroadcastId, Channel, Priority
from broadcast.outcomes import Decider
from broadcast.people.residents import People
from broadcast.phone_in.outbound import OutboundCalls
from broadcast.ports import CallTurn, ChatInput, ChatReply, ClipInfo, Clock, Conversation, MediaStore, Sender
from broadcast.receipts import Applied, ReceiptBook
from broadcast.render import Renderer
from broadcast.settings import Settings
from broadcast.store.lock import only_server
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.conversations import ConversationQueries
from broadcast.store.queries.course import CourseQueries
from broadcast.store.queries.dispatch import DispatchQueries
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.escalate import EscalateQueries
from broadcast.store.queries.leases import LeaseQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.queries.receipts import ReceiptQueries
from broadcast.store.unit import Database
from broadcast.store.vault import Vault, derive
from broadcast.work import StopRequest
from channels import registry
from channels._twilio import TwilioSettings
from channels.kakao import KakaoSettings
from channels.simulator import credentials
from voice import script as scripts
from voice.engines import engines
from voice.media import media_store
from voice.renditions import Studio
from voice.shelf import media_key
from voice.speak import Voices

SLOW = 0.8
CONNECTIONS = 100
SIMULATED = ("twilio_voice", "twilio_sms", "kakao")
INBOUND_SHARE = 0.25  # of the lines, kept for people calling back


class Alarm:
    """Wakes whatever works in this process; workers and pumps put themselves on the list."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Priority], None]] = []

    def listen(self, listener: Callable[[Priority], None]) -> None:
        self._listeners.append(listener)

    def __call__(self, priority: Priority = Priority.ROUTINE) -> None:
        for listener in self._listeners:
            listener(priority)


class Scripts:
    """The Scribe port over `voice.script`."""

    def script(self, text: str, language: str) -> str:
        return scripts.prepare(text, language=language).text


class Desk:
    """The VoiceDesk port over the studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def speak(self, script: str, *, language: str, slow: bool = False) -> ClipInfo:
        made = await self._studio.from_script(script, language=language, speed=SLOW if slow else 1.0)
        return ClipInfo(made.hash, made.seconds, made.engine)

    async def recording(self, key: str) -> ClipInfo:
        made = await self._studio.from_recording(key)
        return ClipInfo(made.hash, made.seconds, made.engine)


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
        """Nothing more of this broadcast leaves the process; what rings is asked to stop."""
        for pump in self.pumps:
            pump.halt(broadcast_id)
        self.stop_soon(stops)

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
    try:
        with only_server(database):
            maeul = _compose(settings, database, http, public_url, simulator_url, clock, limits)
            studio = maeul.studio
            if database.is_sqlite:
                await maeul.leases.orphan(clock.now())  # whoever held them is dead: the lock says so
            yield maeul
    finally:
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
    ladder = EscalateQueries(database, vault)
    course = CourseQueries(database, vault, ladder)
    senders = _senders(settings, http, public_url, simulator_url)
    pumps = [_pump(sender, settings, hot, clock, decider, letters, limits) for sender in senders.values()]
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
        senders=senders,
        pumps=pumps,
        alarm=alarm,
        composer=Composer(ComposeQueries(database), clock, scribe, alarm, taken_back),
        receipts=receipts,
        renderer=Renderer(course, clock, Desk(studio), scribe, alarm),
        conversation=_conversation(database, vault, clock, links, ask_to_stop),
        fan_out=FanOut(course, clock, zone, alarm),
        escalator=Escalator(ladder, clock, zone),
        reaper=Reaper(leases, hot, clock, decider, senders, letters.compose, receipts.take),
        finisher=Finisher(course, clock, zone, taken_back),
        leases=leases,
    )
    held.append(maeul)
    return maeul


class Talks:
    """The Conversation port: outbound calls and the village's chat."""

    def __init__(self, calls: OutboundCalls, chat: VillageChat) -> None:
        self._calls = calls
        self._chat = chat

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        return await self._calls.call_turn(attempt_id, step, key)

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        return await self._chat.chat_turn(said)


def _conversation(
    database: Database,
    vault: Vault,
    clock: Clock,
    links: Links,
    ask_to_stop: Callable[[Sequence[StopRequest]], Awaitable[None]],
) -> Talks:
    store = ConversationQueries(database, vault)
    people = People(PeopleQueries(database, vault), EndingQueries(database), clock, ask_to_stop)
    return Talks(
        OutboundCalls(store, clock, links, lambda name: media_key(name, "telephone")),
        VillageChat(store, people, clock, links),
    )


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


def _senders(
    settings: Settings, http: aiohttp.ClientSession, public_url: str, simulator_url: str
) -> dict[str, Sender]:
    """The adapters in use; the simulator's are the real ones, pointed at the simulator."""
    if not settings.is_simulated:
        return {n: registry.build(n, http=http, public_url=public_url) for n in settings.adapters}
    base = (settings.simulator_url or simulator_url or "http://127.0.0.1:8001").rstrip("/")
    twilio = TwilioSettings(
        account_sid=credentials.SIMULATOR_ACCOUNT_SID,
        auth_token=SecretStr(credentials.SIMULATOR_AUTH_TOKEN),
        caller="+82310000000",
        api_base_url=base,
    )
    kakao = KakaoSettings(
        bot_id=credentials.SIMULATOR_BOT_ID,
        rest_key=SecretStr(credentials.SIMULATOR_KAKAO_KEY),
        skill_secret=SecretStr(credentials.SIMULATOR_SKILL_SECRET),
        api_base_url=base,
    )
    chosen = {"kakao": kakao}
    return {
        n: registry.build(n, http=http, public_url=public_url, settings=chosen.get(n, twilio))
        for n in SIMULATED
    }
