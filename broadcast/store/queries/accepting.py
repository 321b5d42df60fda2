"""The usual answer of a provider, written back in two statements without reading first: it has accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast import policy
from broadcast.lifecycle import DeliveryEvent, move_delivery
from broadcast.model import Accepted, AttemptId, Channel, DeliveryState
from broadcast.store.columns import to_us
from broadcast.store.unit import Database, as_json, fetch, run, unindexed
from broadcast.work import Finished

BEFORE = DeliveryState.SENDING
AFTER = move_delivery(BEFORE, DeliveryEvent.ACCEPTED).state
LOOKED_AFTER = " ".join(f"WHEN '{channel}' THEN CAST(:{channel} AS bigint)" for channel in Channel)

# A delivery that a receipt, a recall or a lost lease has moved meanwhile is left to who can decide.
ACCEPT = f"""
    UPDATE delivery SET state = '{AFTER}', lease_owner = NULL, lease_until = CASE channel {LOOKED_AFTER} END,
           defers = 0, due_at = NULL, updated_at = :now
    FROM {{rows}}
    WHERE delivery.id = r.id AND delivery.attempt_id = r.attempt_id AND {unindexed("delivery.state")} = '{BEFORE}'
      AND delivery.stop_asked IS NULL
    RETURNING delivery.attempt_id
"""
NOTE = """
    UPDATE attempt SET reference = r.reference, outcome = 'accepted' FROM {rows} WHERE attempt.id = r.attempt_id
"""
ROWS = {"id": "bigint", "attempt_id": "bigint", "reference": "text"}


async def accept(
    connection: AsyncConnection, database: Database, finished: Sequence[Finished], now: datetime
) -> set[AttemptId]:
    """Write the accepted ones back as far as nothing has happened to them meanwhile; returns their attempts."""
    rows = [
        {"id": one.delivery_id, "attempt_id": one.attempt_id, "reference": one.outcome.reference}
        for one in sorted(finished, key=lambda one: one.delivery_id)  # the order in which others lock, too
        if isinstance(one.outcome, Accepted)
    ]
    if not rows:
        return set()
    given = as_json(rows)
    later = {str(channel): to_us(policy.looked_after_at(channel, now)) for channel in Channel}
    table = database.rows(ROWS)
    done = await fetch(connection, ACCEPT.format(rows=table), rows=given, now=to_us(now), **later)
    await run(connection, NOTE.format(rows=table), rows=given)
    return {AttemptId(row.attempt_id) for row in done}
