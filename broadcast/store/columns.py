"""Column types and instants: times are kept as microseconds since 1970 UTC, so that SQL compares numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970; raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return (moment - EPOCH) // MICRO


def from_us(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def maybe_us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


def maybe_from_us(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as BIGINT microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return maybe_us(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return maybe_from_us(value)


# SQLite numbers rows by themselves only in an INTEGER primary key.
BigId = BigInteger().with_variant(Integer(), "sqlite")
