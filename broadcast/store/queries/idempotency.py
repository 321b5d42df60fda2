"""Idempotency keys: the row is there before the effect, so that one key has one effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.drafts import Draft, title_for
from broadcast.errors import KeyReused
from broadcast.store.columns import to_us
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.store.vault import Vault

KEPT = timedelta(hours=24)
PATIENCE = timedelta(seconds=60)  # no request takes so long: who has not answered by then has died

INSERT = """
INSERT INTO idempotency (access_id, key, body_hash, created_at) VALUES (:access_id, :key, :hash, :now)
ON CONFLICT (access_id, key) DO NOTHING
"""

FinishedBefore = Callable[[AsyncConnection, int], Awaitable[bytes | None]]
"""Given the moment (µs) of a request that died: its answer, if its effect is there after all."""


@dataclass(frozen=True, slots=True)
class Mine:
    """Nobody has used the key: do the work, then `finish` or `forget`."""


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Another request with this key has not answered yet."""


class IdempotencyQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def begin(
        self, access_id: int, key: str, hash: bytes, now: datetime, finished_before: FinishedBefore
    ) -> Mine | Answered | UnderWay:
        """Raises KeyReused for a key that came with another body."""
        named = {"access_id": access_id, "key": key}
        async with self._database.write() as connection:
            await run(connection, "DELETE FROM idempotency WHERE created_at < :cut", cut=to_us(now - KEPT))
            made = await run(connection, INSERT, **named, hash=hash, now=to_us(now))
            if made.rowcount == 1:
                return Mine()
            rows = await fetch(
                connection,
                "SELECT body_hash, status, answer_ciphertext, created_at FROM idempotency"
                f" WHERE access_id = :access_id AND key = :key{self._database.for_update}",
                **named,
            )
            if not rows:
                return UnderWay()  # refused and forgotten this very moment: ask again
            if bytes(rows[0].body_hash) != hash:
                raise _reused()
            return await self._second(connection, rows[0], named, now, finished_before)

    async def _second(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        named: dict[str, object],
        now: datetime,
        finished_before: FinishedBefore,
    ) -> Mine | Answered | UnderWay:
        if row.status is not None:
            return Answered(row.status, self._vault.open_bytes(row.answer_ciphertext))
        if row.created_at > to_us(now - PATIENCE):
            return UnderWay()
        answer = await finished_before(connection, row.created_at)
        if answer is not None:
            return Answered(202, answer)
        await run(
            connection,
            "UPDATE idempotency SET created_at = :now WHERE access_id = :access_id AND key = :key",
            **named,
            now=to_us(now),
        )
        return Mine()

    async def finish(self, access_id: int, key: str, status: int, body: bytes) -> None:
        async with self._database.write() as connection:
            await run(
                connection,
                "UPDATE idempotency SET status = :status, answer_ciphertext = :answer"
                " WHERE access_id = :access_id AND key = :key",
                access_id=access_id,
                key=key,
                status=status,
                answer=self._vault.seal(body),
            )

    async def forget(self, access_id: int, key: str) -> None:
        """The request was refused and did nothing: the key is free again."""
        async with self._database.write() as connection:
            await run(
                connection,
                "DELETE FROM idempotency WHERE access_id = :access_id AND key = :key",
                access_id=access_id,
                key=key,
            )


MADE = """
SELECT b.id, b.state FROM broadcast b
WHERE b.author_id = :author_id AND b.title = :title AND b.text = :text
  AND COALESCE(b.recording_id, 0) = :recording_id AND b.created_at >= :since
  AND (SELECT count(*) FROM broadcast_village bv WHERE bv.broadcast_id = b.id) = :villages
  AND (SELECT count(*) FROM broadcast_village bv JOIN village v ON v.id = bv.village_id
       WHERE bv.broadcast_id = b.id AND v.code IN (SELECT c.code FROM {codes})) = :villages
ORDER BY b.id LIMIT 1
"""


async def broadcast_made(
    connection: AsyncConnection, database: Database, author_id: int, draft: Draft, since: int
) -> tuple[int, str] | None:
    """Id and state of the first broadcast like this draft that the author submitted since then.

    The same words for other villages are another broadcast.
    """
    codes = sorted(set(draft.villages))
    rows = await fetch(
        connection,
        MADE.format(codes=database.rows({"code": "text"}, "codes", "c")),
        author_id=author_id,
        title=title_for(draft),
        text=draft.text,
        recording_id=draft.recording_id or 0,
        since=since,
        codes=as_json([{"code": code} for code in codes]),
        villages=len(codes),
    )
    return (rows[0].id, rows[0].state) if rows else None


def _reused() -> KeyReused:
    return KeyReused(
        "This Idempotency-Key was used for another request.",
        "이 Idempotency-Key는 다른 요청에 이미 쓰였습니다.",
        field="Idempotency-Key",
    )
