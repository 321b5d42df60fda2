"""Runs the service in this process: the web, the worker and, if asked, the simulated carriers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from broadcast.errors import Conflict
from broadcast.ports import Clock
from broadcast.settings import Settings
from broadcast.store import migrate
from broadcast.wiring import Maeul, opened
from channels.simulator import app as simulator
from channels.simulator.config import Config
from channels.simulator.handsets import Handset, Preset
from scheduler.worker import attach
from web.app import create

GRACE_S = 25  # what is on the wire is written back within this


@dataclass(frozen=True, slots=True)
class Simulated:
    """How the mounted simulator's handsets behave."""

    preset: Preset = "county"
    handsets: Mapping[str, Handset] | None = None
    seed: int = 20261123


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    maeul: Maeul
    url: str
    server: uvicorn.Server
    simulator: FastAPI | None = None


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known (0 chooses one) and a taken one is said clearly."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Conflict(
            f"Port {port} on {host} cannot be opened ({error.strerror}); choose another with --port.",
            f"{host}의 {port} 포트를 열 수 없습니다. --port로 다른 번호를 고르세요.",
        ) from None
    return listening


@asynccontextmanager
async def serving(
    settings: Settings,
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    simulated: Simulated | None = None,
    worker: bool = True,
) -> AsyncIterator[Served]:
    """Migrate, open and serve until the block ends. Raises CallerMistake."""
    await asyncio.to_thread(settings.make_room)
    await migrate.upgrade(settings.database)
    listening = bound(host, port)
    own = f"http://{_shown(host)}:{listening.getsockname()[1]}"
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        maeul = await stack.enter_async_context(
            opened(settings, public_url=own, simulator_url=f"{own}/simulator", clock=clock)
        )
        if worker:
            attach(maeul)
        app = create(maeul, worker=worker)
        mounted = await _mount(stack, app, maeul, own, simulated)
        server = uvicorn.Server(configured(app))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        stack.push_async_callback(_stopped, server, running)
        while not server.started and not running.done():  # noqa: ASYNC110  (uvicorn offers no event)
            await asyncio.sleep(0.01)
        yield Served(maeul, own, server, mounted)


def configured(app: FastAPI) -> uvicorn.Config:
    """No access log: paths may hold what must not be logged. No Date: the simulator's own clock says it."""
    return uvicorn.Config(
        app,
        access_log=False,
        date_header=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
        http="httptools",
    )


async def _mount(
    stack: AsyncExitStack, app: FastAPI, maeul: Maeul, own: str, simulated: Simulated | None
) -> FastAPI | None:
    if simulated is None:
        return None
    if not maeul.settings.is_simulated:
        raise Conflict(
            "The simulator is refused: MAEUL_CARRIERS names real carriers.",
            "MAEUL_CARRIERS에 실제 통신사가 있어 시뮬레이터를 켤 수 없습니다.",
        )
    described = Config.for_service(own, clock=maeul.clock)
    described = Config(
        skill_url=described.skill_url,
        voice_url=described.voice_url,
        sms_url=described.sms_url,
        clock=maeul.clock,
        seed=simulated.seed,
        preset=simulated.preset,
        handsets=simulated.handsets or {},
    )
    mounted = simulator.create(described)
    await stack.enter_async_context(simulator.running(mounted))
    app.mount("/simulator", mounted)
    return mounted


async def _stopped(server: uvicorn.Server, running: asyncio.Task[None]) -> None:
    server.should_exit = True
    await running


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
