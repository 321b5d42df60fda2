"""The core's ports over channels, voice and conversations: what `wiring` plugs in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from pydantic import SecretStr

from broadcast.chat_in.village import VillageChat
from broadcast.links import Links
from broadcast.model import AttemptId
from broadcast.people.residents import People
from broadcast.phone_in.outbound import OutboundCalls
from broadcast.ports import CallTurn, ChatInput, ChatReply, ClipInfo, Clock, Sender
from broadcast.settings import Settings
from broadcast.store.queries.conversations import ConversationQueries
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.unit import Database
from broadcast.store.vault import Vault
from broadcast.work import StopRequest
from channels import registry
from channels._twilio import TwilioSettings
from channels.kakao import KakaoSettings
from channels.simulator import credentials
from voice import script as scripts
from voice.renditions import Studio
from voice.shelf import media_key

SLOW = 0.8
SIMULATED = ("twilio_voice", "twilio_sms", "kakao")


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


class Talks:
    """The Conversation port: outbound calls and the village's chat."""

    def __init__(self, calls: OutboundCalls, chat: VillageChat) -> None:
        self._calls = calls
        self._chat = chat

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        return await self._calls.call_turn(attempt_id, step, key)

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        return await self._chat.chat_turn(said)


def conversation(
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


def senders(
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
