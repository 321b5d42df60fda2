"""The simulator as an ASGI application: at the root of its own process, or mounted under a prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from channels.simulator import call_life, chat_life, control, kakao_api, page, sms_life, twilio_rest
from channels.simulator.config import Config
from channels.simulator.exchange import Exchange
from channels.simulator.wire import AtWork

STATIC = Path(__file__).parent / "static"


def create(config: Config) -> FastAPI:
    """Twilio's and Kakao's interfaces, the control API and the page of handsets.

    Its state is `app.state.exchange`. A mounted app gets no start-up or shut-down event: it starts at the
    first request, and whoever mounts it holds `running(app)` open meanwhile, so that it is closed in order.
    """
    exchange = Exchange(config)
    app = FastAPI(
        title="Maeul simulator",
        lifespan=running,
        routes=[*twilio_rest.ROUTES, *kakao_api.ROUTES],
    )
    app.state.exchange = exchange
    app.include_router(control.router)
    app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(AtWork, exchange=exchange, start=start)
    return app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Open the simulator's file, take up what was under way, and close in order at the end."""
    exchange: Exchange = app.state.exchange
    await start(exchange)
    try:
        yield
    finally:
        await exchange.close()


async def start(exchange: Exchange) -> None:
    """Open once; what a former process left unfinished is brought to an end."""
    if await exchange.open():
        call_life.end_interrupted(exchange)
        sms_life.go_on(exchange)
        chat_life.fail_interrupted(exchange)
