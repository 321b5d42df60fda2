"""Withdrawal, death, moving away and suppression stop what is under way, at once and on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from broadcast.drafts import Who
from broadcast.errors import NotAllowed
from broadcast.model import (
    AccountId,
    BroadcastId,
    Category,
    Channel,
    DeliveryState,
    Priority,
    ReachState,
    ResidentId,
    Role,
)
from broadcast.people.residents import People
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.unit import Database, fetch, run
from broadcast.work import StopRequest
from tests.builders import OFFICE, Office, Reached, a_broadcast, a_reach, a_resident, a_village, an_account


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    yield Office(database)
    await database.close()


async def an_author(office: Office) -> AccountId:
    await a_village(office)
    return await an_account(office)


async def states(office: Office, reached: Reached) -> tuple[str, str, str | None]:
    """Of the reach and of the delivery, and why the provider was asked to stop."""
    async with office.database.read() as connection:
        reach = await fetch(connection, "SELECT state FROM reach WHERE id = :id", id=reached.reach_id)
        delivery = await fetch(
            connection, "SELECT state, stop_asked FROM delivery WHERE id = :id", id=reached.delivery_id
        )
    return reach[0].state, delivery[0].state, delivery[0].stop_asked


def endings(office: Office) -> EndingQueries:
    return EndingQueries(office.database)


@pytest.mark.parametrize("delivery", [DeliveryState.HELD, DeliveryState.QUEUED, DeliveryState.CLAIMED])
async def test_a_death_ends_what_is_not_handed_over(office: Office, delivery: DeliveryState) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id, delivery=delivery)
    assert await endings(office).deceased(reached.resident_id, office.clock.now()) == []
    assert await states(office, reached) == ("closed", "failed", None)


async def test_a_ringing_call_is_to_be_stopped(office: Office) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id, channel=Channel.VOICE)
    stops = await endings(office).moved(reached.resident_id, office.clock.now())
    assert stops == [StopRequest("kakao", f"ref-{reached.delivery_id}")]
    assert await states(office, reached) == ("closed", "sent", "barred")


async def test_a_withdrawal_concerns_its_categories_only(office: Office) -> None:
    author = await an_author(office)
    notice = await a_broadcast(office, author)
    first = await a_reach(office, notice, delivery=DeliveryState.QUEUED)
    disaster = await a_broadcast(office, author, category=Category.DISASTER)
    second = await also_reached(office, disaster, first.resident_id)
    now = office.clock.now()
    await endings(office).withdraw(first.resident_id, [Category.NOTICE], "telephone", now)
    assert (await states(office, first))[:2] == ("closed", "failed")
    assert (await states(office, second))[:2] == ("open", "queued")


async def test_others_on_the_same_delivery_are_still_rung(office: Office) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id, delivery=DeliveryState.QUEUED)
    wife = await a_resident(office)
    async with office.database.write() as connection:
        made = await run(
            connection,
            "INSERT INTO reach (broadcast_id, resident_id, village_id, state, rung, started_at, needs_help,"
            " on_door_list) SELECT broadcast_id, :wife, village_id, 'open', 0, started_at, needs_help,"
            " on_door_list FROM reach WHERE id = :id RETURNING id",
            wife=wife,
            id=reached.reach_id,
        )
        await run(
            connection,
            "INSERT INTO delivery_reach (delivery_id, reach_id) VALUES (:delivery, :reach)",
            delivery=reached.delivery_id,
            reach=made.scalar_one(),
        )
    await endings(office).deceased(reached.resident_id, office.clock.now())
    assert await states(office, reached) == ("closed", "queued", None)


@pytest.mark.parametrize(
    ("priority", "before", "after"),
    [
        (Priority.ROUTINE, ReachState.HEARD, "heard"),
        (Priority.EMERGENCY, ReachState.HEARD, "closed"),
        (Priority.EMERGENCY, ReachState.CONFIRMED, "confirmed"),
        (Priority.ROUTINE, ReachState.MISSED, "closed"),
    ],
)
async def test_good_news_outlives_a_withdrawal(
    office: Office, priority: Priority, before: ReachState, after: str
) -> None:
    id = await a_broadcast(office, await an_author(office), priority=priority)
    reached = await a_reach(office, id, state=before, delivery=DeliveryState.HEARD)
    await endings(office).withdraw(reached.resident_id, list(Category), "paper", office.clock.now())
    assert (await states(office, reached))[0] == after


async def test_a_suppressed_address_sends_the_person_to_the_next_rung(office: Office) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id, delivery=DeliveryState.QUEUED)
    now = office.clock.now()
    async with office.database.read() as connection:
        address = (await fetch(connection, "SELECT id FROM address"))[0].id
    assert await endings(office).suppress(reached.resident_id, address, now) == []
    assert (await states(office, reached))[:2] == ("open", "failed")
    async with office.database.read() as connection:
        rows = await fetch(connection, "SELECT deadline_at FROM reach")
        assert rows[0].deadline_at == int(now.timestamp() * 1_000_000)
        assert (await fetch(connection, "SELECT suppressed_at FROM address"))[0].suppressed_at


async def test_nobody_suppresses_an_address_of_somebody_else(office: Office) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id)
    stranger = await a_resident(office)
    async with office.database.read() as connection:
        address = (await fetch(connection, "SELECT id FROM address ORDER BY id"))[0].id
    assert await endings(office).suppress(stranger, address, office.clock.now()) is None
    assert await states(office, reached) == ("open", "sent", None)


async def test_a_head_cannot_silence_a_number_of_another_village(office: Office) -> None:
    await an_author(office)
    await a_village(office, "4182025022", "아랫말")
    await a_resident(office, phone="010-1234-5678", village="4182025022")
    own = await a_resident(office, phone="010-1234-5678")
    async with office.database.read() as connection:
        (row,) = await fetch(
            connection, "SELECT a.id, p.village_id FROM address a, resident p WHERE p.id = :id", id=own
        )

    async def stop(requests: object) -> None: ...

    people = People(PeopleQueries(office.database, office.vault), endings(office), office.clock, stop)
    head = Who(AccountId(1), Role.HEAD, "head", row.village_id)
    with pytest.raises(NotAllowed):
        await people.suppress(head, own, row.id)
    await people.suppress(OFFICE, own, row.id)  # the county may


async def test_a_second_death_changes_nothing(office: Office) -> None:
    id = await a_broadcast(office, await an_author(office))
    reached = await a_reach(office, id)
    first = office.clock.now()
    await endings(office).deceased(reached.resident_id, first)
    office.clock.pass_(hours=1)
    await endings(office).deceased(reached.resident_id, office.clock.now())
    where = await PeopleQueries(office.database, office.vault).whereabouts(reached.resident_id)
    assert where is not None
    assert where.is_gone
    async with office.database.read() as connection:
        rows = await fetch(connection, "SELECT deceased_at FROM resident")
    assert rows[0].deceased_at == int(first.timestamp() * 1_000_000)


async def also_reached(office: Office, broadcast_id: BroadcastId, resident_id: ResidentId) -> Reached:
    """The same person in another broadcast, queued."""
    reached = await a_reach(office, broadcast_id, delivery=DeliveryState.QUEUED)
    async with office.database.write() as connection:
        await run(
            connection,
            "UPDATE reach SET resident_id = :resident WHERE id = :id",
            resident=resident_id,
            id=reached.reach_id,
        )
    return reached
