"""Wake-ups between the processes that share a PostgreSQL database: LISTEN and NOTIFY, level-triggered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from broadcast.model import BroadcastId, Priority
from broadcast.store.unit import Database, run

log = logging.getLogger(__name__)

CHANNEL = "maeul"
AGAIN_S = 1.0  # between tries to connect
WAKE, HALT = "wake", "halt"


class Signals:
    """Tells the other processes what this one has done. On SQLite there are none, and nothing is told.

    What is lost while a connection is down costs only time: whoever listens looks at the tables anyway.
    """

    def __init__(
        self,
        database: Database,
        on_wake: Callable[[Priority], None],
        on_halt: Callable[[BroadcastId], None],
    ) -> None:
        self._database = database
        self._on_wake = on_wake
        self._on_halt = on_halt
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        if not self._database.is_sqlite:
            self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        for task in [*self._telling.values(), *([self._listening] if self._listening else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def wake(self, priority: Priority) -> None:
        self._tell(f"{WAKE} {int(priority)}")

    def halt(self, broadcast_id: BroadcastId) -> None:
        self._tell(f"{HALT} {broadcast_id}")

    def _tell(self, words: str) -> None:
        """One NOTIFY of each kind at a time: a wake-up asked for meanwhile is told by one more."""
        if self._database.is_sqlite:
            return
        under_way = self._telling.get(words)
        if under_way is None or under_way.done():
            self._telling[words] = asyncio.create_task(self._notify(words))
        elif f"{words}+" not in self._telling:
            self._telling[f"{words}+"] = asyncio.create_task(self._after(under_way, words))

    async def _after(self, under_way: asyncio.Task[None], words: str) -> None:
        with suppress(Exception):
            await under_way
        self._telling.pop(f"{words}+", None)
        self._tell(words)

    async def _notify(self, words: str) -> None:
        try:
            async with self._database.write() as connection:
                await run(connection, "SELECT pg_notify(:channel, :words)", channel=CHANNEL, words=words)
        except (SQLAlchemyError, OSError):  # the others' slow poll makes up for it
            log.warning("notify_failed")
        finally:
            if not words.startswith(WAKE):
                self._telling.pop(words, None)

    async def _listen(self) -> None:
        dsn = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                await self._listen_once(dsn)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("listen_lost")
            await asyncio.sleep(AGAIN_S)

    async def _listen_once(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn, timeout=10)
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._on_wake(Priority.ROUTINE)  # whatever was told while nobody listened
            await ended.wait()
        finally:
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, words: str) -> None:
        kind, _, value = words.partition(" ")
        if kind == WAKE and value.isdigit():
            self._on_wake(Priority(int(value)))
        elif kind == HALT and value.isdigit():
            self._on_halt(BroadcastId(int(value)))
