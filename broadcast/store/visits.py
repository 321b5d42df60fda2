"""SQLite transactions made in one visit to a thread of their own.

Through aiosqlite each statement costs some four turns between its thread and the event loop. While the loop is
busy sending, every turn waits for it: a transaction of ten statements took 30 ms, 1 ms of it in SQLite.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, T]]


class _Here:
    """A connection of this thread with the face of an asynchronous one; what it is asked is done on return."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)


class Visits:
    """One thread with one connection. Whoever visits has taken the writer's gate before."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="maeul-sqlite")

    async def transact(self, work: Work[T]) -> T:
        """`work` in one transaction, begun and ended in the thread; it may await nothing but its connection."""
        visit = asyncio.get_running_loop().run_in_executor(self._thread, self._made, work)
        try:
            return await asyncio.shield(visit)
        except asyncio.CancelledError:
            await asyncio.wait([visit])  # the gate is not to be given while the thread still writes
            raise

    def _made(self, work: Work[T]) -> T:
        with self._engine.begin() as connection:
            return _finished(work(cast(AsyncConnection, _Here(connection))))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


def _finished(steps: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never has to wait."""
    try:
        steps.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    steps.close()
    raise RuntimeError("a transaction may await nothing but its connection")
