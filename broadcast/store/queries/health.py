"""Whether anything is lost or stuck: reaches that nothing will ever act on again, deliveries that nobody watches."""

from __future__ import annotations

from broadcast.model import LIVE, Priority, ReachId
from broadcast.plans import PLANS
from broadcast.store.unit import Database, fetch

LIVE_LIST = ", ".join(f"'{state}'" for state in sorted(LIVE))
LAST_RUNG = len(PLANS[Priority.EMERGENCY]) - 1

# DESIGN section 5, "Lost": open (in EMERGENCY also heard, with rungs left), without a live delivery and without
# a deadline at which a tick will act. `ended_at`: the ladder was ended on purpose, good news came afterwards.
LOST = f"""
    SELECT r.id FROM reach r JOIN broadcast b ON b.id = r.broadcast_id
    WHERE b.state IN ('fanning_out', 'sending', 'done') AND r.deadline_at IS NULL
      AND (r.state = 'open'
           OR (r.state = 'heard' AND b.priority = 0 AND r.ended_at IS NULL AND r.rung < {LAST_RUNG}))
      AND NOT EXISTS (SELECT 1 FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
                      WHERE l.reach_id = r.id AND d.state IN ({LIVE_LIST}))
    ORDER BY r.id LIMIT :n
"""

# Live, but no tick and no claim will ever see it.
STUCK = """
    SELECT d.id FROM delivery d JOIN broadcast b ON b.id = d.broadcast_id
    WHERE (d.state IN ('claimed', 'sending', 'unconfirmed', 'sent') AND d.lease_until IS NULL)
       OR (d.state = 'held' AND d.due_at IS NULL AND b.voice_state <> 'pending')
    ORDER BY d.id LIMIT :n
"""


class HealthQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lost_reaches(self, n: int = 100) -> list[ReachId]:
        """Up to `n` people whom nothing will ever ask again, though they were not reached. Always empty, or a bug."""
        async with self._database.read() as connection:
            return [ReachId(row.id) for row in await fetch(connection, LOST, n=n)]

    async def stuck_deliveries(self, n: int = 100) -> list[int]:
        """Up to `n` live deliveries that nothing watches. Always empty, or a bug."""
        async with self._database.read() as connection:
            return [row.id for row in await fetch(connection, STUCK, n=n)]
