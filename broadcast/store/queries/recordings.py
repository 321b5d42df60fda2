"""Uploaded recordings: the row beside the bytes in the media store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broadcast.model import AccountId, RecordingId
from broadcast.store.columns import to_us
from broadcast.store.unit import Database, run

ADD = """
INSERT INTO recording (account_id, key, sha256, content_type, size, seconds, truncated, created_at)
VALUES (:account_id, :key, :sha256, :content_type, :size, :seconds, :truncated, :at)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NewRecording:
    account_id: AccountId
    key: str
    sha256: bytes
    content_type: str
    size: int
    seconds: float
    truncated: bool


async def add_recording(database: Database, new: NewRecording, now: datetime) -> RecordingId:
    """After the bytes are durable: a row always has its sound."""
    async with database.write() as connection:
        found = await run(
            connection,
            ADD,
            account_id=new.account_id,
            key=new.key,
            sha256=new.sha256,
            content_type=new.content_type,
            size=new.size,
            seconds=new.seconds,
            truncated=new.truncated,
            at=to_us(now),
        )
        return RecordingId(int(found.scalar_one()))
