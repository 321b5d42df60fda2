"""Connections and transactions: one writer on SQLite, a pinned hot pool on PostgreSQL."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import CursorResult, Engine, Row, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from broadcast.errors import InvalidInput
from broadcast.store.visits import Visits

T = TypeVar("T")
Params = Mapping[str, object]

# The claim must walk its partial index whatever the statistics say (DESIGN section 6).
PINNED = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
TRY_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock
TRIES = 5


class WriterGate:
    """A lock that lets the more urgent in first: the one SQLite writer takes emergencies first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._taken = False

    async def take(self, urgency: int) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    def give(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


class Database:
    """Both engines behind one face; raw SQL differs only in `ids` and `rows`."""

    def __init__(self, url: str, *, durable_calls: bool = False, pool: int = 8) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.url.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
            raise InvalidInput(
                "MAEUL_DATABASE_URL must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://",
                "MAEUL_DATABASE_URL 값은 sqlite+aiosqlite:/// 또는 postgresql+asyncpg:// 로 시작해야 합니다.",
                field="MAEUL_DATABASE_URL",
            )
        self._gate = WriterGate()
        self._visits: Visits | None = None
        if self.is_sqlite:
            self.writer = _sqlite_engine(url, writes=True, size=1, full=durable_calls)
            self.reader = _sqlite_engine(url, writes=False, size=4, full=False)
            self.hot = self.writer
            self.durable = _sqlite_engine(url, writes=True, size=1, full=True)
            self._visits = Visits(_sqlite_thread_engine(url, full=durable_calls))
        else:
            self.hot = _postgres_engine(url, 4, PINNED)
            self.writer = self.reader = self.durable = _postgres_engine(url, pool, {"jit": "off"})

    @asynccontextmanager
    async def write(
        self, urgency: int = 2, *, hot: bool = False, durable: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """One transaction; committed at the end, rolled back on an exception.

        `urgency`: a Priority's number; the smaller goes first where writers wait (SQLite).
        `durable`: must outlive a power cut too (SQLite: synchronous=FULL; PostgreSQL always does).
        """
        if not self.is_sqlite:
            async with (self.hot if hot else self.writer).begin() as connection:
                yield connection
            return
        await self._gate.take(urgency)
        try:
            async with (self.durable if durable else self.writer).begin() as connection:
                yield connection
        finally:
            self._gate.give()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self.reader.connect() as connection:
            yield connection

    async def retrying(
        self,
        work: Callable[[AsyncConnection], Coroutine[Any, Any, T]],
        urgency: int = 2,
        *,
        hot: bool = False,
    ) -> T:
        """`work` in one transaction, again after a deadlock or serialization failure.

        It may await nothing but its connection: on SQLite it runs in the writer's thread.
        """
        if self._visits is not None:
            await self._gate.take(urgency)
            try:
                return await self._visits.transact(work)
            finally:
                self._gate.give()
        for left in reversed(range(TRIES)):
            try:
                async with self.write(urgency, hot=hot) as connection:
                    return await work(connection)
            except DBAPIError as error:
                if not left or getattr(error.orig, "sqlstate", None) not in TRY_AGAIN:
                    raise
        raise AssertionError("unreachable")

    def ids(self, name: str = "ids") -> str:
        """A subquery over the JSON array of numbers bound as `name`."""
        if self.is_sqlite:
            return f"(SELECT value FROM json_each(:{name}))"
        return f"(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:{name} AS json)))"

    def among(self, column: str, select: str = "") -> str:
        """Whether a key is among the numbers that `select` (in parentheses) gives, by default those of `ids()`.

        PostgreSQL then looks each up by the key's index; IN lets it read the whole table against a short list.
        """
        chosen = select or self.ids()
        return f"{column} IN {chosen}" if self.is_sqlite else f"{column} = ANY(ARRAY{chosen})"

    def rows(self, columns: Mapping[str, str], name: str = "rows", alias: str = "r") -> str:
        """A FROM item over the JSON array of objects bound as `name`; `columns` give PostgreSQL types."""
        if self.is_sqlite:
            picks = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in columns)
            return f"(SELECT {picks} FROM json_each(:{name})) AS {alias}"
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        return f"json_to_recordset(CAST(:{name} AS json)) AS {alias}({typed})"

    @property
    def for_update(self) -> str:
        return "" if self.is_sqlite else " FOR UPDATE"

    @property
    def skip_locked(self) -> str:
        return "" if self.is_sqlite else " FOR UPDATE SKIP LOCKED"

    async def close(self) -> None:
        for engine in {id(e): e for e in (self.writer, self.reader, self.hot, self.durable)}.values():
            await engine.dispose()
        if self._visits is not None:
            await self._visits.close()


def unindexed(column: str) -> str:
    """This text column in a form that no index fits: the few rows named by id are to be looked at, not all
    that are in a state, whatever the planner's statistics say."""
    return f"COALESCE({column}, '')"


def as_json(value: object) -> str:
    return orjson.dumps(value).decode()


_text = lru_cache(maxsize=2_000)(text)  # taking a statement apart costs as much as running it


async def run(connection: AsyncConnection, sql: str, **params: object) -> CursorResult[Any]:
    return await connection.execute(_text(sql), params)


async def run_many(connection: AsyncConnection, sql: str, rows: Sequence[Params]) -> None:
    if rows:
        await connection.execute(_text(sql), [dict(row) for row in rows])


async def fetch(connection: AsyncConnection, sql: str, **params: object) -> Sequence[Row[Any]]:
    return (await connection.execute(_text(sql), params)).all()


def _sqlite_engine(url: str, *, writes: bool, size: int, full: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
        hide_parameters=True,  # an error's text is logged; its parameters may be somebody's words
    )
    _prepare(engine.sync_engine, writes=writes, full=full)
    return engine


def _sqlite_thread_engine(url: str, *, full: bool) -> Engine:
    engine = create_engine(
        make_url(url).set(drivername="sqlite"), poolclass=QueuePool, pool_size=1, max_overflow=0
    )
    _prepare(engine, writes=True, full=full)
    return engine


def _prepare(engine: Engine, *, writes: bool, full: bool) -> None:
    synchronous = "FULL" if full else "NORMAL"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA foreign_keys=ON" if writes else "PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_engine(url: str, size: int, settings: Mapping[str, str]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": dict(settings), "timeout": 10, "command_timeout": 60},
    )
