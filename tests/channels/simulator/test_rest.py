"""Twilio's REST surface: refusals with Twilio's codes, lists, and answers that fit Twilio's own schema."""

from __future__ import annotations

import json
import os
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import aiohttp
import jsonschema
import pytest

from channels.simulator.credentials import SIMULATOR_ACCOUNT_SID
from channels.simulator.twilio_json import segments
from tests.channels.simulator.stage import ACCOUNT, ANNA, CALLER, Json, Stage

SHARED = Path(os.environ.get("MAEUL_SHARED", Path(__file__).parents[4] / "shared"))
SPECIFICATION = SHARED / "contracts" / "twilio" / "twilio_v2010_trimmed.json"
CALLS, MESSAGES = f"{ACCOUNT}/Calls.json", f"{ACCOUNT}/Messages.json"


@pytest.fixture(scope="module")
def specification() -> Json:
    if not SPECIFICATION.exists():
        pytest.skip("Twilio's specification is not here (MAEUL_SHARED)")
    return cast(Json, _nullable(json.loads(SPECIFICATION.read_text())))


def _nullable(node: object) -> object:
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def _check(specification: Json, path: str, method: str, status: int, body: Json) -> None:
    template = path.replace(SIMULATOR_ACCOUNT_SID, "{AccountSid}")
    where = ("paths", template, method, "responses", str(status), "content", "application/json", "schema")
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in where)
    jsonschema.validate(body, {**specification, "$ref": f"#/{pointer}"})


async def test_calls_and_their_list_fit_twilios_schema(stage: Stage, specification: Json) -> None:
    await stage.behaves(ANNA, call={})
    created = await stage.call()
    _check(specification, CALLS, "post", created.status, created.body)
    await stage.clock.run_out()
    read = await stage.ask("GET", f"{ACCOUNT}/Calls/{created.body['sid']}.json")
    _check(specification, f"{ACCOUNT}/Calls/{{Sid}}.json", "get", read.status, read.body)
    assert (read.body["status"], read.body["answered_by"]) == ("completed", "human")
    listed = await stage.ask("GET", CALLS)
    _check(specification, CALLS, "get", listed.status, listed.body)


async def test_messages_and_their_list_fit_twilios_schema(stage: Stage, specification: Json) -> None:
    created = await stage.text()
    _check(specification, MESSAGES, "post", created.status, created.body)
    await stage.clock.run_out()
    read = await stage.ask("GET", f"{ACCOUNT}/Messages/{created.body['sid']}.json")
    _check(specification, f"{ACCOUNT}/Messages/{{Sid}}.json", "get", read.status, read.body)
    listed = await stage.ask("GET", MESSAGES)
    _check(specification, MESSAGES, "get", listed.status, listed.body)


async def test_a_wrong_token_is_refused_as_by_twilio(stage: Stage) -> None:
    wrong = aiohttp.encode_basic_auth(SIMULATOR_ACCOUNT_SID, "wrong")
    for auth in ("", wrong, "Basic ???", "Bearer abc"):
        answer = await stage.ask("POST", CALLS, form={"To": ANNA}, auth=auth)
        assert (answer.status, answer.body["code"]) == (401, 20003)
    other = await stage.ask("GET", CALLS.replace("AC0", "AC1", 1))
    assert other.status == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "010-1234-5678"}, 21211),
        ({"From": ""}, 21213),
        ({"From": "1004"}, 21212),
        ({"Url": ""}, 21205),
        ({"Url": "ftp://maeul.example.kr/a"}, 21205),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"Url": "", "Twiml": "x" * 4001}, 21240),
        ({"Timeout": "0"}, 20001),
    ],
)
async def test_a_faulty_call_gets_twilios_code(stage: Stage, changes: dict[str, str], code: int) -> None:
    answer = await stage.call(**changes)
    assert (answer.status, answer.body["code"]) == (400, code)
    assert answer.body["status"] == 400
    assert await stage.witnessed(every=True) == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": CALLER, "Body": "가"}, 21604),
        ({"To": "+82", "From": CALLER, "Body": "가"}, 21211),
        ({"To": ANNA, "Body": "가"}, 21603),
        ({"To": ANNA, "From": CALLER, "Body": " "}, 21602),
        ({"To": ANNA, "From": CALLER, "Body": "가" * 1601}, 21617),
    ],
)
async def test_a_faulty_message_gets_twilios_code(stage: Stage, form: dict[str, str], code: int) -> None:
    answer = await stage.ask("POST", MESSAGES, form=form)
    assert (answer.status, answer.body["code"]) == (400, code)


async def test_an_invalid_number_is_refused_before_anything_rings(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["invalid"]}, sms={"results": ["opted_out"]})
    assert (await stage.call()).body["code"] == 21211
    assert (await stage.text()).body["code"] == 21610
    assert await stage.witnessed() == []
    assert [entry["accepted"] for entry in await stage.witnessed(every=True)] == [False, False]


async def test_the_list_of_calls_filters_by_number_and_start(stage: Stage) -> None:
    for number in (ANNA, f"{ANNA}9"):
        await stage.behaves(number, call={"results": ["busy"]})
        await stage.call(number)
    await stage.clock.run_for(60)
    later = stage.clock.now()
    newest = (await stage.call()).body["sid"]
    query = urlencode({"To": ANNA, "StartTime>": later.isoformat(), "PageSize": "1"})
    found = (await stage.ask("GET", f"{CALLS}?{query}")).body["calls"]
    assert [call["sid"] for call in cast(list[Json], found)] == [newest]


async def test_lists_are_paged_newest_first(stage: Stage) -> None:
    sids = [(await stage.text(body=str(number))).body["sid"] for number in range(5)]
    seen: list[object] = []
    page: object = f"{MESSAGES}?PageSize=2"
    while isinstance(page, str):
        answer = (await stage.ask("GET", page)).body
        seen.extend(sms["sid"] for sms in cast(list[Json], answer["messages"]))
        page = answer["next_page_uri"]
    assert seen == sids[::-1]


async def test_answers_carry_the_simulators_own_time(stage: Stage) -> None:
    await stage.clock.run_for(7200)
    answer = await stage.ask("GET", CALLS)
    assert parsedate_to_datetime(answer.headers["Date"]) == stage.clock.now()


async def test_an_unknown_call_is_not_found(stage: Stage) -> None:
    for path in ("Calls/CA1", "Messages/SM1"):
        for method in ("GET", "POST"):
            answer = await stage.ask(method, f"{ACCOUNT}/{path}.json", form={} if method == "POST" else None)
            assert (answer.status, answer.body["code"]) == (404, 20404)


def test_korean_text_is_billed_in_ucs2_segments() -> None:
    assert [segments("가" * count) for count in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert [segments("a" * count) for count in (160, 161)] == [1, 2]
