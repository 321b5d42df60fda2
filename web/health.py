"""Whether the service lives, whether it is ready, and figures for Prometheus."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from broadcast.model import DeliveryState, ReachState
from broadcast.store import migrate
from broadcast.store.unit import fetch
from web.armour import report
from web.context import Desk, desk

router = APIRouter(include_in_schema=False)

PATIENCE_S = 5.0
PROBE = "health/probe.txt"
METRICS_KEPT_S = 5.0


class NotReady(Exception):
    """What is missing, in words for the operator."""


@router.get("/healthz")
async def alive() -> Response:
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """503 only for the database, its schema and the media store; the rest is listed as warnings."""
    here = desk(request)
    checks = {"database": _database, "schema": _schema, "media": _media}
    found = {name: await _outcome(check, here) for name, check in checks.items()}
    is_ready = all(outcome == "ok" for outcome in found.values())
    answer: dict[str, Any] = {
        "status": "ready" if is_ready else "not ready",
        "checks": found,
        "warnings": await _warnings(here) if found["schema"] == "ok" else [],
        "voice": [{"engine": one.name, "state": one.state} for one in here.maeul.studio.voices.health()],
    }
    return JSONResponse(answer, 200 if is_ready else 503, {"Cache-Control": "no-store"})


async def _outcome(check: Callable[[Desk], Awaitable[None]], here: Desk) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await check(here)
    except NotReady as missing:
        return str(missing)
    except TimeoutError:
        return f"no answer within {PATIENCE_S:.0f} s"
    except Exception as error:  # noqa: BLE001  # whatever a driver raises means: not ready
        return f"failed, logged as {report(error)}"
    return "ok"


async def _database(here: Desk) -> None:
    async with here.maeul.database.read() as connection:
        await fetch(connection, "SELECT 1")


newest = functools.cache(migrate.newest)


async def _schema(here: Desk) -> None:
    wanted = await asyncio.to_thread(newest)
    async with here.maeul.database.read() as connection:
        present = await connection.run_sync(migrate.present)
    if present != wanted:
        raise NotReady(f"is at {present or 'nothing'}, not {wanted}: run maeul db upgrade")


async def _media(here: Desk) -> None:
    await here.maeul.media.put(PROBE, b"ok", "text/plain")
    if await here.maeul.media.get(PROBE) != b"ok":
        raise NotReady("gives back other bytes than it was given")


async def _warnings(here: Desk) -> list[str]:
    found = []
    if not here.maeul.senders:
        found.append("no carrier is configured: nobody can be reached")
    host = urlsplit(here.maeul.public_url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        found.append("MAEUL_PUBLIC_URL is this machine: outside carriers cannot call back")
    async with here.maeul.database.read() as connection:
        rows = await fetch(connection, "SELECT callback_number FROM county WHERE callback_number <> ''")
    if not rows:
        found.append("the county has no number that residents can call back")
    found += here.maeul.studio.voices.warnings()
    return found


# --- metrics ----------------------------------------------------------------------------------


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Counted at most every few seconds, however often it is asked for."""
    kept: tuple[float, str] | None = getattr(request.app.state, "metrics", None)
    if kept is None or monotonic() - kept[0] > METRICS_KEPT_S:
        kept = request.app.state.metrics = (monotonic(), await _figures(desk(request)))
    return Response(kept[1], media_type="text/plain; version=0.0.4; charset=utf-8")


async def _figures(here: Desk) -> str:
    by_channel, reaches = await here.deliveries.counts()
    channels = sorted({channel for channel, _ in by_channel})
    lines = ["# HELP maeul_deliveries Deliveries by channel and state.", "# TYPE maeul_deliveries gauge"]
    lines += [
        f'maeul_deliveries{{channel="{channel}",state="{state}"}} {by_channel.get((channel, state), 0)}'
        for channel in channels
        for state in DeliveryState
    ]
    lines += ["# HELP maeul_reaches Residents of broadcasts by state.", "# TYPE maeul_reaches gauge"]
    lines += [f'maeul_reaches{{state="{state}"}} {reaches.get(state, 0)}' for state in ReachState]
    return "\n".join(lines) + "\n"
