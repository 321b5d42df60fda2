"""The witness: every request in order, kept in memory and written to SQLite in batches by its own thread."""

from __future__ import annotations

import queue
import sqlite3
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    n INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, sid TEXT NOT NULL, address TEXT NOT NULL,
    attempt TEXT NOT NULL, accepted INTEGER NOT NULL, fault TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS thing (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
"""
PUT_ENTRY = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
PUT_THING = "INSERT OR REPLACE INTO thing VALUES (?, ?, ?)"

Row = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One create request. `n` counts over calls, messages and talks; `accepted`: it took effect."""

    n: int
    at: datetime
    kind: str
    sid: str
    to: str
    attempt: str
    accepted: bool = True
    fault: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"at": self.at.isoformat()}


class Journal:
    """`load` before use where there is a file; `close` writes what is left."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last = 0
        self.entries: list[Entry] = []

    def load(self) -> dict[str, list[str]]:
        """Open the file, take up its entries, and return the kept things' JSON by kind. Blocks."""
        if self._path is None:
            return {}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(self._path)
        try:
            base.executescript(SCHEMA)
            base.execute("PRAGMA journal_mode = WAL")
            self.entries = [_entry(row) for row in base.execute("SELECT * FROM entry ORDER BY n")]
            things: dict[str, list[str]] = {}
            for kind, body in base.execute("SELECT kind, body FROM thing"):
                things.setdefault(kind, []).append(body)
        finally:
            base.close()
        self._last = self.entries[-1].n if self.entries else 0
        self._thread = threading.Thread(target=self._write, name="simulator-journal", daemon=True)
        self._thread.start()
        return things

    def next_number(self) -> int:
        self._last += 1
        return self._last

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)
        values = (entry.n, entry.at.isoformat(), entry.kind, entry.sid, entry.to, entry.attempt)
        self._put(PUT_ENTRY, (*values, int(entry.accepted), entry.fault))

    def keep(self, kind: str, key: str, body: str) -> None:
        """Remember a thing's latest JSON."""
        self._put(PUT_THING, (kind, key, body))

    def forget(self) -> None:
        """Drop all; the numbers go on, so that no two requests ever share one."""
        self.entries.clear()
        self._put("DELETE FROM entry", ())
        self._put("DELETE FROM thing", ())

    def close(self) -> None:
        """Blocks until everything is written."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _put(self, statement: str, values: tuple[object, ...]) -> None:
        if self._thread is not None:
            self._queue.put((statement, values))

    def _write(self) -> None:
        base = sqlite3.connect(str(self._path))
        try:
            base.execute("PRAGMA synchronous = NORMAL")
            while rows := self._gather():
                with base:
                    for row in rows:
                        if row is None:
                            return
                        base.execute(*row)
        finally:
            base.close()

    def _gather(self) -> list[Row | None]:
        """Wait for one row, then take all that have come meanwhile: one commit for them together."""
        rows: list[Row | None] = [self._queue.get()]
        while len(rows) < 1000:
            try:
                rows.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return rows


def _entry(row: tuple[int, str, str, str, str, str, int, str]) -> Entry:
    n, at, kind, sid, to, attempt, accepted, fault = row
    return Entry(n, datetime.fromisoformat(at), kind, sid, to, attempt, bool(accepted), fault)
