"""Chores by the clock, run by APScheduler: ended sessions forgotten, SQLite's log kept short."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from broadcast.store.queries.housekeeping import HousekeepingQueries
from broadcast.wiring import Maeul

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that may be late by minutes but must not be forgotten; `every_s` in real seconds."""

    key: str
    every_s: int
    run: Callable[[], Awaitable[object]]


def chores(maeul: Maeul) -> list[Chore]:
    queries = HousekeepingQueries(maeul.database)

    async def forget_sessions() -> None:
        await queries.forget_sessions(maeul.clock.now())

    return [
        Chore("forget_sessions", 3600, forget_sessions),
        Chore("checkpoint", 60, queries.checkpoint),
    ]


@asynccontextmanager
async def housekeeping(what: Sequence[Chore]) -> AsyncIterator[AsyncIOScheduler]:
    """Run the chores while the block lasts; one that fails is logged and comes again."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for chore in what:
        scheduler.add_job(
            _safely,
            "interval",
            (chore,),
            seconds=chore.every_s,
            id=chore.key,
            coalesce=True,
            max_instances=1,
        )
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.shutdown(wait=False)


async def _safely(chore: Chore) -> None:
    try:
        await chore.run()
    except Exception:
        log.exception("chore_failed", extra={"chore": chore.key})
