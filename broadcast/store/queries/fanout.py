"""Set-based fan-out: from subscriptions to reaches, deliveries and their links, a slice at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.fan_out import Hours
from broadcast.model import CapStatus, Channel, Priority
from broadcast.plans import ORDER
from broadcast.policy import REDIAL_TURN
from broadcast.store.columns import to_us
from broadcast.store.unit import Database, as_json, fetch, run
from broadcast.work import Due, Slice

HOURS = {"village_id": "int", "channel": "text", "due_at": "bigint", "first_due_at": "bigint"}
RANK = {channel: number for number, channel in enumerate(ORDER, 1)}

ELIGIBLE = """
    FROM resident p
    WHERE p.id > :cursor
      AND p.village_id IN (SELECT village_id FROM broadcast_village WHERE broadcast_id = :broadcast)
      AND p.deceased_at IS NULL AND p.moved_at IS NULL
      AND (p.in_drills OR :is_actual)
      AND EXISTS (SELECT 1 FROM subscription s WHERE s.resident_id = p.id AND s.village_id = p.village_id
                  AND s.category = :category AND s.withdrawn_at IS NULL)
"""

INSERT_REACHES = f"""
    INSERT INTO reach (broadcast_id, resident_id, village_id, state, rung, started_at, deadline_at,
                       needs_help, on_door_list)
    SELECT :broadcast, p.id, p.village_id, 'open', 0, :now, :deadline, false,
           :is_emergency AND (p.cannot_walk OR p.hard_of_hearing)
    {ELIGIBLE} AND p.id <= :high
    ON CONFLICT DO NOTHING
"""

# Whom a slice asks, and over which address each: the best usable one for each channel that has an hour.
# Both databases take the WITH before the INSERT.
CHOSEN = f"""
    WITH usable AS (
        SELECT r.id AS reach_id, r.village_id, a.id AS address_id, a.kind, a.can_ring, a.can_sms, ra.rank,
               p.route_rank, (p.cannot_walk OR p.hard_of_hearing OR p.lives_alone) AS is_flagged
        FROM reach r
        JOIN resident p ON p.id = r.resident_id
        JOIN resident_address ra ON ra.resident_id = r.resident_id
        JOIN address a ON a.id = ra.address_id
        WHERE r.broadcast_id = :broadcast AND r.resident_id > :cursor AND r.resident_id <= :high
          AND (r.state = 'open' OR (:round > 1 AND r.state = 'missed'))
          AND a.dead_at IS NULL AND a.suppressed_at IS NULL
    ), media AS (
        SELECT u.*, 'kakao' AS channel, {RANK[Channel.KAKAO]} AS place FROM usable u WHERE kind = 'kakao'
        UNION ALL
        SELECT u.*, 'voice', {RANK[Channel.VOICE]} FROM usable u WHERE kind = 'phone' AND can_ring
        UNION ALL
        SELECT u.*, 'sms', {RANK[Channel.SMS]} FROM usable u WHERE kind = 'phone' AND can_sms
    ), best AS (
        SELECT m.*, h.due_at, h.first_due_at,
               ROW_NUMBER() OVER (PARTITION BY reach_id, m.channel ORDER BY rank, address_id) AS nth,
               MIN(place) OVER (PARTITION BY reach_id) AS first_place
        FROM media m JOIN {{hours}} ON h.village_id = m.village_id AND h.channel = m.channel
    ), chosen AS (
        SELECT * FROM best WHERE nth = 1
          AND (place = first_place
               OR (:is_emergency AND NOT (channel = 'voice' AND first_place = {RANK[Channel.KAKAO]})))
    )
"""

# In an emergency the flagged and nearest come first; else a village's own order, interleaved by number.
TURN = """
    :base + COALESCE(MIN(o.already), 0) + ROW_NUMBER() OVER (
        PARTITION BY c.channel, MIN(c.village_id)
        ORDER BY CASE WHEN :is_emergency AND MAX(CASE WHEN c.is_flagged THEN 1 ELSE 0 END) = 1 THEN 0 ELSE 1 END,
                 CASE WHEN :is_emergency THEN MIN(c.route_rank) ELSE 0 END, MIN(c.reach_id))
"""

INSERT_DELIVERIES = """
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT :broadcast, 'announcement', 0, c.address_id, c.channel, :round, MIN(c.village_id),
           CASE WHEN MIN(c.due_at) <= :now THEN 'queued' ELSE 'held' END,
           :priority, {turn}, MIN(c.due_at), MIN(c.first_due_at), 0, 0, :now
    FROM chosen c
    LEFT JOIN {already} ON o.village_id = c.village_id
    GROUP BY c.address_id, c.channel
    ON CONFLICT DO NOTHING
"""

INSERT_LINKS = """
    INSERT INTO delivery_reach (delivery_id, reach_id)
    SELECT d.id, c.reach_id FROM chosen c
    JOIN delivery d ON d.broadcast_id = :broadcast AND d.purpose = 'announcement' AND d.subject = 0
     AND d.address_id = c.address_id AND d.channel = c.channel AND d.round = :round
    WHERE true
    ON CONFLICT DO NOTHING
