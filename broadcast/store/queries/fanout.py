"""Set-based fan-out: from subscriptions to reaches, deliveries and their links, a slice at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.fan_out import Hours
from broadcast.model import CapStatus, Channel, Priority
from broadcast.plans import ORDER
from broadcast.policy import REDIAL_TURN
from broadcast.store.columns import to_us
from broadcast.store.queries.fanout_sql import (
    CHOOSE,
    ELIGIBLE,
    FILL_HOURS,
    INSERT_DELIVERIES,
    INSERT_LINKS,
    INSERT_LISTEN_ALONG,
    INSERT_REACHES,
    MAKE_CHOSEN,
    MAKE_HOURS,
    START_LATER,
    START_NOW,
)
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.work import Due, Slice

FLAGGED_FROM_AGE = 75
HOURS = {
    "village_id": "int",
    "channel": "text",
    "due_at": "bigint",
    "first_due_at": "bigint",
    "already": "bigint",
}


async def base_turn(connection: AsyncConnection, priority: Priority) -> int:
    """Where the lane's virtual time stands: the smallest turn of a first attempt still queued, else 0."""
    heads = [
        await fetch(
            connection,
            "SELECT turn FROM delivery WHERE state = 'queued' AND channel = :channel AND priority = :priority"
            " AND turn < :redials ORDER BY channel, priority, turn, id LIMIT 1",
            channel=str(channel),
            priority=int(priority),
            redials=REDIAL_TURN,
        )
        for channel in ORDER
    ]
    turns = [int(rows[0].turn) for rows in heads if rows]
    return min(turns, default=0)


async def already_by_village(connection: AsyncConnection, due: Due) -> dict[int, int]:
    """How many of each village earlier slices took; needed once, after a restart."""
    rows = await fetch(
        connection,
        "SELECT village_id, COUNT(*) AS n FROM reach WHERE broadcast_id = :broadcast"
        " AND resident_id <= :cursor GROUP BY village_id",
        broadcast=due.id,
        cursor=due.cursor,
    )
    return {int(row.village_id): int(row.n) for row in rows}


async def make_slice(
    connection: AsyncConnection,
    database: Database,
    due: Due,
    *,
    hours: Hours,
    is_voiced: bool,
    is_phoned: bool,
    already: dict[int, int],
    wait: timedelta,
    now: datetime,
    size: int,
) -> Slice:
    """One slice in the caller's transaction; the cursor is written on the broadcast's row with it.

    `hours`: when each channel may go out in each village. Calls wait until it `is_voiced`, and there are
    none unless it `is_phoned`: nobody's telephone is to ring with nothing to say, or too much.
    `already` is brought up to date in place.
    """
    high, found = await _bounds(connection, due, size)
    params: dict[str, object] = {
        "broadcast": due.id,
        "cursor": due.cursor,
        "high": high,
        "round": due.round,
        "now": to_us(now),
        "deadline": to_us(now + wait),
        "wait": wait.days * 86_400_000_000 + wait.seconds * 1_000_000,
        "priority": int(due.priority),
        "category": str(due.category),
        "is_actual": due.cap_status is CapStatus.ACTUAL,
        "old": now.year - FLAGGED_FROM_AGE,
        "is_emergency": due.priority is Priority.EMERGENCY,
        "base": await base_turn(connection, due.priority),
    }
    reaches = deliveries = 0
    if found:
        await _lay_hours(connection, database, _hours(hours, is_voiced, is_phoned, already))
        is_delayed = any(moment > now for moment in hours.values())
        reaches, deliveries = await _insert(connection, due, params, is_delayed=is_delayed)
        await _count_villages(connection, due, high, already)
    await run(
        connection,
        "UPDATE broadcast SET fan_out_cursor = :high, fan_out_total = fan_out_total + :reaches"
        " WHERE id = :broadcast",
        high=high,
        reaches=reaches,
        broadcast=due.id,
    )
    return Slice(high, reaches, deliveries, is_last=found < size)


async def _bounds(connection: AsyncConnection, due: Due, size: int) -> tuple[int, int]:
    if due.round > 1:
        inner = (
            "SELECT resident_id AS id FROM reach WHERE broadcast_id = :broadcast AND resident_id > :cursor"
            " AND state IN ('open','missed') ORDER BY resident_id LIMIT :size"
        )
    else:
        inner = f"SELECT p.id {ELIGIBLE} ORDER BY p.id LIMIT :size"
    row = (
        await fetch(
            connection,
            f"SELECT MAX(id) AS high, COUNT(*) AS found FROM ({inner}) AS ids",
            broadcast=due.id,
            cursor=due.cursor,
            category=str(due.category),
            is_actual=due.cap_status is CapStatus.ACTUAL,
            size=size,
        )
    )[0]
    return int(row.high if row.high is not None else due.cursor), int(row.found)


async def _lay_hours(connection: AsyncConnection, database: Database, hours: list[dict[str, object]]) -> None:
    for make in (MAKE_HOURS, MAKE_CHOSEN):
        await run(connection, make)
    for table in ("fan_hours", "fan_chosen"):
        await run(connection, f"DELETE FROM {table}")
    await run(connection, FILL_HOURS.format(hours=database.rows(HOURS, "hours", "h")), hours=as_json(hours))


async def _insert(
    connection: AsyncConnection, due: Due, params: dict[str, object], *, is_delayed: bool
) -> tuple[int, int]:
    reaches = 0
    if due.round == 1:
        reaches = (await run(connection, INSERT_REACHES, **params)).rowcount
    await run(connection, CHOOSE, **params)
    deliveries = (await run(connection, INSERT_DELIVERIES, **params)).rowcount
    await run(connection, INSERT_LINKS, **params)
    if due.round == 1:
        deliveries += (await run(connection, INSERT_LISTEN_ALONG, **params)).rowcount
        if is_delayed:
            await run(connection, START_LATER, **params)
        await run(connection, START_NOW, **params)
    return reaches, deliveries


def _hours(
    hours: Hours, is_voiced: bool, is_phoned: bool, already: dict[int, int]
) -> list[dict[str, object]]:
    return [
        {
            "village_id": village,
            "channel": str(channel),
            "due_at": None if channel is Channel.VOICE and not is_voiced else to_us(moment),
            "first_due_at": to_us(moment),
            "already": already.get(village, 0),
        }
        for (village, channel), moment in hours.items()
        if channel is not Channel.VOICE or is_phoned
    ]


async def _count_villages(connection: AsyncConnection, due: Due, high: int, already: dict[int, int]) -> None:
    rows = await fetch(
        connection,
        "SELECT village_id, COUNT(*) AS n FROM reach WHERE broadcast_id = :broadcast"
        " AND resident_id > :cursor AND resident_id <= :high GROUP BY village_id",
        broadcast=due.id,
        cursor=due.cursor,
        high=high,
    )
    for row in rows:
        already[int(row.village_id)] = already.get(int(row.village_id), 0) + int(row.n)
