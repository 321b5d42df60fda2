"""Runs the service in this process: the web, the worker and, if asked, the simulated carriers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from broadcast.errors import Conflict
from broadcast.ports import Clock
from broadcast.settings import Settings
from broadcast.wiring import Maeul, opened
from channels.simulator import app as simulator
from channels.simulator.config import Config
from channels.simulator.handsets import Handset, Preset
from maeul.store import prepare
from scheduler.worker import attach
from web.app import create

GRACE_S = 5  # for requests under way; what is on the wire to providers has been waited for before
WAITING = 2048  # connections that the system holds until they are taken up


@dataclass(frozen=True, slots=True)
class Simulated:
    """How the mounted simulator's handsets behave; `database` None keeps calls and messages in memory."""

    preset: Preset = "county"
    handsets: Mapping[str, Handset] | None = None
    seed: int = 20261123
    database: Path | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    maeul: Maeul
    url: str
    server: uvicorn.Server
    running: asyncio.Task[None]
    simulator: FastAPI | None = None


class Server(uvicorn.Server):
    """Leaves signals alone: uvicorn would raise them again at its end, before all is written back."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known (0 chooses one) and a taken one is said clearly."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(WAITING)
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
    """Migrate, open and serve until the block ends. Raises CallerMistake and NotConfigured.

    At the end the worker stops first, while callbacks are still answered, then the web, then the store.
    """
    await prepare(settings)
    listening = bound(host, port)
    own = web_address(host, listening)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        if simulated is not None:
            settings = _simulated_at(f"{own}/simulator", settings)
        maeul = await stack.enter_async_context(opened(settings, public_url=own, clock=clock))
        if worker:
            attach(maeul)
        app = create(maeul, worker=False)
        mounted = await _mount(stack, app, maeul, own, simulated)
        server, running = await stack.enter_async_context(listened(app, listening))
        if worker:
            await stack.enter_async_context(maeul.run_background())
        yield Served(maeul, own, server, running, mounted)


@asynccontextmanager
async def listened(
    app: FastAPI, listening: socket.socket
) -> AsyncIterator[tuple[uvicorn.Server, asyncio.Task[None]]]:
    """Answer requests from this socket until the block ends."""
    server = Server(configured(app))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not running.done():  # noqa: ASYNC110  (uvicorn offers no event)
        await asyncio.sleep(0.01)
    try:
        yield server, running
    finally:
        server.should_exit = True
        await running


def configured(app: FastAPI) -> uvicorn.Config:
    """No access log: paths may hold what must not be logged. No Date: the simulator's own clock says it."""
    return uvicorn.Config(
        app,
        access_log=False,
        date_header=False,
        server_header=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        http="httptools",
    )


def _simulated_at(url: str, settings: Settings) -> Settings:
    if not settings.is_simulated:
        raise Conflict(
            "The simulator is refused: MAEUL_CARRIERS names real carriers.",
            "MAEUL_CARRIERS에 실제 통신사가 있어 시뮬레이터를 켤 수 없습니다.",
        )
    return settings.model_copy(update={"simulator_url": url})


async def _mount(
    stack: AsyncExitStack, app: FastAPI, maeul: Maeul, own: str, simulated: Simulated | None
) -> FastAPI | None:
    if simulated is None:
        return None
    described = replace(
        Config.for_service(own, database=simulated.database, clock=maeul.clock),
        seed=simulated.seed,
        preset=simulated.preset,
        handsets=simulated.handsets or {},
    )
    mounted = simulator.create(described)
    await stack.enter_async_context(simulator.running(mounted))
    app.mount("/simulator", mounted)
    return mounted


def web_address(host: str, listening: socket.socket) -> str:
    """Where a browser on this machine finds what listens here."""
    return f"http://{_shown(host)}:{listening.getsockname()[1]}"


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
