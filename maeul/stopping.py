"""Runs a service on uvloop until it is asked to stop: by Ctrl-C or by SIGTERM, the first of them gently."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

import typer
import uvloop

from maeul.words import either

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


@contextmanager
def asked_to_stop() -> Iterator[asyncio.Event]:
    """An event that the first signal sets. The second one ends the process at once: the store survives that."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def ask() -> None:
        asked.set()
        _let_go(loop)
        typer.echo(
            either(
                "Stopping; what is on the wire is written back first.",
                "멈춥니다. 보내던 것을 먼저 적어 둡니다.",
            ),
            err=True,
        )

    for number in SIGNALS:
        loop.add_signal_handler(number, ask)
    try:
        yield asked
    finally:
        _let_go(loop)


def _let_go(loop: asyncio.AbstractEventLoop) -> None:
    for number in SIGNALS:
        loop.remove_signal_handler(number)


async def until_asked(asked: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Return when asked to stop; raises what ended `running` where that comes first."""
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait((waiting, running), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if running.done() and not asked.is_set():
        await running
        raise RuntimeError("the web server ended by itself")
