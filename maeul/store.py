"""Opens the database for a command: its folder made, its schema current, its mistakes said clearly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError

from broadcast.errors import Conflict, InvalidInput
from broadcast.settings import Settings
from broadcast.store import migrate
from broadcast.store.lock import only_server
from broadcast.store.unit import Database


async def prepare(settings: Settings) -> None:
    """Bring the schema up to date, unless it is. Raises CallerMistake; beside a `serve` it changes nothing."""
    with _explained(settings):
        await asyncio.to_thread(settings.make_room)
        database = Database(settings.database)
        try:
            if await _revision(database) != migrate.newest():
                with only_server(database):
                    await migrate.upgrade(settings.database)
        finally:
            await database.close()


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Database]:
    """A database with the newest schema, beside whatever serves it."""
    await prepare(settings)
    database = Database(settings.database)
    try:
        yield database
    finally:
        await database.close()


async def _revision(database: Database) -> str | None:
    async with database.reader.connect() as connection:
        return await connection.run_sync(migrate.present)


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except ArgumentError:
        raise _unusable("the address is malformed", "주소 형식이 잘못되었습니다") from None
    except CommandError:
        raise Conflict(
            "The database was made by a newer Maeul than this one.",
            "이 프로그램보다 새로운 마을이 만든 데이터베이스입니다.",
        ) from None
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        reason = _reason(error)
        raise _unusable(reason, reason) from None


def _unusable(english: str, korean: str) -> InvalidInput:
    return InvalidInput(
        f"The database cannot be used: {english}. See MAEUL_DATABASE_URL, MAEUL_DATA_DIR and --data.",
        f"데이터베이스를 쓸 수 없습니다: {korean}. MAEUL_DATABASE_URL, MAEUL_DATA_DIR, --data를 확인하세요.",
        field="MAEUL_DATABASE_URL",
    )


def _reason(error: Exception) -> str:
    """The driver's own sentence, which names no password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return said.partition("\n")[0].rstrip(".") or type(error).__name__
