"""What bad input gets: the right 4xx, said clearly in the asker's language, and nothing half-written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO

import pytest

from broadcast.model import Role
from tests.builders import VILLAGE, a_village
from tests.web.desk import API, TEXT, Answer, Served, Village, count

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


def is_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["code"] == code
    assert answer.json["type"] == f"urn:maeul:problem:{code}"
    assert answer.json["title"]
    assert answer.json["detail"]
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "비어 있습니다"),
        (" \n\t ", "비어 있습니다"),
        ("가" * 2_001, "2000자까지"),
        ("단수\x07 안내", "3번째 자리"),
        ("단수\u200e 안\x85내", "6번째 자리"),
        ("🎉🎊😀", "읽을 수 있는 말"),
        ("1\ufe0f\u20e3 👍🏽", "읽을 수 있는 말"),
        ("※ … !", "읽을 수 있는 말"),
    ],
)
async def test_a_text_that_cannot_be_said_is_refused(village: Village, text: str, said: str) -> None:
    answer = await village.submit(text=text)
    is_problem(answer, 422, "invalid")
    assert answer.fields == ["text"]
    assert said in answer.json["detail"]
    assert await count(village.served.office.database, "broadcast") == 0


@pytest.mark.parametrize("text", ["a", "가" * 2_000, "  다음 줄\n둘째 줄\t끝  ", "3시 🎉", "줄\r\n바꿈"])
async def test_a_text_within_the_limits_is_taken(village: Village, text: str) -> None:
    answer = await village.submit(text=text)
    assert answer.status == 202, answer.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"villages": ["0000000000"]}, "villages"),
        ({"villages": []}, "villages"),
        ({"villages": [VILLAGE, "없는 마을"]}, "villages.1"),
        ({"villages": VILLAGE}, "villages"),
        ({"scheduled_at": "2026-03-04T09:59:00+09:00"}, "scheduled_at"),
        ({"scheduled_at": "2027-03-04T10:00:00"}, "scheduled_at"),
        ({"scheduled_at": "soon"}, "scheduled_at"),
        ({"scheduled_at": "9999-12-31T23:00:00Z"}, "scheduled_at"),
        ({"expires_at": "2027-03-04T10:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"expires_at": "2020-03-04T10:00:00Z"}, "expires_at"),
        ({"priority": "LOUD"}, "priority"),
        ({"category": "gossip"}, "category"),
        ({"colour": "red"}, "colour"),
        ({"text": None}, "body"),
        ({"text": 7}, "text"),
        ({"recording_id": 99}, "recording_id"),
        ({"recording_id": 0}, "recording_id"),
        ({"recording_id": 2**63}, "recording_id"),
        ({"title": "이름\x00"}, "title"),
        ({"severity": "Extreme"}, "severity"),
        ({"priority": "EMERGENCY"}, "expires_at"),
        ({"refers_to": 99}, "refers_to"),
    ],
)
async def test_a_wrong_field_is_named(village: Village, body: dict[str, object], field: str) -> None:
    answer = await village.submit(**body)
    is_problem(answer, 422, "invalid")
    assert answer.fields == [field]
    assert await count(village.served.office.database, "broadcast") == 0


async def test_a_priority_against_the_triple_is_refused(village: Village) -> None:
    answer = await village.submit(
        severity="Extreme", urgency="Immediate", certainty="Observed", priority="ROUTINE"
    )
    is_problem(answer, 422, "invalid")
    assert answer.fields == ["priority"]


async def test_several_wrong_fields_are_named_together(village: Village) -> None:
    answer = await village.submit(text="", villages=[], colour="red")
    assert sorted(answer.fields) == ["colour", "text", "villages"]


@pytest.mark.parametrize(
    ("language", "said"), [("ko", "이미 지난"), ("en-GB", "has passed"), ("", "이미 지난")]
)
async def test_problems_speak_the_askers_language(village: Village, language: str, said: str) -> None:
    past = (village.served.office.clock.now() - timedelta(days=1)).isoformat()
    answer = await village.served.ask(
        "POST",
        f"{API}/broadcasts",
        village.token,
        language=language,
        json={"text": TEXT, "villages": [VILLAGE], "scheduled_at": past},
    )
    assert said in answer.json["detail"]


async def test_what_was_sent_is_not_repeated_in_the_answer(village: Village) -> None:
    answer = await village.submit(text="비밀\x00 이야기", scheduled_at="비밀 시각")
    assert "비밀" not in answer.body.decode()


async def test_broken_json_is_a_bad_request(village: Village) -> None:
    for body in (b"{", b'{"text": }', b"\xff\xfe"):
        answer = await village.served.ask(
            "POST",
            f"{API}/broadcasts",
            village.token,
            data=body,
            headers={"Content-Type": "application/json"},
        )
        is_problem(answer, 400, "bad_request")


async def test_another_content_type_is_refused(village: Village) -> None:
    answer = await village.served.ask("POST", f"{API}/broadcasts", village.token, data={"text": TEXT})
    is_problem(answer, 422, "invalid")


async def test_a_huge_body_is_refused(village: Village) -> None:
    body = BytesIO(json.dumps({"text": "가" * 300_000, "villages": [VILLAGE]}).encode())
    told = {"Content-Type": "application/json"}
    answer = await village.served.ask("POST", f"{API}/broadcasts", village.token, data=body, headers=told)
    is_problem(answer, 413, "too_large")


async def test_a_huge_body_of_unknown_length_is_refused(village: Village) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 700_000

    answer = await village.served.ask(
        "POST",
        f"{API}/broadcasts",
        village.token,
        data=endless(),
        headers={"Content-Type": "application/json"},
    )
    is_problem(answer, 413, "too_large")


async def test_an_address_with_nothing_is_not_found(served: Served) -> None:
    is_problem(await served.ask("GET", f"{API}/nothing"), 404, "not_found")
    is_problem(await served.ask("GET", "/static/../app.py"), 404, "not_found")


async def test_another_method_is_told_which_are_taken(served: Served) -> None:
    answer = await served.ask("DELETE", f"{API}/broadcasts")
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


@pytest.mark.parametrize("token", [None, "", "maeul_wrong", "가나다", "x" * 5_000])
async def test_without_a_right_token_nothing_is_told(village: Village, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    answer = await village.served.ask("GET", f"{API}/broadcasts", headers=headers)
    is_problem(answer, 401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.DUTY_ROOM])
async def test_roles_that_only_look_may_not_broadcast(village: Village, role: Role) -> None:
    is_problem(await village.submit(await village.token_of(role)), 403, "not_allowed")


async def test_a_head_broadcasts_for_no_other_village(village: Village) -> None:
    await a_village(village.served.office, "4182025022", "윗말")
    answer = await village.submit(villages=[VILLAGE, "4182025022"])
    is_problem(answer, 403, "not_allowed")
    assert await count(village.served.office.database, "broadcast") == 0


@pytest.mark.parametrize(
    "query", ["cursor=abc", "cursor=-1", "limit=0", "limit=501", "state=lost", f"cursor={2**63}"]
)
async def test_wrong_query_fields_are_named(village: Village, query: str) -> None:
    id = (await village.submit()).json["id"]
    answer = await village.served.ask("GET", f"{API}/broadcasts/{id}/deliveries?{query}", village.token)
    is_problem(answer, 422, "invalid")
    assert answer.fields == [query.partition("=")[0]]


async def test_a_broadcast_that_is_not_there_is_not_found(village: Village) -> None:
    for path in ("99", "99/reaches", "99/deliveries"):
        is_problem(
            await village.served.ask("GET", f"{API}/broadcasts/{path}", village.token), 404, "not_found"
        )
    for action in ("approve", "refuse", "cancel", "recall", "resend-unheard"):
        answer = await village.served.ask("POST", f"{API}/broadcasts/99/{action}", village.token)
        is_problem(answer, 404, "not_found")


async def test_a_bug_shows_only_a_number(village: Village, caplog: pytest.LogCaptureFixture) -> None:
    async with village.served.office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE broadcast_village RENAME TO elsewhere")
    answer = await village.submit(text="비밀 이야기")
    is_problem(answer, 500, "internal")
    assert answer.json["error_id"] in caplog.text
    assert "비밀" not in caplog.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
