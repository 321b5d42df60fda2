"""Looking into the tables, and changing what no use case changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from broadcast.store.columns import from_us
from broadcast.store.unit import fetch, run
from tests.builders import Office


@dataclass
class Looking:
    office: Office

    async def rows(self, sql: str, **params: object) -> Sequence[Row[Any]]:
        async with self.office.database.read() as connection:
            return await fetch(connection, sql, **params)

    async def write(self, sql: str, **params: object) -> None:
        async with self.office.database.write() as connection:
            await run(connection, sql, **params)

    async def deliveries(self, where: str = "1 = 1") -> list[tuple[str, str]]:
        """Channel and state of each, in order of making."""
        sql = f"SELECT channel, state FROM delivery WHERE {where} ORDER BY id"
        return [(row.channel, row.state) for row in await self.rows(sql)]

    async def reaches(self) -> list[str]:
        return [row.state for row in await self.rows("SELECT state FROM reach ORDER BY id")]

    async def deadline(self) -> datetime | None:
        """The only reach's."""
        (row,) = await self.rows("SELECT deadline_at FROM reach")
        return None if row.deadline_at is None else from_us(row.deadline_at)
