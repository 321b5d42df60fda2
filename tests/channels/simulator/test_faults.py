"""A carrier that misbehaves: what the client meets, and what took effect all the same."""

from __future__ import annotations

import asyncio
from typing import cast

import aiohttp
import pytest

from tests.channels.simulator.stage import ANNA, Json, Stage


async def faults(stage: Stage, **fault: object) -> None:
    await stage.carrier(faults=[fault])


async def test_a_server_error_strikes_as_often_as_told_and_rings_nobody(stage: Stage) -> None:
    await faults(stage, kind="500", on="messages", count=2)
    assert [(await stage.text()).status for _ in range(3)] == [500, 500, 201]
    assert [entry["n"] for entry in await stage.witnessed()] == [3]


async def test_a_throttle_says_when_to_come_back(stage: Stage) -> None:
    await faults(stage, kind="429")
    answer = await stage.call()
    assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (429, 20429, "1")
    assert await stage.calls() == []


async def test_garbage_hides_a_call_that_rings_all_the_same(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["busy"]})
    await faults(stage, kind="garbage")
    answer = await stage.call()
    assert answer.body == {}
    (entry,) = await stage.witnessed()
    assert (entry["fault"], entry["attempt"], entry["to"]) == ("garbage", "7", ANNA)
    await stage.clock.run_out()
    assert stage.office.statuses == ["initiated", "busy"]


async def test_a_connection_is_cut_after_the_call_was_taken(stage: Stage) -> None:
    await faults(stage, kind="cut", count=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stage.call()
    assert len(await stage.witnessed()) == 1
    await faults(stage, kind="cut", count=1, accepts=False)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await stage.call()
    assert len(await stage.witnessed()) == 1


async def test_silence_holds_neither_the_clock_nor_the_call(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["busy"]})
    await faults(stage, kind="silence", on="calls", count=1)
    asked = asyncio.create_task(stage.call())
    while not await stage.witnessed():
        pass
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await stage.clock.run_out()
    assert stage.office.statuses == ["initiated", "busy"]


async def test_callbacks_come_twice_with_one_token(stage: Stage) -> None:
    await stage.carrier(callbacks={"twice": 1.0})
    await stage.text()
    await stage.clock.run_out()
    assert [event["MessageStatus"] for event in stage.office.sms] == [
        "sent",
        "sent",
        "delivered",
        "delivered",
    ]


async def test_callbacks_come_out_of_order(stage: Stage) -> None:
    await stage.carrier(callbacks={"out_of_order": 1.0})
    await stage.text()
    await stage.clock.run_out()
    assert [event["MessageStatus"] for event in stage.office.sms] == ["delivered", "sent"]


async def test_callbacks_come_late_or_never(stage: Stage) -> None:
    await stage.carrier(callbacks={"late": 1.0, "late_s": 100})
    await stage.text()
    await stage.clock.run_for(50)
    assert stage.office.sms == []
    await stage.clock.run_out()
    assert len(stage.office.sms) == 2
    await stage.carrier(callbacks={"lost": 1.0})
    await stage.text()
    await stage.clock.run_out()
    assert len(stage.office.sms) == 2
    counts = cast(Json, (await stage.ask("GET", "/control/carrier")).body["callbacks"])
    assert (counts["taken"], counts["lost"]) == (2, 2)


async def test_the_witness_counts_over_all_kinds_of_request(stage: Stage) -> None:
    await stage.call()
    await stage.text()
    await stage.push("user1", "user2")
    entries = await stage.witnessed()
    assert [(entry["n"], entry["kind"]) for entry in entries] == [
        (1, "calls"), (2, "messages"), (3, "talks"), (4, "talks"),
    ]  # fmt: skip
    assert [entry["attempt"] for entry in entries] == ["7", "8", "7", "7"]


async def test_a_reset_forgets_all_but_the_count(stage: Stage) -> None:
    await faults(stage, kind="500", count=0)
    await stage.text()
    assert (await stage.ask("DELETE", "/control")).status == 200
    assert await stage.witnessed() == []
    assert stage.office.sms == []
    await stage.text()
    assert [entry["n"] for entry in await stage.witnessed()] == [2]


@pytest.mark.parametrize("body", [{"faults": [{"kind": "gremlins"}]}, {"latency_s": -1}, {"unknown": 1}])
async def test_a_wrong_setting_is_refused(stage: Stage, body: Json) -> None:
    assert (await stage.ask("PUT", "/control/carrier", json=body)).status == 422
