"""What only the pages ask for: who speaks for a village, an author's recording, a broadcast's sound."""

from __future__ import annotations

from dataclasses import dataclass, field

from broadcast.model import AccountId, VillageId
from broadcast.render import VillageVoice
from broadcast.store.unit import Database, fetch
from broadcast.store.vault import Vault

VOICE = """
SELECT v.id, v.name, v.head_name_ciphertext, COALESCE((SELECT name FROM county LIMIT 1), '') AS county
FROM village v WHERE v.code = :code
"""

CLIPS = """
SELECT part, hash, seconds FROM clip
WHERE broadcast_id = :id AND (part = 'text' OR (part = 'opening' AND village_id = (
  SELECT min(c.village_id) FROM clip c WHERE c.broadcast_id = :id AND c.part = 'opening')))
ORDER BY part
"""


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks for a village, and the county's name."""

    village: VillageVoice
    county: str


@dataclass(frozen=True, slots=True)
class KeptRecording:
    key: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Clip:
    """One piece of a broadcast's sound; `hash` names it on the shelf."""

    part: str
    hash: str
    seconds: float


class PageQueries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def voice(self, village: str) -> Voice | None:
        async with self._database.read() as connection:
            rows = await fetch(connection, VOICE, code=village)
        if not rows:
            return None
        row = rows[0]
        head = self._vault.open(row.head_name_ciphertext) if row.head_name_ciphertext else ""
        return Voice(VillageVoice(VillageId(row.id), row.name, head), row.county)

    async def recording(self, id: int, author: AccountId) -> KeptRecording | None:
        """The author's own recording; None for a strange one."""
        async with self._database.read() as connection:
            rows = await fetch(
                connection,
                "SELECT key, seconds FROM recording WHERE id = :id AND account_id = :author",
                id=id,
                author=author,
            )
        return KeptRecording(rows[0].key, rows[0].seconds) if rows else None

    async def clips(self, broadcast_id: int) -> list[Clip]:
        """Opening and text, as far as they are made; of several villages the first one's opening."""
        async with self._database.read() as connection:
            rows = await fetch(connection, CLIPS, id=broadcast_id)
        return [Clip(row.part, row.hash, row.seconds) for row in rows]