"""

# A guardian hears along by chat, else by SMS, unless the announcement already goes to that very address.
INSERT_LISTEN_ALONG = """
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT :broadcast, 'listen_along', 0, g.address_id, g.channel, :round, MIN(g.village_id),
           CASE WHEN MIN(h.due_at) <= :now THEN 'queued' ELSE 'held' END,
           :priority, :base + 1000000 + MIN(g.reach_id), MIN(h.due_at), MIN(h.due_at), 0, 0, :now
    FROM (
        SELECT r.id AS reach_id, r.village_id, a.id AS address_id,
               CASE WHEN a.kind = 'kakao' THEN 'kakao' ELSE 'sms' END AS channel,
               ROW_NUMBER() OVER (PARTITION BY r.id, gs.guardian_id
                                  ORDER BY CASE WHEN a.kind = 'kakao' THEN 0 ELSE 1 END, ga.rank) AS nth
        FROM reach r
        JOIN guardianship gs ON gs.resident_id = r.resident_id AND gs.ended_at IS NULL
         AND gs.listens AND gs.agreed_at IS NOT NULL
        JOIN guardian gn ON gn.id = gs.guardian_id AND gn.ended_at IS NULL
        JOIN guardian_address ga ON ga.guardian_id = gs.guardian_id
        JOIN address a ON a.id = ga.address_id AND a.dead_at IS NULL AND a.suppressed_at IS NULL
         AND (a.kind = 'kakao' OR a.can_sms)
        WHERE r.broadcast_id = :broadcast AND r.resident_id > :cursor AND r.resident_id <= :high
    ) g
    JOIN {hours} ON h.village_id = g.village_id AND h.channel = g.channel
    WHERE g.nth = 1
      AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast_id = :broadcast AND d.purpose = 'announcement'
                      AND d.subject = 0 AND d.address_id = g.address_id AND d.channel = g.channel)
    GROUP BY g.address_id, g.channel
    ON CONFLICT DO NOTHING
"""

IN_SLICE = "broadcast_id = :broadcast AND resident_id > :cursor AND resident_id <= :high"

# The clock of the first rung runs from the moment at which its last delivery may go out.
START_LATER = f"""
    UPDATE reach SET deadline_at = :wait + (
        SELECT MAX(d.first_due_at) FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
        WHERE l.reach_id = reach.id)
    WHERE {IN_SLICE} AND state = 'open'
      AND EXISTS (SELECT 1 FROM delivery_reach l WHERE l.reach_id = reach.id)
"""

# Who has no usable address is not silently dropped: the ladder takes the reach up at once.
START_NOW = f"""
    UPDATE reach SET deadline_at = :now
    WHERE {IN_SLICE} AND state = 'open'
      AND NOT EXISTS (SELECT 1 FROM delivery_reach l WHERE l.reach_id = reach.id)
"""


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
    voice_state: str,
    already: dict[int, int],
    wait: timedelta,
    now: datetime,
    size: int,
) -> Slice:
    """One slice in the caller's transaction; the cursor is written on the broadcast's row with it.

    `hours`: when each channel may go out in each village. Calls wait while `voice_state` is pending, and
    there are none where it has failed: nobody's telephone is to ring with nothing to say.
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
        "is_emergency": due.priority is Priority.EMERGENCY,
        "base": await base_turn(connection, due.priority),
        "hours": as_json(_hours(hours, voice_state)),
        "already": as_json([{"village_id": village, "already": n} for village, n in already.items()]),
    }
    reaches = deliveries = 0
    if found:
        reaches, deliveries = await _insert(connection, database, due, params)
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


async def _insert(
    connection: AsyncConnection, database: Database, due: Due, params: dict[str, object]
) -> tuple[int, int]:
    hours = database.rows(HOURS, "hours", "h")
    already = database.rows({"village_id": "int", "already": "bigint"}, "already", "o")
    reaches = 0
    if due.round == 1:
        reaches = (await run(connection, INSERT_REACHES, **params)).rowcount
    deliveries = (
        await run(
            connection,
            (CHOSEN + INSERT_DELIVERIES).format(turn=TURN, hours=hours, already=already),
            **params,
        )
    ).rowcount
    await run(connection, (CHOSEN + INSERT_LINKS).format(hours=hours), **params)
    if due.round == 1:
        deliveries += (await run(connection, INSERT_LISTEN_ALONG.format(hours=hours), **params)).rowcount
        await run(connection, START_LATER, **params)
        await run(connection, START_NOW, **params)
    return reaches, deliveries


def _hours(hours: Hours, voice_state: str) -> list[dict[str, object]]:
    return [
        {
            "village_id": village,
            "channel": str(channel),
            "due_at": None if channel is Channel.VOICE and voice_state == "pending" else to_us(moment),
            "first_due_at": to_us(moment),
        }
        for (village, channel), moment in hours.items()
        if channel is not Channel.VOICE or voice_state != "failed"
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
