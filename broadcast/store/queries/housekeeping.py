"""What is kept only for a time, and the size of SQLite's write-ahead log."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta

from broadcast.store.columns import to_us
from broadcast.store.unit import Database, run

SESSIONS_KEPT = timedelta(days=1)


class HousekeepingQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_sessions(self, now: datetime) -> int:
        """Page sessions that ended a day ago; returns how many were forgotten. API tokens stay until revoked."""
        async with self._database.write() as connection:
            result = await run(
                connection,
                "DELETE FROM access WHERE kind = 'session' AND expires_at < :before",
                before=to_us(now - SESSIONS_KEPT),
            )
        return result.rowcount

    async def checkpoint(self) -> None:
        """Move SQLite's log into the file on another thread, where no writer waits for it."""
        path = self._database.url.database
        if self._database.is_sqlite and path and path != ":memory:":
            await asyncio.to_thread(_checkpoint, path)


def _checkpoint(path: str) -> None:
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()
