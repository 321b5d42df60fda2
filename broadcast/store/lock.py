"""On SQLite one process serves a database: a lock file says so, and is freed when that process dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broadcast.errors import Conflict
from broadcast.store.unit import Database


@contextmanager
def only_server(database: Database) -> Iterator[None]:
    """Raises Conflict if another process serves this SQLite file. PostgreSQL may have many."""
    if not database.is_sqlite or not database.url.database or database.url.database == ":memory:":
        yield
        return
    path = Path(database.url.database + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "Another maeul serve is using this database; stop it first.",
                "이 데이터베이스는 이미 실행 중인 maeul serve가 쓰고 있습니다. 먼저 멈추세요.",
            ) from None
        yield
