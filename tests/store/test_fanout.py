"""Fan-out: who is asked first, over which address, when; and what a slice leaves out."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from broadcast.fan_out import hours_for
from broadcast.model import Category, Channel, Priority, ReceiptKind, ResidentId
from broadcast.plans import PLANS, first_channels
from broadcast.store.columns import to_us
from broadcast.store.queries.endings import EndingQueries
from tests.builders import VILLAGE, a_guardian, a_resident, a_village
from tests.store.works import CLIPS, ZONE, Works

NEIGHBOURS = "4182025022"


async def asked(works: Works) -> dict[int, set[str]]:
    """Channels over which each resident was asked."""
    found: dict[int, set[str]] = defaultdict(set)
    for row in await works.rows(
        "SELECT r.resident_id, d.channel FROM reach r JOIN delivery_reach l ON l.reach_id = r.id"
        " JOIN delivery d ON d.id = l.delivery_id"
    ):
        found[row.resident_id].add(row.channel)
    return found


# --- whom, and how ----------------------------------------------------------------------------


@pytest.mark.parametrize("priority", [Priority.ROUTINE, Priority.EMERGENCY])
async def test_a_slice_asks_everyone_as_their_plan_says(works: Works, priority: Priority) -> None:
    """A seeded crowd with shared, dead, suppressed and half-able addresses, in slices of seven."""
    dice = random.Random(int(priority))
    for n in range(40):
        phone = f"010-3000-{dice.randrange(12):04}" if dice.random() < 0.8 else ""
        kakao = f"user{dice.randrange(30)}" if dice.random() < 0.4 or not phone else None
        await a_resident(works.office, phone=phone, kakao=kakao, name=f"주민{n}")
    for row in await works.rows("SELECT id FROM address"):
        await works.write(
            "UPDATE address SET can_ring = (kind = 'phone' AND :ring), can_sms = (kind = 'phone' AND :sms),"
            " dead_at = :dead, suppressed_at = :suppressed WHERE id = :id",
            ring=dice.random() < 0.8,
            sms=dice.random() < 0.7,
            dead=to_us(works.clock.now()) if dice.random() < 0.15 else None,
            suppressed=to_us(works.clock.now()) if dice.random() < 0.15 else None,
            id=row.id,
        )
    expected = {
        resident: {str(channel) for channel in first_channels(priority, has)}
        for resident, has in (await usable(works)).items()
    }
    broadcast = await works.broadcast(priority, voiced=False)
    await works.course.rendered(broadcast, CLIPS)
    await works.fan_out(size=7)
    found = await asked(works)
    assert {resident: found[resident] for resident in expected} == expected
    doubled = await works.rows("SELECT 1 FROM delivery GROUP BY address_id, channel HAVING COUNT(*) > 1")
    assert not doubled
    unreachable = await works.rows(
        "SELECT COUNT(*) AS n FROM reach WHERE deadline_at = :now", now=to_us(works.clock.now())
    )
    assert unreachable[0].n == sum(not channels for channels in expected.values())


async def usable(works: Works) -> dict[int, frozenset[Channel]]:
    has: dict[int, set[Channel]] = {row.id: set() for row in await works.rows("SELECT id FROM resident")}
    for row in await works.rows(
        "SELECT ra.resident_id, a.kind, a.can_ring, a.can_sms FROM resident_address ra"
        " JOIN address a ON a.id = ra.address_id WHERE a.dead_at IS NULL AND a.suppressed_at IS NULL"
    ):
        if row.kind == "kakao":
            has[row.resident_id].add(Channel.KAKAO)
        else:
            has[row.resident_id] |= {Channel.VOICE} if row.can_ring else set()
            has[row.resident_id] |= {Channel.SMS} if row.can_sms else set()
    return {resident: frozenset(channels) for resident, channels in has.items()}


async def test_a_couple_s_landline_rings_once_for_both(works: Works) -> None:
    for name in ("남편", "아내"):
        await a_resident(works.office, name=name, phone="033-481-1234")
    await works.broadcast()
    assert await works.deliveries() == [("voice", "queued")]
    assert len(await works.rows("SELECT 1 FROM delivery_reach")) == 2


async def test_the_dead_the_moved_and_the_withdrawn_are_left_out(works: Works) -> None:
    endings = EndingQueries(works.office.database)
    now = works.clock.now()
    people: list[ResidentId] = [await a_resident(works.office) for _ in range(4)]
    await endings.deceased(people[0], now)
    await endings.moved(people[1], now)
    await endings.withdraw(people[2], [Category.NOTICE], "paper", now)
    await a_resident(works.office, categories=(Category.DISASTER,))
    await a_village(works.office, NEIGHBOURS, "옆골리")
    await a_resident(works.office, village=NEIGHBOURS)
    await works.broadcast()
    assert [row.resident_id for row in await works.rows("SELECT resident_id FROM reach")] == [people[3]]


async def test_a_guardian_hears_along_once_for_both_parents(works: Works) -> None:
    mother = await a_resident(works.office, phone="033-481-1234")
    father = await a_resident(works.office, phone="033-481-1234")
    for parent in (mother, father):
        await a_guardian(works.office, parent, phone="010-5555-1234")
    await works.broadcast()
    assert await works.deliveries("purpose = 'listen_along'") == [("sms", "queued")]
    assert await works.deliveries("purpose = 'announcement'") == [("voice", "queued")]


@pytest.mark.parametrize(
    "traits",
    [{"cannot_walk": True}, {"hard_of_hearing": True}, {"lives_alone": True}, {"born_in": 1951}],
    ids=lambda traits: next(iter(traits)),
)
async def test_the_flagged_are_on_the_door_list_of_an_emergency_at_once(
    works: Works, traits: dict[str, Any]
) -> None:
    await a_resident(works.office, born_in=1952)
    flagged = await a_resident(works.office, **traits)
    await works.broadcast(Priority.EMERGENCY)
    listed = await works.rows("SELECT resident_id FROM reach WHERE on_door_list")
    assert [row.resident_id for row in listed] == [flagged]
    first = await works.rows(
        "SELECT l.reach_id FROM delivery d JOIN delivery_reach l ON l.delivery_id = d.id"
        " WHERE d.channel = 'voice' ORDER BY d.turn, d.id LIMIT 1"
    )
    assert await works.rows("SELECT 1 FROM reach WHERE id = :id AND on_door_list", id=first[0].reach_id)


# --- slices -----------------------------------------------------------------------------------


async def test_a_fan_out_that_crashed_goes_on_at_its_cursor(works: Works) -> None:
    """Three slices of three, the process gone after each; nobody is asked twice, nobody forgotten."""
    for _ in range(8):
        await a_resident(works.office)
    await works.broadcast(voiced=False)
    await works.course.rendered((await works.course.to_render(1))[0].id, CLIPS)
    for expected in (3, 6, 8):
        due = (await works.course.due(works.clock.now(), 1))[0]
        await works.course.begin_fan_out(due.id, works.clock.now())
        hours = hours_for(due, works.clock.now(), ZONE)
        await works.course.slice(
            due, hours, await works.course.already(due), timedelta(hours=1), works.clock.now(), 3
        )
        assert len(await works.reaches()) == expected
    assert await works.course.due(works.clock.now(), 1) == []
    turns = [row.turn for row in await works.rows("SELECT turn FROM delivery ORDER BY id")]
    assert turns == sorted(set(turns))
    (row,) = await works.rows("SELECT state, fan_out_total FROM broadcast")
    assert (row.state, row.fan_out_total) == ("sending", 8)


async def test_a_broadcast_that_expired_while_nobody_worked_ends(works: Works) -> None:
    """Two hours of darkness; the fan-out must not go round in circles over it."""
    await a_resident(works.office)
    await works.broadcast(voiced=False, expires_in=timedelta(hours=1))
    await works.course.rendered((await works.course.to_render(1))[0].id, CLIPS)
    await works.pass_(hours=2)
    assert [row.state for row in await works.rows("SELECT state FROM broadcast")] == ["expired"]
    assert await works.reaches() == []


# --- hours ------------------------------------------------------------------------------------


async def test_night_holds_calls_and_their_clock(works: Works) -> None:
    await a_resident(works.office, phone="033-481-1234")
    works.clock.pass_(hours=14)  # midnight
    morning = works.clock.now() + timedelta(hours=8)
    await works.broadcast()
    assert await works.deliveries() == [("voice", "held")]
    assert await works.deadline() == morning + PLANS[Priority.ROUTINE][0].wait
    await works.tick()
    assert await works.deliveries() == [("voice", "held")]
    await works.pass_(hours=8)
    assert await works.deliveries() == [("voice", "queued")]


async def test_a_channel_that_opens_after_expiry_is_passed_over(works: Works) -> None:
    """At 20:30 a routine text may still go, a call only after the broadcast has expired."""
    await a_resident(works.office)
    works.clock.pass_(hours=10, minutes=30)
    await works.broadcast(expires_in=timedelta(hours=8))
    assert await works.deliveries() == [("sms", "queued")]


async def test_emergency_calls_wait_for_their_sound_and_nothing_else_does(works: Works) -> None:
    await a_resident(works.office)
    broadcast = await works.broadcast(Priority.EMERGENCY, voiced=False)
    assert set(await works.deliveries()) == {("voice", "held"), ("sms", "queued")}
    await works.course.rendered(broadcast, CLIPS)
    await works.tick()
    assert set(await works.deliveries()) == {("voice", "queued"), ("sms", "queued")}


async def test_a_sound_that_got_ready_during_a_slice_is_not_missed(works: Works) -> None:
    """The slice is made with the state of the sound as it is then, not as it was when the slice began."""
    await a_resident(works.office)
    await works.submit(Priority.EMERGENCY, who=works.head)
    due = (await works.course.due(works.clock.now(), 1))[0]
    await works.course.begin_fan_out(due.id, works.clock.now())
    await works.course.rendered(due.id, CLIPS)
    hours = hours_for(due, works.clock.now(), ZONE)
    await works.course.slice(due, hours, {}, timedelta(minutes=2), works.clock.now(), 100)
    assert ("voice", "queued") in await works.deliveries()


async def test_a_sound_that_cannot_be_made_rings_nobody(works: Works) -> None:
    await a_resident(works.office)
    await a_resident(works.office, phone="033-481-1234")
    broadcast = await works.broadcast(Priority.EMERGENCY, voiced=False)
    await works.course.render_failed(broadcast, works.clock.now())
    await works.tick()
    assert await works.deliveries("channel = 'voice'") == [("voice", "cancelled")] * 2
    await works.hand_over(Channel.SMS)
    for _ in range(12):
        await works.pass_(minutes=15)
        assert await works.hand_over(Channel.VOICE) == []
    assert await works.health.lost_reaches() == []


# --- order, and again -------------------------------------------------------------------------


async def test_villages_take_turns_and_the_flagged_go_first_in_need(works: Works) -> None:
    await a_village(works.office, NEIGHBOURS, "옆골리")
    both = (VILLAGE, NEIGHBOURS)
    walks = [await a_resident(works.office, village=both[n // 3], route_rank=9 - n) for n in range(6)]
    lies = await a_resident(works.office, village=NEIGHBOURS, cannot_walk=True, route_rank=99)
    sql = (
        "SELECT r.resident_id FROM delivery d JOIN delivery_reach l ON l.delivery_id = d.id"
        " JOIN reach r ON r.id = l.reach_id WHERE d.channel = 'voice' AND d.priority = :lane"
        " ORDER BY d.turn, d.id"
    )
    for lane in (Priority.ROUTINE, Priority.EMERGENCY):
        await works.broadcast(lane, villages=both, who=works.officer)
    routine = [row.resident_id for row in await works.rows(sql, lane=2)]
    assert sorted(routine[:2]) == [walks[0], walks[3]]
    assert sorted(routine[2:4]) == [walks[1], walks[4]]
    emergency = [row.resident_id for row in await works.rows(sql, lane=0)]
    assert sorted(emergency[:2]) == [walks[2], lies]  # the nearest of one village, the flagged of the other
    assert sorted(emergency[2:4]) == [walks[1], walks[5]]


async def test_a_new_broadcast_comes_before_redials_of_an_old_one(works: Works) -> None:
    await a_resident(works.office, phone="033-481-1234")
    await works.broadcast()
    (old,) = await works.hand_over(Channel.VOICE)
    await works.receive(old, ReceiptKind.NO_ANSWER)
    await works.pass_(hours=1, minutes=30)
    assert await works.deliveries() == [("voice", "queued")]
    await a_resident(works.office, phone="033-481-5678")
    await works.broadcast()
    first, *_ = await works.claim(Channel.VOICE)
    assert first.broadcast_id == 2


async def test_asking_again_makes_a_new_round_for_the_missed_alone(works: Works) -> None:
    for phone in ("033-481-1111", "033-481-2222"):
        await a_resident(works.office, phone=phone)
    broadcast = await works.broadcast()
    heard, missed = await works.hand_over(Channel.VOICE)
    await works.heard(heard)
    await works.miss_to_the_end(missed)
    assert sorted(await works.reaches()) == ["heard", "missed"]
    await works.composer.resend_unheard(broadcast, works.head)
    await works.fan_out()
    rounds = await works.rows("SELECT round, state FROM delivery ORDER BY id")
    assert sorted(tuple(row) for row in rounds) == [(1, "failed"), (1, "heard"), (2, "queued")]
    assert await works.hand_over(Channel.VOICE) == []  # it was rung twice today
    await works.pass_(hours=21)
    (again,) = await works.hand_over(Channel.VOICE)
    await works.heard(again)
    await works.tick()
    assert await works.reaches() == ["heard", "heard"]
    assert [row.state for row in await works.rows("SELECT state FROM broadcast")] == ["done"]
