"""An idempotency key: one effect and one answer, however often and however fast it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.builders import VILLAGE, a_village
from tests.web.desk import API, TEXT, Village, count
from tests.web.test_bad_input import is_problem

sqlite = pytest.mark.parametrize("database_kind", ["sqlite"])


async def with_key(village: Village, key: str, token: str | None = None, **body: object) -> Any:
    return await village.served.ask(
        "POST",
        f"{API}/broadcasts",
        token or village.token,
        json={"text": TEXT, "villages": [VILLAGE], **body},
        headers={"Idempotency-Key": key},
    )


async def test_a_repeated_key_gives_the_same_answer(village: Village) -> None:
    first, second = await with_key(village, "k1"), await with_key(village, "k1")
    assert (first.status, first.body) == (second.status, second.body)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await count(village.served.office.database, "broadcast") == 1


async def test_a_key_with_another_body_is_refused(village: Village) -> None:
    await with_key(village, "k1")
    answer = await with_key(village, "k1", text="다른 글")
    is_problem(answer, 422, "idempotency_key_reused")
    assert await count(village.served.office.database, "broadcast") == 1


async def test_requests_at_the_same_time_have_one_effect(village: Village) -> None:
    answers = await asyncio.gather(*(with_key(village, "k1") for _ in range(8)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    assert await count(village.served.office.database, "broadcast") == 1


async def test_keys_belong_to_their_token(village: Village) -> None:
    await with_key(village, "k1")
    await with_key(village, "k1", village.county_token)
    assert await count(village.served.office.database, "broadcast") == 2


async def test_a_refused_request_leaves_its_key_free(village: Village) -> None:
    assert (await with_key(village, "k1", villages=["0000000000"])).status == 422
    assert (await with_key(village, "k1")).status == 202


async def test_a_key_is_forgotten_after_a_day(village: Village) -> None:
    await with_key(village, "k1")
    village.served.office.clock.pass_(hours=24, seconds=1)
    await with_key(village, "k1", text="다른 글")
    assert await count(village.served.office.database, "broadcast") == 2


async def test_the_effect_of_a_request_that_died_is_found_again(village: Village) -> None:
    first = await with_key(village, "k1")
    async with village.served.office.database.write() as connection:  # died between effect and answer
        await connection.exec_driver_sql("UPDATE idempotency SET status = NULL, answer_ciphertext = NULL")
    village.served.office.clock.pass_(minutes=2)
    second = await with_key(village, "k1")
    assert second.json["id"] == first.json["id"]
    assert await count(village.served.office.database, "broadcast") == 1


async def test_the_same_words_for_another_village_are_another_broadcast(village: Village) -> None:
    await a_village(village.served.office, "4182025022", "윗말")
    first = await with_key(village, "k1", village.county_token)
    async with village.served.office.database.write() as connection:  # the first one died without an effect
        await connection.exec_driver_sql("UPDATE idempotency SET status = NULL, answer_ciphertext = NULL")
        await connection.exec_driver_sql("DELETE FROM broadcast_village")
        await connection.exec_driver_sql("DELETE FROM broadcast")
    other = await with_key(village, "k2", village.county_token, villages=["4182025022"])
    village.served.office.clock.pass_(minutes=2)
    again = await with_key(village, "k1", village.county_token)
    assert (first.status, again.status) == (202, 202)
    assert again.json["id"] != other.json["id"]


async def test_a_request_that_died_before_its_effect_is_done_again(village: Village) -> None:
    await with_key(village, "k1")
    async with village.served.office.database.write() as connection:
        await connection.exec_driver_sql("UPDATE idempotency SET status = NULL, answer_ciphertext = NULL")
        await connection.exec_driver_sql("DELETE FROM broadcast_village")
        await connection.exec_driver_sql("DELETE FROM broadcast")
    village.served.office.clock.pass_(minutes=2)
    assert (await with_key(village, "k1")).status == 202
    assert await count(village.served.office.database, "broadcast") == 1


@sqlite
@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
async def test_a_malformed_key_is_refused(village: Village, key: str) -> None:
    answer = await with_key(village, key)
    is_problem(answer, 422, "invalid")
    assert answer.fields == ["Idempotency-Key"]


async def test_the_kept_answer_is_sealed(village: Village) -> None:
    answer = await with_key(village, "k1")
    async with village.served.office.database.read() as connection:
        kept = (await connection.exec_driver_sql("SELECT answer_ciphertext FROM idempotency")).scalar_one()
    assert answer.json["url"].encode() not in bytes(kept)
