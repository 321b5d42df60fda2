"""Chores: each is put on the clock, one that fails is not lost, and what is old goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.model import Role
from broadcast.store.columns import to_us
from broadcast.store.queries.housekeeping import HousekeepingQueries
from broadcast.store.unit import Database, fetch, run
from scheduler.housekeeping import Chore, _safely, housekeeping
from tests.builders import MORNING, VILLAGE, Office, a_village, an_account


async def nothing() -> None:
    return None


async def test_every_chore_has_a_next_run() -> None:
    async with housekeeping([Chore("a", 60, nothing), Chore("b", 3600, nothing)]) as scheduler:
        jobs = {job.id: job.next_run_time for job in scheduler.get_jobs()}
    assert sorted(jobs) == ["a", "b"]
    assert all(jobs.values())


async def test_a_chore_that_fails_is_told_and_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise OSError("disk")

    await _safely(Chore("broken", 60, broken))
    assert [record.message for record in caplog.records] == ["chore_failed"]


async def test_sessions_that_ended_a_day_ago_are_forgotten(migrated_database_url: str) -> None:
    office = Office(Database(migrated_database_url))
    try:
        await a_village(office)
        account = await an_account(office, role=Role.HEAD, village=VILLAGE)
        async with office.database.write() as connection:
            for kind, age in (("session", 25), ("session", 23), ("token", 900)):
                await run(
                    connection,
                    "INSERT INTO access (account_id, kind, hash, created_at, expires_at)"
                    " VALUES (:account, :kind, :hash, :at, :at)",
                    account=account,
                    kind=kind,
                    hash=f"{kind}{age}".encode(),
                    at=to_us(MORNING - timedelta(hours=age)),
                )
        assert await HousekeepingQueries(office.database).forget_sessions(MORNING) == 1
        async with office.database.read() as connection:
            rows = await fetch(connection, "SELECT hash FROM access ORDER BY hash")
        assert [bytes(row.hash) for row in rows] == [b"session23", b"token900"]
    finally:
        await office.database.close()


async def test_a_checkpoint_empties_the_log_of_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'log.db'}")
    try:
        async with database.write() as connection:
            await run(connection, "CREATE TABLE thing (id INTEGER PRIMARY KEY)")
        await HousekeepingQueries(database).checkpoint()
        async with database.read() as connection:
            rows = await fetch(connection, "PRAGMA wal_checkpoint")
        assert list(rows[0])[1] == list(rows[0])[2]  # every page of the log is in the file
    finally:
        await database.close()
