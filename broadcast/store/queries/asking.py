"""What the ladder and errands ask for: deliveries that share what is already under way, and errands' words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import LIVE
from broadcast.policy import REDIAL_TURN
from broadcast.store.columns import maybe_us, to_us
from broadcast.store.unit import Database, as_json, run
from broadcast.store.vault import Vault
from broadcast.work import ErrandText, NewDelivery

LIVE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE))

# An errand's delivery has the round of the words that are kept right after it, whichever address it goes to.
# A number that a live delivery of the same broadcast already asks is not asked twice: its row is shared.
INSERT = """
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT n.broadcast_id, n.purpose, n.subject, n.address_id, n.channel,
           CASE WHEN n.purpose IN ('announcement', 'listen_along')
                THEN COALESCE((SELECT MAX(d.round) FROM delivery d WHERE d.broadcast_id = n.broadcast_id
                               AND d.purpose = n.purpose AND d.subject = n.subject
                               AND d.address_id = n.address_id AND d.channel = n.channel), 0) + 1
                ELSE COALESCE((SELECT MAX(e.round) FROM errand e WHERE e.broadcast_id = n.broadcast_id
                               AND e.purpose = n.purpose AND e.subject = n.subject), 0) + 1 END,
           n.village_id, CASE WHEN n.due_at <= :now THEN 'queued' ELSE 'held' END, n.priority,
           :later + n.reach_id, n.due_at, COALESCE(n.due_at, :now), 0, 0, :now
    FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast_id = n.broadcast_id AND d.purpose = n.purpose
                      AND d.subject = n.subject AND d.address_id = n.address_id AND d.channel = n.channel
                      AND d.state IN ({live}))
    ON CONFLICT DO NOTHING
"""

LINK = """
    INSERT INTO delivery_reach (delivery_id, reach_id)
    SELECT MAX(d.id), n.reach_id FROM {rows}
    JOIN delivery d ON d.broadcast_id = n.broadcast_id AND d.purpose = n.purpose AND d.subject = n.subject
     AND d.address_id = n.address_id AND d.channel = n.channel AND d.state IN ({live})
    GROUP BY n.reach_id, n.broadcast_id, n.address_id, n.channel
    ON CONFLICT DO NOTHING
"""

NEW = {
    "broadcast_id": "bigint",
    "purpose": "text",
    "subject": "bigint",
    "address_id": "bigint",
    "channel": "text",
    "village_id": "int",
    "priority": "int",
    "due_at": "bigint",
    "reach_id": "bigint",
}


async def ask(
    connection: AsyncConnection, database: Database, asks: Sequence[NewDelivery], now: datetime
) -> None:
    """Insert what is not already under way, and link the reaches to what is."""
    if not asks:
        return
    shared: dict[tuple[object, ...], NewDelivery] = {}
    links: list[dict[str, object]] = []
    for one in asks:
        shared.setdefault((one.broadcast_id, one.purpose, one.subject, one.address_id, one.channel), one)
        links.extend(_row(one, reach) for reach in one.reach_ids)
    rows = database.rows(NEW, alias="n")
    await run(
        connection,
        INSERT.format(rows=rows, live=LIVE_LIST),
        rows=as_json([_row(one, one.reach_ids[0] if one.reach_ids else 0) for one in shared.values()]),
        now=to_us(now),
        later=REDIAL_TURN,
    )
    await run(connection, LINK.format(rows=rows, live=LIVE_LIST), rows=as_json(links))


async def keep_errands(
    connection: AsyncConnection, vault: Vault, errands: Sequence[ErrandText], now: datetime
) -> None:
    """The words of what was just asked for."""
    for one in errands:
        await run(
            connection,
            "INSERT INTO errand (broadcast_id, purpose, subject, round, text_ciphertext, created_at)"
            " VALUES (:broadcast, CAST(:purpose AS text), :subject, 1 + COALESCE((SELECT MAX(round) FROM errand"
            " WHERE broadcast_id = :broadcast AND purpose = CAST(:purpose AS text) AND subject = :subject), 0),"
            " :text, :now)",
            broadcast=one.broadcast_id,
            purpose=str(one.purpose),
            subject=one.subject,
            text=vault.seal(f"{one.title}\n{one.text}"),
            now=to_us(now),
        )


def _row(one: NewDelivery, reach_id: int) -> dict[str, object]:
    return {
        "broadcast_id": one.broadcast_id,
        "purpose": str(one.purpose),
        "subject": one.subject,
        "address_id": one.address_id,
        "channel": str(one.channel),
        "village_id": one.village_id,
        "priority": int(one.priority),
        "due_at": maybe_us(one.due_at),
        "reach_id": reach_id,
    }
