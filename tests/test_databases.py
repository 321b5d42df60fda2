"""The databases that tests are given: of their own, empty, and on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from broadcast.store import migrate
from tests import postgres


async def make_and_count(url: str) -> int:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE mark (id INTEGER PRIMARY KEY)"))
            await connection.execute(text("INSERT INTO mark VALUES (1)"))
            return int((await connection.execute(text("SELECT count(*) FROM mark"))).scalar_one())
    finally:
        await engine.dispose()


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_gets_an_empty_database(database_url: str, time: str) -> None:
    assert await make_and_count(database_url) == 1, time


async def test_a_migrated_database_has_the_newest_schema(migrated_database_url: str) -> None:
    engine = create_async_engine(migrated_database_url)
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(migrate.present) == migrate.newest()
    finally:
        await engine.dispose()


@pytest.mark.postgres
async def test_a_copy_starts_from_its_template(postgres_server: str) -> None:
    template = await postgres.fresh_database(postgres_server)
    await make_and_count(template)
    copy = await postgres.fresh_database(postgres_server, template.rpartition("/")[2])
    try:
        with pytest.raises(Exception, match="already exists"):
            await make_and_count(copy)
    finally:
        await postgres.drop_database(postgres_server, copy)
        await postgres.drop_database(postgres_server, template)


@pytest.mark.postgres
@pytest.mark.skipif("MAEUL_TEST_POSTGRES_URL" in os.environ, reason="the server is not ours to sweep")
def test_a_killed_session_leaves_no_server_after_the_next_start() -> None:
    serve = [sys.executable, "-m", "tests.postgres", "serve"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, cwd=postgres.ROOT) as session:
        assert session.stdout is not None
        assert session.stdout.readline().startswith("postgresql+asyncpg://")
        base = next(
            path for path in folders() if path.joinpath("owner").read_text().split()[0] == str(session.pid)
        )
        server = psutil.Process(int((base / "data" / "postmaster.pid").read_text().split()[0]))
        session.send_signal(signal.SIGKILL)
    postgres.sweep()
    assert not base.exists()
    assert not server.is_running()


def folders() -> list[Path]:
    return list(Path("/tmp").glob(postgres.PREFIX + "*"))


def test_no_test_reaches_beyond_this_machine() -> None:
    outside = socket.socket()
    with pytest.warns(UserWarning, match="connect"), pytest.raises(RuntimeError, match="connect"):
        outside.connect(("192.0.2.1", 9))
