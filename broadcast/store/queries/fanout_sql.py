"""The statements of one slice of fan-out, in the order in which they run."""

from __future__ import annotations

from broadcast.model import Channel
from broadcast.plans import ORDER

RANK = {channel: number for number, channel in enumerate(ORDER, 1)}

# Whom an emergency looks after first (DESIGN section 3): `:old` is the year in which those of 75 were born.
FLAGGED = """
    (p.cannot_walk OR p.hard_of_hearing OR p.lives_alone OR COALESCE(p.born_in, 9999) <= :old)
""".strip()

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
           :is_emergency AND {FLAGGED}
    {ELIGIBLE} AND p.id <= :high
    ON CONFLICT DO NOTHING
"""

# SQLite takes CROSS JOIN as the order in which to walk, which must be from the slice outwards: a planner
# without fresh statistics chose otherwise and needed minutes. PostgreSQL's is pinned on the connection.

# A slice's own tables, so that it is chosen once and joined by key. They are the transaction's, or the
# single writer's: nobody else sees them.
MAKE_HOURS = """
    CREATE TEMP TABLE IF NOT EXISTS fan_hours (village_id INTEGER, channel TEXT, due_at BIGINT,
        first_due_at BIGINT, already BIGINT, PRIMARY KEY (village_id, channel))
"""
MAKE_CHOSEN = """
    CREATE TEMP TABLE IF NOT EXISTS fan_chosen (reach_id BIGINT, village_id INTEGER, address_id BIGINT,
        channel TEXT, due_at BIGINT, first_due_at BIGINT, already BIGINT, is_flagged INTEGER, route_rank INTEGER)
"""
FILL_HOURS = """
    INSERT INTO fan_hours SELECT h.village_id, h.channel, h.due_at, h.first_due_at, h.already FROM {hours}
"""

# Whom a slice asks, and over which address each: the best usable one for each channel that has an hour.
CHOOSE = f"""
    INSERT INTO fan_chosen
    WITH usable AS (
        SELECT r.id AS reach_id, r.village_id, a.id AS address_id, a.kind, a.can_ring, a.can_sms, ra.rank,
               p.route_rank, {FLAGGED} AS is_flagged
        FROM reach r CROSS JOIN resident p CROSS JOIN resident_address ra CROSS JOIN address a
        WHERE p.id = r.resident_id AND ra.resident_id = r.resident_id AND a.id = ra.address_id
          AND r.broadcast_id = :broadcast AND r.resident_id > :cursor AND r.resident_id <= :high
          AND (r.state = 'open' OR (:round > 1 AND r.state = 'missed'))
          AND a.dead_at IS NULL AND a.suppressed_at IS NULL
    ), media AS (
        SELECT u.*, 'kakao' AS channel, {RANK[Channel.KAKAO]} AS place FROM usable u WHERE kind = 'kakao'
        UNION ALL
        SELECT u.*, 'voice', {RANK[Channel.VOICE]} FROM usable u WHERE kind = 'phone' AND can_ring
        UNION ALL
        SELECT u.*, 'sms', {RANK[Channel.SMS]} FROM usable u WHERE kind = 'phone' AND can_sms
    ), best AS (
        SELECT m.*, h.due_at, h.first_due_at, h.already,
               ROW_NUMBER() OVER (PARTITION BY reach_id, m.channel ORDER BY rank, address_id) AS nth,
               MIN(place) OVER (PARTITION BY reach_id) AS first_place
        FROM media m CROSS JOIN fan_hours h WHERE h.village_id = m.village_id AND h.channel = m.channel
    )
    SELECT reach_id, village_id, address_id, channel, due_at, first_due_at, already,
           CASE WHEN is_flagged THEN 1 ELSE 0 END, route_rank
    FROM best WHERE nth = 1
      AND (place = first_place
           OR (:is_emergency AND NOT (channel = 'voice' AND first_place = {RANK[Channel.KAKAO]})))
"""

# In an emergency the flagged and nearest come first; else a village's own order, interleaved by number.
TURN = """
    :base + MIN(c.already) + ROW_NUMBER() OVER (
        PARTITION BY c.channel, MIN(c.village_id)
        ORDER BY CASE WHEN :is_emergency AND MAX(c.is_flagged) = 1 THEN 0 ELSE 1 END,
                 CASE WHEN :is_emergency THEN MIN(c.route_rank) ELSE 0 END, MIN(c.reach_id))
"""

INSERT_DELIVERIES = f"""
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT :broadcast, 'announcement', 0, c.address_id, c.channel, :round, MIN(c.village_id),
           CASE WHEN MIN(c.due_at) <= :now THEN 'queued' ELSE 'held' END,
           :priority, {TURN}, MIN(c.due_at), MIN(c.first_due_at), 0, 0, :now
    FROM fan_chosen c
    GROUP BY c.address_id, c.channel
    ON CONFLICT DO NOTHING
"""

# A scalar look-up by the unique key: as a join, a planner that thinks the slice empty walks it per delivery.
INSERT_LINKS = """
    INSERT INTO delivery_reach (delivery_id, reach_id)
    SELECT (SELECT d.id FROM delivery d
            WHERE d.broadcast_id = :broadcast AND d.purpose = 'announcement' AND d.subject = 0
              AND d.address_id = c.address_id AND d.channel = c.channel AND d.round = :round), c.reach_id
    FROM fan_chosen c WHERE true
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
    JOIN fan_hours h ON h.village_id = g.village_id AND h.channel = g.channel
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
    WHERE {IN_SLICE} AND state = 'open' AND id NOT IN (SELECT reach_id FROM fan_chosen)
"""
