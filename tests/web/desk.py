"""A served office: the real app on loopback, the real queries and use cases, a client, and rows of a fan-out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import uvicorn
from yarl import URL

from broadcast.adapters import Desk as VoiceDesk
from broadcast.adapters import Scripts
from broadcast.compose import Composer
from broadcast.links import Links
from broadcast.model import (
    AccountId,
    AttemptId,
    BroadcastId,
    Role,
)
from broadcast.outcomes import Decider
from broadcast.ports import CallTurn, ChatInput, ChatReply, Sender
from broadcast.receipts import ReceiptBook
from broadcast.render import Renderer
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.course import CourseQueries
from broadcast.store.queries.receipts import ReceiptQueries
from broadcast.store.unit import Database, fetch
from broadcast.store.vault import Vault
from broadcast.work import StopRequest
from tests import builders
from tests.builders import VILLAGE, Office, Reached, StillClock, a_token, a_village, an_account
from voice.engines import engines
from voice.media import FolderMedia
from voice.renditions import Studio
from voice.speak import Voices
from web.app import create

API = "/api/v1"
TEXT = "내일 오전 9시부터 단수됩니다. 물을 받아 두세요."


class Silence:
    """Nobody is talking to us in these tests."""

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        return CallTurn()

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        return None


@dataclass
class Maeul:
    """What `web.context.Maeul` asks for, composed of real parts."""

    database: Database
    vault: Vault
    clock: StillClock
    media: FolderMedia
    public_url: str
    senders: dict[str, Sender] = field(default_factory=dict)
    conversation: Silence = field(default_factory=Silence)
    stopped: list[StopRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        decider = Decider(ZoneInfo("Asia/Seoul"))
        self.links = Links(b"k" * 32, self.public_url, self.clock)
        store = ReceiptQueries(self.database, self.vault)
        self.receipts = ReceiptBook(store, self.clock, decider, lambda _applied: None)
        self.composer = Composer(
            ComposeQueries(self.database), self.clock, Scripts(), lambda _: None, lambda _id, _stops: None
        )

    @cached_property
    def studio(self) -> Studio:
        """Made only for a test that wants to hear something."""
        return Studio(Voices(engines(["espeak"])), self.media)

    @cached_property
    def renderer(self) -> Renderer:
        course = CourseQueries(self.database, self.vault)
        return Renderer(course, self.clock, VoiceDesk(self.studio), Scripts(), lambda _: None)

    async def close(self) -> None:
        if "studio" in vars(self):
            await self.studio.close()
        await self.database.close()

    async def ask_to_stop(self, requests: Sequence[StopRequest]) -> None:
        self.stopped += requests

    def run_background(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()


@dataclass
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any

    @property
    def fields(self) -> list[str]:
        return [error["field"] for error in self.json.get("errors", [])]


@dataclass
class Served:
    maeul: Maeul
    office: Office
    url: str
    http: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str | URL, token: str | None = None, *, language: str = "ko", **more: Any
    ) -> Answer:
        headers = {"Accept-Language": language, **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path if isinstance(path, URL) or path.startswith("http") else self.url + path
        async with self.http.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            body = await answer.read()
            is_json = answer.content_type.endswith("json")
            return Answer(
                answer.status, answer.headers, body, await answer.json(content_type=None) if is_json else None
            )


@asynccontextmanager
async def serve_office(database_url: str, media: Path) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        database = Database(database_url)
        office = Office(database)
        maeul = Maeul(database, office.vault, office.clock, FolderMedia(media), url)
        server = uvicorn.Server(uvicorn.Config(create(maeul), log_config=None, lifespan="on"))
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]  # Ctrl-C belongs to pytest
        serving = asyncio.create_task(server.serve([listening]))
        try:
            async with aiohttp.ClientSession() as http:
                yield Served(maeul, office, url, http)
        finally:
            server.should_exit = True
            await serving
            await maeul.close()


@dataclass
class Village:
    """A village, its head's account and token, and a token of the county office."""

    served: Served
    head: AccountId
    token: str
    county_token: str

    @classmethod
    async def settled(cls, served: Served) -> Village:
        office = served.office
        await a_village(office)
        head = await an_account(office, "샘골리 이장", Role.HEAD)
        county = await an_account(office, "군청", Role.COUNTY, village=None)
        return cls(served, head, await a_token(office, head), await a_token(office, county))

    async def submit(self, token: str | None = None, /, **body: object) -> Answer:
        said = {"text": TEXT, "villages": [VILLAGE], **body}
        return await self.served.ask("POST", f"{API}/broadcasts", token or self.token, json=said)

    async def token_of(self, role: Role, **more: Any) -> str:
        more.setdefault("village", None)
        return await a_token(
            self.served.office, await an_account(self.served.office, str(role), role, **more)
        )


async def count(database: Database, table: str) -> int:
    async with database.read() as connection:
        return int((await fetch(connection, f"SELECT count(*) AS n FROM {table}"))[0].n)


async def a_reach(village: Village, broadcast_id: int, **more: Any) -> Reached:
    return await builders.a_reach(village.served.office, BroadcastId(broadcast_id), **more)
