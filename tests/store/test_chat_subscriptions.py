"""Subscribing and stopping by chat, over real tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from broadcast.chat_in import menu
from broadcast.chat_in.village import PLACEHOLDER_NAME
from broadcast.model import Category
from broadcast.people.views import ResidentView
from broadcast.store.people_tables import Address, County
from broadcast.store.queries.people_lists import PeopleLists
from broadcast.store.unit import Database
from tests.builders import OFFICE, VILLAGE, Office, a_resident, a_village
from tests.store.talks import STRANGER, USER, Talks


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    yield Office(database)
    await database.close()


async def residents(office: Office) -> list[ResidentView]:
    return list(await PeopleLists(office.database, office.vault).residents(OFFICE))


def given(resident: ResidentView) -> set[str]:
    return {consent.category for consent in resident.consents if consent.withdrawn_at is None}


async def _county(office: Office) -> None:
    async with office.database.write() as connection:
        await connection.execute(insert(County).values(name="보람군"))


async def test_a_neighbour_enrols_with_the_words_that_were_shown(office: Office) -> None:
    await _county(office)
    await a_village(office)
    talks = Talks(office)
    asked = await talks.say(f"구독 {VILLAGE}")
    assert await residents(office) == []
    assert "샘골리" in (await talks.say(asked.buttons[0].says)).text
    (mine,) = await residents(office)
    assert mine.name == PLACEHOLDER_NAME
    assert [(a.kind, a.value) for a in mine.addresses] == [("kakao", USER)]
    assert given(mine) == {"notice", "administrative", "disaster"}
    assert {(c.given_how, c.given_words) for c in mine.consents} == {("kakao", asked.text)}
    assert "보람군 샘골리" in asked.text


async def test_agreeing_twice_makes_one_resident(office: Office) -> None:
    await a_village(office)
    talks = Talks(office)
    await asyncio.gather(*(talks.say(f"동의 {VILLAGE}") for _ in range(3)))
    assert len(await residents(office)) == 1


async def test_agreeing_renews_what_a_known_resident_withdrew(office: Office) -> None:
    await a_village(office)
    await a_resident(office, name="박순자", kakao=USER)
    talks = Talks(office)
    assert await talks.say("모두 그만") == menu.STOPPED_ALL
    async with office.database.write() as connection:
        off = update(Address).where(col(Address.kind) == "kakao").values(suppressed_at=office.clock.now())
        await connection.execute(off)
    await talks.say(f"동의 {VILLAGE}")
    (mine,) = await residents(office)
    assert (mine.name, given(mine)) == ("박순자", {"notice", "administrative", "disaster"})
    assert [address.is_suppressed for address in mine.addresses] == [False]


async def test_an_unknown_code_enrols_nobody(office: Office) -> None:
    await a_village(office)
    talks = Talks(office)
    for words in ("구독 9999", "동의 9999", "9999"):
        assert await talks.say(words) == menu.NO_SUCH_VILLAGE
    assert await talks.say("구독") == menu.WHICH_VILLAGE
    assert await residents(office) == []


async def test_stopping_keeps_evacuation_broadcasts(office: Office) -> None:
    await a_village(office)
    await a_resident(office, kakao=USER, categories=tuple(Category))
    await a_resident(office, name="이웃")
    talks = Talks(office)
    assert await talks.say("그만") == menu.STOPPED
    mine, neighbour = await residents(office)
    assert given(mine) == {"disaster"}
    assert {c.withdrawn_how for c in mine.consents if c.withdrawn_at} == {"kakao"}
    assert given(neighbour) == set(Category)


async def test_stopping_everything_withdraws_all(office: Office) -> None:
    await a_village(office)
    await a_resident(office, kakao=USER)
    talks = Talks(office)
    assert await talks.say("모두 그만") == menu.STOPPED_ALL
    (mine,) = await residents(office)
    assert given(mine) == set()
    assert await talks.say("그만") == menu.NOT_SUBSCRIBED
    assert await talks.say("그만", user=STRANGER) == menu.NOT_SUBSCRIBED


async def test_other_words_are_answered_with_a_menu(office: Office) -> None:
    assert await Talks(office).say("안녕하세요") == menu.MENU
