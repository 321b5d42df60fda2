"""Claims: the order of lanes and turns, no delivery twice, and the index that keeps them quick."""

from __future__ import annotations

import asyncio

from broadcast.model import Channel, Priority
from broadcast.store.columns import to_us
from broadcast.store.queries import dispatch
from broadcast.store.unit import fetch, run
from tests.builders import a_resident
from tests.store.works import LEASE, Works

BULK = """
    INSERT INTO delivery (broadcast_id, purpose, subject, address_id, channel, round, village_id, state,
                          priority, turn, due_at, first_due_at, tries, defers, updated_at)
    SELECT d.broadcast_id, 'code', n.n, d.address_id, d.channel, 1, d.village_id, 'queued',
           2, n.n, 0, 0, 0, 0, 0
    FROM (SELECT * FROM delivery ORDER BY id LIMIT 1) AS d, ({numbers}) AS n
"""
NUMBERS = {
    True: "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n FROM c",
    False: "SELECT generate_series(1, 20000) AS n",
}


async def test_claims_follow_the_lanes_and_turns(works: Works) -> None:
    for _ in range(3):
        await a_resident(works.office)
    for lane in (Priority.ROUTINE, Priority.URGENT, Priority.EMERGENCY):
        await works.broadcast(lane)
    first = await works.claim(Channel.VOICE, 2, lane=Priority.EMERGENCY)
    assert [one.priority for one in first] == [0, 0]
    assert len(await works.claim(Channel.VOICE, 9, lane=Priority.EMERGENCY)) == 1
    rest = await works.claim(Channel.VOICE, 9)
    assert [one.priority for one in rest] == [1, 1, 1, 2, 2, 2]
    assert [one.turn for one in rest] == [1, 2, 3, 1, 2, 3]
    assert await works.claim(Channel.VOICE, 9) == []
    assert {one.channel for one in await works.claim(Channel.SMS, 9)} == {Channel.SMS}


async def test_a_claim_brings_all_that_its_message_needs(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678")
    await works.broadcast()
    (one,) = await works.claim(Channel.VOICE)
    assert (one.to, one.village, one.text) == ("+821012345678", "샘골리", "내일 물이 나오지 않습니다.")
    assert "1234" not in repr(one)
    (row,) = await works.rows("SELECT state, lease_owner, lease_until FROM delivery")
    assert tuple(row) == ("claimed", "w1", to_us(works.clock.now() + LEASE))


async def test_two_workers_never_claim_one_delivery(works: Works) -> None:
    for _ in range(40):
        await a_resident(works.office)
    await works.broadcast()
    claims = await asyncio.gather(*(works.claim(Channel.VOICE, 7, owner=f"w{n}") for n in range(8)))
    ids = [one.id for claimed in claims for one in claimed]
    assert sorted(ids) == sorted(set(ids))
    rest = await works.claim(Channel.VOICE, 99)
    assert len(ids) + len(rest) == 40


async def test_a_delivery_that_no_key_opens_does_not_stop_the_rest(works: Works) -> None:
    for _ in range(2):
        await a_resident(works.office)
    await works.broadcast()
    await works.write("UPDATE address SET ciphertext = :junk WHERE id = 1", junk=b"\0" * 40)
    assert [one.address_id for one in await works.claim(Channel.VOICE)] == [2]


async def test_a_claim_walks_its_index_right_after_a_bulk_insert(works: Works) -> None:
    """Stale statistics once made a claim read the whole backlog (DESIGN section 6)."""
    await a_resident(works.office)
    await works.broadcast()
    database = works.office.database
    async with database.write() as connection:
        await run(connection, BULK.format(numbers=NUMBERS[database.is_sqlite]))
    claim = dispatch.CLAIM if database.is_sqlite else dispatch.CLAIM_POSTGRES
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    async with database.write(hot=True) as connection:
        plan = await fetch(
            connection,
            explain + claim.replace("{skip}", database.skip_locked),
            owner="w1",
            until=0,
            now=0,
            channel="voice",
            lane=2,
            n=200,
        )
    told = "\n".join(str(row[-1]) for row in plan)
    assert "ix_delivery_queued" in told
    for detour in ("Seq Scan on delivery", "Bitmap", "Sort", "TEMP B-TREE"):
        assert detour not in told
