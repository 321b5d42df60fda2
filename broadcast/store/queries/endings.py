"""What stops somebody from being reached; their open reaches close in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import AddressId, Category, ResidentId
from broadcast.store.columns import to_us
from broadcast.store.queries import barring
from broadcast.store.unit import Database, fetch, run
from broadcast.work import StopRequest

WITHDRAW = """
UPDATE subscription SET withdrawn_at = :now, withdrawn_how = :how
WHERE resident_id = :id AND category = :category AND withdrawn_at IS NULL
"""

SUPPRESS = """
UPDATE address SET suppressed_at = COALESCE(suppressed_at, :now)
WHERE id = :address_id AND EXISTS (
  SELECT 1 FROM resident_address l WHERE l.address_id = address.id AND l.resident_id = :id)
"""

ELSEWHERE = """
SELECT 1 FROM resident p WHERE p.id = :id AND (
  EXISTS (SELECT 1 FROM resident_address l JOIN resident o ON o.id = l.resident_id
          WHERE l.address_id = :address_id AND o.village_id <> p.village_id)
  OR EXISTS (SELECT 1 FROM guardian_address g JOIN guardianship w ON w.guardian_id = g.guardian_id
             JOIN resident o ON o.id = w.resident_id
             WHERE g.address_id = :address_id AND o.village_id <> p.village_id))
"""


class EndingQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def withdraw(
        self, id: ResidentId, categories: Sequence[Category], how: str, now: datetime
    ) -> list[StopRequest]:
        async def work(connection: AsyncConnection) -> list[StopRequest]:
            stops: list[StopRequest] = []
            for category in categories:
                binds = {"id": id, "now": to_us(now), "how": how, "category": category.value}
                await run(connection, WITHDRAW, **binds)
                stops += await barring.bar(
                    connection, self._database, to_us(now), resident_ids=[id], category=category.value
                )
            return stops

        return await self._database.retrying(work)

    async def deceased(self, id: ResidentId, now: datetime) -> list[StopRequest]:
        return await self._gone("deceased_at", id, now)

    async def moved(self, id: ResidentId, now: datetime) -> list[StopRequest]:
        return await self._gone("moved_at", id, now)

    async def _gone(self, column: str, id: ResidentId, now: datetime) -> list[StopRequest]:
        async def work(connection: AsyncConnection) -> list[StopRequest]:
            await run(
                connection,
                f"UPDATE resident SET {column} = COALESCE({column}, :now) WHERE id = :id",
                id=id,
                now=to_us(now),
            )
            return await barring.bar(connection, self._database, to_us(now), resident_ids=[id])

        return await self._database.retrying(work)

    async def suppress(
        self, id: ResidentId, address_id: AddressId, now: datetime
    ) -> list[StopRequest] | None:
        """None if the resident has no such address."""

        async def work(connection: AsyncConnection) -> list[StopRequest] | None:
            found = await run(connection, SUPPRESS, id=id, address_id=address_id, now=to_us(now))
            if found.rowcount == 0:
                return None
            return await barring.bar(connection, self._database, to_us(now), address_ids=[address_id])

        return await self._database.retrying(work)

    async def is_used_elsewhere(self, id: ResidentId, address_id: AddressId) -> bool:
        """Whether the address is also one of a resident or guardian of another village."""
        async with self._database.read() as connection:
            return bool(await fetch(connection, ELSEWHERE, id=id, address_id=address_id))
