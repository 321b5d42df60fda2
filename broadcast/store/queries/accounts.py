"""Accounts, tokens and page sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.drafts import Who
from broadcast.errors import Conflict, InvalidInput
from broadcast.model import AccountId, AddressId, Role
from broadcast.people.accounts import AccessKind, NewAccount, SignedIn
from broadcast.people.residents import Contact
from broadcast.store.columns import maybe_us, to_us
from broadcast.store.queries import addresses
from broadcast.store.unit import Database, fetch, run
from broadcast.store.vault import Vault

CREATE = """
INSERT INTO account (name, role, village_id, township_id, address_id, password_hash, created_at)
VALUES (:name, :role, :village_id, :township_id, :address_id, :password_hash, :at)
ON CONFLICT (name) DO NOTHING
RETURNING id
"""

HOLDER = """
SELECT x.id AS access_id, x.kind, a.id, a.role, a.name, a.village_id, a.township_id
FROM access x JOIN account a ON a.id = x.account_id
WHERE x.hash = :hash AND x.revoked_at IS NULL AND a.disabled_at IS NULL
  AND (x.expires_at IS NULL OR x.expires_at > :now)
"""


class AccountQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def create(
        self, new: NewAccount, password_hash: str | None, phone: Contact | None, now: datetime
    ) -> AccountId:
        async with self._database.write() as connection:
            found = await run(
                connection,
                CREATE,
                name=new.name,
                role=new.role.value,
                village_id=await _village(connection, new.village) if new.village else None,
                township_id=await township(connection, new.township) if new.township else None,
                address_id=await self._address(connection, phone),
                password_hash=password_hash,
                at=to_us(now),
            )
            id = found.scalar_one_or_none()
        if id is None:
            raise Conflict("This name is in use.", "이미 쓰고 있는 이름입니다.", field="name")
        return AccountId(int(id))

    async def are_there(self) -> bool:
        """Whether anybody can sign in."""
        async with self._database.read() as connection:
            return bool(await fetch(connection, "SELECT 1 FROM account WHERE disabled_at IS NULL LIMIT 1"))

    async def _address(self, connection: AsyncConnection, phone: Contact | None) -> AddressId | None:
        return await addresses.keep(connection, self._vault, phone) if phone else None

    async def password(self, name: str) -> tuple[AccountId, str | None] | None:
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT id, password_hash FROM account WHERE name = :name AND disabled_at IS NULL",
                name=name,
            )
        return (AccountId(rows[0].id), rows[0].password_hash) if rows else None

    async def grant(
        self, id: AccountId, kind: AccessKind, hash: bytes, now: datetime, until: datetime | None
    ) -> None:
        async with self._database.write() as connection:
            await run(
                connection,
                "INSERT INTO access (account_id, kind, hash, created_at, expires_at)"
                " VALUES (:id, :kind, :hash, :now, :until)",
                id=id,
                kind=kind.value,
                hash=hash,
                now=to_us(now),
                until=maybe_us(until),
            )

    async def holder(self, hash: bytes, now: datetime) -> SignedIn | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, HOLDER, hash=hash, now=to_us(now))
        if not rows:
            return None
        row = rows[0]
        who = Who(AccountId(row.id), Role(row.role), row.name, row.village_id, township_id=row.township_id)
        return SignedIn(who, row.access_id, AccessKind(row.kind))

    async def revoke(self, hash: bytes, now: datetime) -> None:
        async with self._database.write() as connection:
            await run(
                connection,
                "UPDATE access SET revoked_at = :now WHERE hash = :hash AND revoked_at IS NULL",
                hash=hash,
                now=to_us(now),
            )

    async def disable(self, name: str, now: datetime) -> bool:
        """End an account: its password, sessions and tokens open nothing any more. False if there is none."""
        async with self._database.write() as connection:
            found = await run(
                connection,
                "UPDATE account SET disabled_at = :now WHERE name = :name AND disabled_at IS NULL",
                name=name,
                now=to_us(now),
            )
            await run(
                connection,
                "UPDATE access SET revoked_at = :now WHERE revoked_at IS NULL"
                " AND account_id IN (SELECT id FROM account WHERE name = :name)",
                name=name,
                now=to_us(now),
            )
        return found.rowcount == 1


async def _village(connection: AsyncConnection, code: str) -> int:
    rows = await fetch(connection, "SELECT id FROM village WHERE code = :code", code=code)
    if not rows:
        raise InvalidInput(
            "There is no village with this code.", "이 코드의 마을이 없습니다.", field="village"
        )
    return int(rows[0].id)


async def township(connection: AsyncConnection, name: str) -> int:
    """The township of this name, made if it is new."""
    rows = await fetch(connection, "SELECT id FROM township WHERE name = :name", name=name)
    if rows:
        return int(rows[0].id)
    made = await run(connection, "INSERT INTO township (name) VALUES (:name) RETURNING id", name=name)
    return int(made.scalar_one())
