"""What every test may ask for: a database of its own, empty or migrated, on SQLite and on PostgreSQL.

pytest-socket refuses connections to anything but this machine (`--allow-hosts`). It guards Python's own
sockets; uvloop, asyncpg's own protocol and other processes are pointed at loopback by the tests' settings.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from broadcast.store import migrate
from tests import postgres

Result = TypeVar("Result")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a superuser's database; one server for the whole run, started when first asked for."""
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Runs a test once on each kind of database; `parametrize("database_kind", ["sqlite"])` for one."""
    return str(request.param)


@pytest.fixture
async def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """An empty database of this test's own, as SQLAlchemy's async URL."""
    if database_kind == "sqlite":
        yield sqlite_url(tmp_path / "maeul.db")
        return
    server_url: str = request.getfixturevalue("postgres_server")
    url = await postgres.fresh_database(server_url)
    yield url
    await postgres.drop_database(server_url, url)


# --- migrated: made once a run, then copied, because a migration costs more than most tests ----


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "maeul.db"
    run_apart(migrate.upgrade(sqlite_url(path)))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """Name of a PostgreSQL database with the newest schema, to copy from."""
    url = run_apart(postgres.fresh_database(postgres_server))
    run_apart(migrate.upgrade(url))
    yield url.rpartition("/")[2]
    run_apart(postgres.drop_database(postgres_server, url))


@pytest.fixture
async def migrated_database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A database of this test's own with the newest schema and no rows."""
    if database_kind == "sqlite":
        path = tmp_path / "maeul.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield sqlite_url(path)
        return
    server_url: str = request.getfixturevalue("postgres_server")
    url = await postgres.fresh_database(server_url, request.getfixturevalue("migrated_template"))
    yield url
    await postgres.drop_database(server_url, url)


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def run_apart(work: Coroutine[None, None, Result]) -> Result:
    """Run to the end on a thread and loop of its own: a session's fixture must not use a test's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
