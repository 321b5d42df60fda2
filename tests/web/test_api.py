"""The API as a client uses it: broadcasts, reports, residents, villages, keys and its own description."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broadcast.model import Channel, DeliveryState, ReachState, Role
from tests.builders import VILLAGE, a_village
from tests.web.desk import API, TEXT, Served, Village, a_reach, count
from tests.web.test_bad_input import is_problem

sqlite = pytest.mark.parametrize("database_kind", ["sqlite"])


async def test_a_broadcast_is_taken_and_can_be_followed(village: Village) -> None:
    answer = await village.submit(title="단수 안내")
    assert answer.status == 202
    assert answer.json["state"] == "rendering"
    assert answer.json["url"] == f"{village.served.url}{API}/broadcasts/{answer.json['id']}"
    seen = await village.served.ask("GET", answer.json["url"], village.token)
    assert (seen.json["title"], seen.json["text"], seen.json["villages"]) == ("단수 안내", TEXT, [VILLAGE])
    assert (seen.json["author"], seen.json["priority"]) == ("샘골리 이장", "ROUTINE")
    assert seen.json["created_at"] == "2026-03-04T01:00:00Z"


async def test_the_triple_makes_an_emergency(village: Village) -> None:
    answer = await village.submit(
        severity="Extreme",
        urgency="Immediate",
        certainty="Observed",
        category="disaster",
        expires_at="2026-03-04T13:00:00+09:00",
    )
    seen = await village.served.ask("GET", answer.json["url"], village.token)
    assert (seen.json["priority"], seen.json["approval_basis"]) == ("EMERGENCY", "head_own_village")


async def test_a_broadcast_is_cancelled_once(village: Village) -> None:
    id = (await village.submit()).json["id"]
    first = await village.served.ask("POST", f"{API}/broadcasts/{id}/cancel", village.token)
    assert (first.status, first.json["state"]) == (200, "cancelled")
    again = await village.served.ask("POST", f"{API}/broadcasts/{id}/cancel", village.token)
    is_problem(again, 409, "conflict")


async def test_an_author_does_not_approve_the_own_emergency(village: Village) -> None:
    waiting = await village.submit(
        village.county_token, priority="EMERGENCY", expires_at="2026-03-04T13:00:00+09:00"
    )
    assert waiting.json["state"] == "awaiting_approval"
    path = f"{API}/broadcasts/{waiting.json['id']}/approve"
    is_problem(await village.served.ask("POST", path, village.county_token), 403, "not_allowed")
    officer = await village.token_of(Role.DISASTER_OFFICER)
    assert (await village.served.ask("POST", path, officer)).json["state"] == "scheduled"


async def test_a_heads_third_emergency_in_an_hour_waits_for_approval_however_fast(village: Village) -> None:
    many = [village.submit(priority="EMERGENCY", expires_at="2026-03-04T13:00:00+09:00") for _ in range(8)]
    states = sorted([answer.json["state"] for answer in await asyncio.gather(*many)])
    assert states == ["awaiting_approval"] * 6 + ["scheduled"] * 2
    village.served.office.clock.pass_(minutes=61)
    later = await village.submit(priority="EMERGENCY", expires_at="2026-03-04T13:00:00+09:00")
    assert later.json["state"] == "scheduled"


async def test_a_foreign_villages_broadcast_is_not_to_be_seen(village: Village) -> None:
    await a_village(village.served.office, "4182025022", "윗말")
    other = await village.token_of(Role.HEAD, village="4182025022")
    url = (await village.submit()).json["url"]
    is_problem(await village.served.ask("GET", url, other), 404, "not_found")
    is_problem(await village.served.ask("POST", f"{url}/cancel", other), 404, "not_found")
    assert (await village.served.ask("GET", f"{API}/broadcasts", other)).json["items"] == []


async def test_broadcasts_are_listed_newest_first_in_pages(village: Village) -> None:
    ids = [(await village.submit()).json["id"] for _ in range(3)]
    path = f"{API}/broadcasts?limit=2"
    first = await village.served.ask("GET", path, village.token)
    rest = await village.served.ask("GET", f"{path}&cursor={first.json['next_cursor']}", village.token)
    assert [one["id"] for one in first.json["items"] + rest.json["items"]] == ids[::-1]
    assert rest.json["next_cursor"] is None


async def test_a_report_counts_and_names_people(village: Village) -> None:
    id = (await village.submit()).json["id"]
    await a_reach(village, id, name="박순자", delivery=DeliveryState.HEARD, state=ReachState.HEARD)
    missed = await a_reach(village, id, name="김철수", channel=Channel.VOICE)
    seen = (await village.served.ask("GET", f"{API}/broadcasts/{id}", village.token)).json
    assert seen["reaches"] == {"heard": 1, "open": 1}
    assert seen["deliveries"] == {"heard": 1, "sent": 1}
    assert seen["by_channel"] == {"kakao": {"heard": 1}, "voice": {"sent": 1}}
    path = f"{API}/broadcasts/{id}/reaches?state=open"
    (person,) = (await village.served.ask("GET", path, village.token)).json["items"]
    assert (person["name"], person["channel"], person["attempts"]) == ("김철수", "voice", 1)
    assert person["resident_id"] == missed.resident_id
    auditor = await village.token_of(Role.AUDITOR)
    (person,) = (await village.served.ask("GET", path, auditor)).json["items"]
    assert person["name"] is None


async def test_deliveries_come_with_attempts_and_masked_addresses(village: Village) -> None:
    id = (await village.submit()).json["id"]
    await a_reach(village, id, phone="010-2345-6789", channel=Channel.VOICE)
    await a_reach(village, id, delivery=DeliveryState.QUEUED)
    path = f"{API}/broadcasts/{id}/deliveries?state=sent&limit=1"
    page = (await village.served.ask("GET", path, village.county_token)).json
    assert [(one["address"], len(one["attempts"])) for one in page["items"]] == [("+8210****89", 1)]
    rest = await village.served.ask("GET", f"{path}&cursor={page['next_cursor']}", village.token)
    assert rest.json["items"] == []
    auditor = await village.token_of(Role.AUDITOR)
    assert (await village.served.ask("GET", path, auditor)).json["items"][0]["address"] is None


# --- one key, one effect ----------------------------------------------------------------------


# --- people -----------------------------------------------------------------------------------

RESIDENT: dict[str, Any] = {
    "village": VILLAGE,
    "name": "박순자",
    "born_in": 1941,
    "addresses": [{"kind": "phone", "value": "010-1234-5678"}],
    "consent": {"categories": ["notice", "disaster"], "how": "paper", "words": "받겠습니다"},
}


async def test_a_resident_is_enrolled_changed_and_leaves(village: Village) -> None:
    ask, token = village.served.ask, village.token
    made = await ask("POST", f"{API}/residents", token, json=RESIDENT)
    assert made.status == 201, made.body
    assert (made.json["addresses"][0]["masked"], made.json["addresses"][0]["value"]) == ("+8210****78", None)
    path = f"{API}/residents/{made.json['id']}"
    changed = await ask("PATCH", path, token, json={"name": "박순희", "absence": "hospital"})
    assert (changed.json["name"], changed.json["absence"], changed.json["born_in"]) == (
        "박순희",
        "hospital",
        1941,
    )
    withdrawn = await ask("POST", f"{path}/withdraw", token, json={"categories": ["notice"]})
    assert [c["withdrawn_at"] is None for c in withdrawn.json["consents"]] == [False, True]
    again = await ask("POST", f"{path}/consent", token, json={"categories": ["notice"], "how": "telephone"})
    assert again.json["consents"][0]["withdrawn_at"] is None
    landline = await ask("POST", f"{path}/addresses", token, json={"value": "031-555-0101"})
    assert landline.json["addresses"][1]["can_sms"] is False
    number = landline.json["addresses"][0]["id"]
    quiet = await ask("POST", f"{path}/addresses/{number}/suppress", token)
    assert [one["is_suppressed"] for one in quiet.json["addresses"]] == [True, False]
    gone = await ask("POST", f"{path}/deceased", token)
    assert gone.json["deceased_at"] is not None
    late = await ask("POST", f"{path}/consent", token, json={"categories": ["notice"], "how": "paper"})
    is_problem(late, 409, "conflict")


async def test_guardians_are_added_and_listed(village: Village) -> None:
    made = await village.served.ask("POST", f"{API}/residents", village.token, json=RESIDENT)
    path = f"{API}/residents/{made.json['id']}/guardians"
    guardian = {"name": "박지훈", "addresses": [{"value": "010-2345-6789"}], "agreed_how": "paper"}
    assert (await village.served.ask("POST", path, village.token, json=guardian)).status == 201
    (seen,) = (await village.served.ask("GET", path, village.token)).json["items"]
    assert (seen["name"], seen["addresses"][0]["masked"]) == ("박지훈", "+8210****89")


async def test_the_county_sees_whole_numbers_a_head_does_not(village: Village) -> None:
    await village.served.ask("POST", f"{API}/residents", village.token, json=RESIDENT)
    path = f"{API}/residents?village={VILLAGE}"
    for token, value in ((village.county_token, "+821012345678"), (village.token, None)):
        (seen,) = (await village.served.ask("GET", path, token)).json["items"]
        assert seen["addresses"][0]["value"] == value


@sqlite
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"addresses": [{"value": "119"}]}, "addresses.0.value"),
        ({"addresses": [{"kind": "pigeon", "value": "x"}]}, "addresses.0.kind"),
        ({"village": "0000000000"}, "village"),
        ({"name": " "}, "name"),
        ({"name": "박\x00"}, "name"),
        ({"born_in": 1066}, "born_in"),
        ({"consent": {"categories": [], "how": "paper"}}, "consent.categories"),
        ({"consent": {"categories": ["notice"], "how": "guessed"}}, "consent.how"),
        ({"absent_until": "soon"}, "absent_until"),
        ({"age": 84}, "age"),
    ],
)
async def test_a_wrong_field_of_a_resident_is_named(
    village: Village, change: dict[str, object], field: str
) -> None:
    answer = await village.served.ask("POST", f"{API}/residents", village.token, json={**RESIDENT, **change})
    is_problem(answer, 422, "invalid")
    assert answer.fields == [field]
    for table in ("resident", "address", "subscription"):
        assert await count(village.served.office.database, table) == 0


@sqlite
async def test_a_duty_room_looks_but_changes_nobody(village: Village) -> None:
    made = await village.served.ask("POST", f"{API}/residents", village.token, json=RESIDENT)
    duty = await village.token_of(Role.DUTY_ROOM)
    path = f"{API}/residents/{made.json['id']}"
    assert (await village.served.ask("GET", path, duty)).json["addresses"][0]["value"] == "+821012345678"
    is_problem(await village.served.ask("POST", f"{path}/deceased", duty), 403, "not_allowed")
    is_problem(await village.served.ask("PATCH", path, duty, json={"name": "다른이"}), 403, "not_allowed")
    is_problem(await village.served.ask("POST", f"{API}/residents", duty, json=RESIDENT), 403, "not_allowed")


async def test_the_county_adds_villages_and_heads_do_not(village: Village) -> None:
    new = {"code": "4182025022", "name": "윗말", "caller_number": "031-555-0100", "calls_open_at": "06:30"}
    is_problem(
        await village.served.ask("POST", f"{API}/villages", village.token, json=new), 403, "not_allowed"
    )
    assert (await village.served.ask("POST", f"{API}/villages", village.county_token, json=new)).status == 201
    again = await village.served.ask("POST", f"{API}/villages", village.county_token, json=new)
    is_problem(again, 409, "conflict")
    listed = await village.served.ask("GET", f"{API}/villages", village.county_token)
    assert [(one["code"], one["calls_open_at"]) for one in listed.json["items"]] == [
        (VILLAGE, None),
        ("4182025022", "06:30"),
    ]
    assert listed.json["items"][1]["caller_number"] == "+82315550100"


# --- its own description ----------------------------------------------------------------------


@sqlite
async def test_every_operation_is_described_with_an_example(served: Served) -> None:
    described = (await served.ask("GET", f"{API}/openapi.json")).json
    operations = [
        (f"{method} {path}", operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 25
    for name, operation in operations:
        assert operation["description"], name
        contents = [
            content
            for status, answer in operation["responses"].items()
            if status != "204"
            for content in answer["content"].values()
        ]
        if "requestBody" in operation:
            contents += operation["requestBody"]["content"].values()
        assert all("example" in content or "examples" in content for content in contents), name
        assert "4XX" in operation["responses"], name
        assert "422" not in operation["responses"], name


@sqlite
async def test_the_examples_of_broadcasts_are_taken(served: Served) -> None:
    village = await Village.settled(served)
    described = (await served.ask("GET", f"{API}/openapi.json")).json
    post = described["paths"][f"{API}/broadcasts"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    for name, example in examples.items():
        answer = await served.ask("POST", f"{API}/broadcasts", village.token, json=example["value"])
        wants_recording = "recording_id" in example["value"]
        assert answer.status == (422 if wants_recording else 202), (name, answer.body)


@sqlite
async def test_me_tells_who_is_asking(village: Village) -> None:
    answer = await village.served.ask("GET", f"{API}/me", village.token)
    assert (answer.json["name"], answer.json["role"], answer.json["signed_in_by"]) == (
        "샘골리 이장",
        "head",
        "token",
    )
