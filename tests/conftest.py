"""What every test may ask for: an empty database on SQLite and on PostgreSQL. Sockets: see pyproject.toml.

pytest-socket refuses connections to anything but this machine (`--allow-hosts`). It guards Python's own
sockets; uvloop, asyncpg's own protocol and other processes are pointed at loopback by the tests' settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import postgres

EMPTY = "template1"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a superuser's database; one server for the whole run, started when first asked for."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def template_database() -> str:
    """The PostgreSQL database that `database_url` copies. A suite may give a migrated one instead."""
    return EMPTY


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Runs a test once on each kind of database; `parametrize("database_kind", ["sqlite"])` for one."""
    return str(request.param)


@pytest.fixture
async def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A database of this test's own, as SQLAlchemy's async URL: empty, or a copy of `template_database`."""
    if database_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'maeul.db'}"
        return
    server_url: str = request.getfixturevalue("postgres_server")
    url = await postgres.fresh_database(server_url, request.getfixturevalue("template_database"))
    yield url
    await postgres.drop_database(server_url, url)
