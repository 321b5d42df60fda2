"""What goes wrong on the wire: answers that are late, rubbish, never given, or cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.simulator.carrier import Carrier, Fault, What
from channels.simulator.exchange import Exchange
from channels.simulator.timing import Work

HOLD = "maeul.simulator.work"


class JsonResponse(Response):
    media_type = "application/json"

    def __init__(
        self, content: object, status_code: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(orjson.dumps(content), status_code, headers)


class Silence(Response):
    """Reads the request and never answers, until the client gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = scope.get(HOLD)
        if isinstance(held, Work):
            held.release()  # nothing is in progress any more
        while (await receive())["type"] != "http.disconnect":
            pass


class CutOff(Response):
    """Breaks the connection after the request was read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if isinstance(transport, asyncio.BaseTransport):
            getattr(transport, "abort", transport.close)()
            await Silence()(scope, receive, send)
            return
        # Behind middleware that hides the connection: an answer that breaks off in its middle.
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"99")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def spoiled(fault: Fault) -> Response:
    """The answer that the client gets instead of the true one."""
    match fault.kind:
        case "500":
            return JsonResponse({"code": 20500, "message": "Internal Server Error", "status": 500}, 500)
        case "429":
            body = {"code": 20429, "message": "Too Many Requests", "status": 429}
            return JsonResponse(body, 429, {"Retry-After": "1"})
        case "garbage":
            return Response(b"<html>\x00 Bad gateway?", 201, media_type="text/html")
        case "silence":
            return Silence()
        case "cut":
            return CutOff()


async def strike(carrier: Carrier, what: What) -> Fault | None:
    """Wait out the latency, then say which fault this request meets."""
    if carrier.settings.latency_s:
        # Real time: a client on a shared clock is at work meanwhile, so that clock stands still.
        await asyncio.sleep(carrier.settings.latency_s)
    return carrier.strike(what)


class AtWork:
    """Middleware: starts the simulator at the first request (a mounted app gets no start-up event) and
    holds the clock during each."""

    def __init__(
        self, app: ASGIApp, exchange: Exchange, start: Callable[[Exchange], Awaitable[None]]
    ) -> None:
        self._app = app
        self._exchange = exchange
        self._start = start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        work = self._exchange.works.new()
        scope[HOLD] = work
        try:
            if not self._exchange.is_open:
                await self._start(self._exchange)
            await self._app(scope, receive, self._dated(send))
        finally:
            work.release()

    def _dated(self, send: Send) -> Send:
        """Answers carry the simulator's own time: our service judges the age of a call by it. The server must
        not add its own (uvicorn: `date_header=False`), or the two differ once a clock has jumped."""
        date = format_datetime(self._exchange.clock.now().astimezone(UTC), usegmt=True).encode()

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        return dated
