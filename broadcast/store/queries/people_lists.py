"""Reading residents and guardians, in as much detail as the reader may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.people.residents import FLAGS
from broadcast.people.views import AddressView, ConsentView, GuardianView, ResidentView
from broadcast.roles import Detail, Holder, detail_for
from broadcast.store.columns import maybe_from_us
from broadcast.store.queries.scope import seen_by
from broadcast.store.unit import Database, as_json, fetch
from broadcast.store.vault import Vault

T = TypeVar("T")

RESIDENTS = """
SELECT r.id, v.code AS village, r.name_ciphertext, r.language, r.born_in, r.hard_of_hearing, r.cannot_walk,
  r.lives_alone, r.wants_calls, r.wants_slow, r.in_drills, r.route_rank, r.absence,
  CAST(r.absent_until AS text) AS absent_until, r.moved_at, r.deceased_at
FROM resident r JOIN village v ON v.id = r.village_id
WHERE r.id > :after AND {seen} {more}
ORDER BY r.id
LIMIT :limit
"""

ADDRESSES = """
SELECT l.{owner}_id AS owner, a.id, a.kind, a.ciphertext, a.masked, a.can_ring, a.can_sms, a.suppressed_at,
  a.dead_at, a.dead_reason
FROM {owner}_address l JOIN address a ON a.id = l.address_id
WHERE l.{owner}_id IN {ids}
ORDER BY l.{owner}_id, l.rank, a.id
"""

CONSENTS = """
SELECT resident_id, category, given_at, given_how, given_words, withdrawn_at, withdrawn_how
FROM subscription WHERE resident_id IN {ids} ORDER BY resident_id, id
"""

GUARDIANS = """
SELECT g.id, g.name_ciphertext, s.listens, s.told, s.rank, s.agreed_at, s.agreed_how
FROM guardianship s JOIN guardian g ON g.id = s.guardian_id
WHERE s.resident_id = :id AND s.ended_at IS NULL AND g.ended_at IS NULL
ORDER BY s.rank, g.id
"""


class PeopleLists:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def residents(
        self, who: Holder, *, village: str | None = None, after: int = 0, limit: int = 100
    ) -> list[ResidentView]:
        """Those whom `who` may see, by id, from the one after `after`."""
        more = "" if village is None else "AND v.code = :village"
        binds: dict[str, object] = {} if village is None else {"village": village}
        return await self._residents(who, more, after=after, limit=limit, **binds)

    async def resident(self, who: Holder, id: int) -> ResidentView | None:
        found = await self._residents(who, "AND r.id = :id", after=0, limit=1, id=id)
        return found[0] if found else None

    async def guardians(self, who: Holder, resident_id: int) -> list[GuardianView]:
        detail = detail_for(who)
        async with self._database.read() as connection:
            rows = await fetch(connection, GUARDIANS, id=resident_id)
            addresses = await self._addresses(connection, "guardian", [row.id for row in rows], detail)
        return [
            GuardianView(
                id=row.id,
                name=self._name(row.name_ciphertext, detail),
                listens=bool(row.listens),
                told=bool(row.told),
                rank=row.rank,
                agreed_at=maybe_from_us(row.agreed_at),
                agreed_how=row.agreed_how,
                addresses=addresses.get(row.id, []),
            )
            for row in rows
        ]

    async def _residents(self, who: Holder, more: str, **binds: object) -> list[ResidentView]:
        seen, scope = seen_by(who)
        detail = detail_for(who)
        async with self._database.read() as connection:
            sql = RESIDENTS.format(seen=seen, more=more)
            rows = await fetch(connection, sql, **scope, **binds)
            ids = [row.id for row in rows]
            addresses = await self._addresses(connection, "resident", ids, detail)
            consents = await self._consents(connection, ids)
        return [
            self._resident(row, detail, addresses.get(row.id, []), consents.get(row.id, [])) for row in rows
        ]

    def _resident(
        self, row: Row[Any], detail: Detail, addresses: list[AddressView], consents: list[ConsentView]
    ) -> ResidentView:
        return ResidentView(
            id=row.id,
            village=row.village,
            name=self._name(row.name_ciphertext, detail),
            language=row.language,
            born_in=row.born_in if detail > Detail.NOTHING else None,
            flags={flag: bool(getattr(row, flag)) for flag in FLAGS},
            route_rank=row.route_rank,
            absence=row.absence,
            absent_until=row.absent_until,
            moved_at=maybe_from_us(row.moved_at),
            deceased_at=maybe_from_us(row.deceased_at),
            addresses=addresses,
            consents=consents,
        )

    async def _addresses(
        self, connection: AsyncConnection, owner: str, ids: Sequence[int], detail: Detail
    ) -> dict[int, list[AddressView]]:
        sql = ADDRESSES.format(owner=owner, ids=self._database.ids())
        rows = await fetch(connection, sql, ids=as_json(list(ids)))
        return _by(rows, lambda row: int(row.owner), lambda row: self._address(row, detail))

    def _address(self, row: Row[Any], detail: Detail) -> AddressView:
        return AddressView(
            id=row.id,
            kind=row.kind,
            masked=row.masked if detail >= Detail.NAME else None,
            value=self._vault.open(row.ciphertext) if detail >= Detail.NUMBER else None,
            can_ring=bool(row.can_ring),
            can_sms=bool(row.can_sms),
            is_suppressed=row.suppressed_at is not None,
            is_dead=row.dead_at is not None,
            dead_reason=row.dead_reason,
        )

    async def _consents(
        self, connection: AsyncConnection, ids: Sequence[int]
    ) -> dict[int, list[ConsentView]]:
        sql = CONSENTS.format(ids=self._database.ids())
        rows = await fetch(connection, sql, ids=as_json(list(ids)))
        return _by(rows, lambda row: int(row.resident_id), _consent)

    def _name(self, sealed: bytes, detail: Detail) -> str | None:
        return self._vault.open(sealed) if detail >= Detail.NAME else None


def _consent(row: Row[Any]) -> ConsentView:
    given_at = maybe_from_us(row.given_at)
    assert given_at is not None
    return ConsentView(
        category=row.category,
        given_at=given_at,
        given_how=row.given_how,
        given_words=row.given_words,
        withdrawn_at=maybe_from_us(row.withdrawn_at),
        withdrawn_how=row.withdrawn_how,
    )


def _by(
    rows: Iterable[Row[Any]], owner: Callable[[Row[Any]], int], view: Callable[[Row[Any]], T]
) -> dict[int, list[T]]:
    grouped: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        grouped[owner(row)].append(view(row))
    return grouped
