"""Villages and the county's one row."""

from __future__ import annotations

from broadcast.errors import Conflict
from broadcast.model import VillageId
from broadcast.people.views import VillageView
from broadcast.people.villages import NewVillage
from broadcast.roles import Detail, Holder, detail_for
from broadcast.store.queries.accounts import township
from broadcast.store.queries.scope import seen_by
from broadcast.store.unit import Database, fetch, run
from broadcast.store.vault import Vault

ADD = """
INSERT INTO village (code, name, township_id, caller_number, calls_open_at, head_name_ciphertext)
VALUES (:code, :name, :township_id, :caller_number, :opens_at, :head)
ON CONFLICT (code) DO NOTHING
RETURNING id
"""

# The name that an office chose later is its own; only a stand-in gives way.
NAME_COUNTY = """
INSERT INTO county (id, name, zone, callback_number, settings) VALUES (1, :name, 'Asia/Seoul', '', '{}')
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE county.name = :stand_in
"""

LIST = """
SELECT v.id, v.code, v.name, t.name AS township, v.caller_number, v.calls_open_at, v.head_name_ciphertext,
  (SELECT count(*) FROM resident r WHERE r.village_id = v.id AND r.moved_at IS NULL AND r.deceased_at IS NULL)
    AS residents
FROM village v LEFT JOIN township t ON t.id = v.township_id
WHERE v.id > :after AND {seen}
ORDER BY v.id
LIMIT :limit
"""


COUNTY = """
INSERT INTO county (id, name, zone, callback_number, settings)
VALUES (1, :name, 'Asia/Seoul', :callback_number, '{}')
ON CONFLICT (id) DO UPDATE SET name = :name, callback_number = :callback_number
"""


class VillageQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def set_county(self, name: str, callback_number: str) -> None:
        """The county's name, and the number that people call back; written as messages show it."""
        async with self._database.write() as connection:
            await run(connection, COUNTY, name=name, callback_number=callback_number)

    async def add(self, new: NewVillage) -> VillageId:
        """Raises Conflict for a code in use."""
        async with self._database.write() as connection:
            found = await run(
                connection,
                ADD,
                code=new.code,
                name=new.name,
                township_id=await township(connection, new.township) if new.township else None,
                caller_number=new.caller_number,
                opens_at=new.calls_open_at.isoformat("minutes") if new.calls_open_at else None,
                head=self._vault.seal(new.head_name) if new.head_name else None,
            )
            id = found.scalar_one_or_none()
        if id is None:
            raise Conflict("This code is in use.", "이미 쓰고 있는 마을 코드입니다.", field="code")
        return VillageId(int(id))

    async def name_county(self, name: str, *, stand_in: str = "우리군") -> None:
        """Make the county's one row; where there is one, give it a name if it has none of its own."""
        async with self._database.write() as connection:
            await run(connection, NAME_COUNTY, name=name, stand_in=stand_in)

    async def listed(self, who: Holder, *, after: int = 0, limit: int = 100) -> list[VillageView]:
        seen, scope = seen_by(who)
        shows_names = detail_for(who) >= Detail.NAME
        async with self._database.read() as connection:
            rows = await fetch(connection, LIST.format(seen=seen), after=after, limit=limit, **scope)
        return [
            VillageView(
                id=row.id,
                code=row.code,
                name=row.name,
                township=row.township,
                caller_number=row.caller_number,
                calls_open_at=row.calls_open_at,
                head_name=self._head(row.head_name_ciphertext) if shows_names else None,
                residents=row.residents,
            )
            for row in rows
        ]

    def _head(self, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._vault.open(sealed)
