"""The simulator behind a real server, a client that speaks to it, and the office that it reports to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

import aiohttp
import uvicorn
from aiohttp import web
from fastapi import FastAPI

from channels.simulator.app import create
from channels.simulator.config import Config
from channels.simulator.credentials import SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN, SIMULATOR_KAKAO_KEY
from tests.channels.simulator.clock import JumpingClock
from tests.channels.simulator.office import Office, free_socket

ANNA = "+821000000001"
CALLER = "+82310000000"
USER = "a" * 60
ACCOUNT = f"/2010-04-01/Accounts/{SIMULATOR_ACCOUNT_SID}"
AUTH = aiohttp.encode_basic_auth(SIMULATOR_ACCOUNT_SID, SIMULATOR_AUTH_TOKEN)

Json = dict[str, object]


@dataclass
class Answer:
    status: int
    body: Json
    headers: Mapping[str, str]


@dataclass
class Stage:
    base: str
    clock: JumpingClock
    office: Office
    http: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, *, form: Mapping[str, object] | None = None, json: object = None,
        auth: str = AUTH, headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """One request; the clock stands still meanwhile, as it does for our service's own requests."""
        body = urlencode(form, doseq=True) if form is not None else None
        extra = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        if auth and not path.startswith(("/control", "/v")):
            extra["Authorization"] = auth
        with self.clock.working():
            async with self.http.request(
                method, self.base + path, data=body, json=json, headers={**extra, **(headers or {})},
            ) as reply:  # fmt: skip
                is_json = reply.content_type == "application/json"
                return Answer(reply.status, await reply.json() if is_json else {}, reply.headers)

    async def call(self, to: str = ANNA, **changes: object) -> Answer:
        hooks = f"{self.office.base}/hooks/voice"
        form: dict[str, object] = {
            "To": to,
            "From": CALLER,
            "Url": f"{hooks}/turn/7",
            "StatusCallback": f"{hooks}/status/7",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            "Timeout": "40",
            "MachineDetection": "Enable",
            "AsyncAmd": "true",
            "AsyncAmdStatusCallback": f"{hooks}/amd/7",
        }
        return await self.ask("POST", f"{ACCOUNT}/Calls.json", form={**form, **changes})

    async def text(self, to: str = ANNA, body: str = "내일 단수") -> Answer:
        form = {
            "To": to,
            "From": CALLER,
            "Body": body,
            "StatusCallback": f"{self.office.base}/hooks/sms/status/8",
        }
        return await self.ask("POST", f"{ACCOUNT}/Messages.json", form=form)

    async def push(self, *users: str, key: str = SIMULATOR_KAKAO_KEY) -> Answer:
        people = [{"type": "botUserKey", "id": user, "properties": {"attemptId": "7"}} for user in users]
        body = {"event": {"name": "village_broadcast"}, "user": people, "params": {"broadcastId": "1"}}
        return await self.ask(
            "POST", "/v2/bots/bot/talk", json=body, headers={"Authorization": f"KakaoAK {key}"}
        )

    async def result(self, task: object) -> Json:
        headers = {"Authorization": f"KakaoAK {SIMULATOR_KAKAO_KEY}"}
        return (await self.ask("GET", f"/v1/tasks/{task}", headers=headers)).body

    async def behaves(self, address: str, **handset: object) -> None:
        answer = await self.ask("PUT", f"/control/handsets/{address}", json=handset)
        assert answer.status == 200, answer.body

    async def act(self, address: str, what: str, **body: object) -> Answer:
        return await self.ask("POST", f"/control/handsets/{address}/{what}", json=body)

    async def carrier(self, **settings: object) -> None:
        assert (await self.ask("PUT", "/control/carrier", json=settings)).status == 200

    async def witnessed(self, *, every: bool = False) -> list[Json]:
        answer = await self.ask("GET", f"/control/log?every={str(every).lower()}")
        return cast(list[Json], answer.body["entries"])

    async def calls(self, to: str = ANNA) -> list[Json]:
        query = urlencode({"to": to})
        return cast(list[Json], (await self.ask("GET", f"/control/calls?{query}")).body["calls"])


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The application behind uvicorn in this loop; its base URL."""
    bound = free_socket()
    config = uvicorn.Config(app, log_level="warning", access_log=False, date_header=False, lifespan="on")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        # What uvicorn's own shutdown() does, without its tenth of a second for lingering clients.
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.lifespan.shutdown()
        bound.close()


@asynccontextmanager
async def office_open(token: str) -> AsyncIterator[Office]:
    office, bound = Office(token), free_socket()
    runner = web.AppRunner(office.app())
    await runner.setup()
    await web.SockSite(runner, bound).start()
    office.base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    office.shows_card()
    try:
        yield office
    finally:
        await runner.cleanup()
        bound.close()


@asynccontextmanager
async def on_stage(**changes: object) -> AsyncIterator[Stage]:
    """All of it; `changes` are fields of the simulator's Config."""
    async with AsyncExitStack() as stack:
        clock = JumpingClock()
        office = await stack.enter_async_context(office_open(SIMULATOR_AUTH_TOKEN))
        hooks = {
            "skill_url": f"{office.base}/skill",
            "voice_url": f"{office.base}/hooks/voice/turn/7",
            "sms_url": f"{office.base}/hooks/sms/status/8",
        }
        config = Config(clock=clock, **{**hooks, **changes})  # type: ignore[arg-type] # fields of Config
        base = await stack.enter_async_context(served(create(config)))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Stage(base, clock, office, http)
