"""Kakao: a push that our skill answers, and people who look, listen, tap and type."""

from __future__ import annotations

from typing import cast

import orjson
import pytest

from channels.simulator import listen_page, skill
from channels.simulator.credentials import SIMULATOR_SKILL_SECRET
from tests.channels.simulator.clock import START
from tests.channels.simulator.office import READING_S
from tests.channels.simulator.stage import USER, Json, Stage


async def test_a_push_is_shown_heard_and_tapped(stage: Stage) -> None:
    await stage.behaves(USER, chat={"seen_after_s": 30, "listens": True, "taps": "들", "acts_after_s": 2})
    pushed = await stage.push(USER)
    assert (pushed.status, pushed.body["status"]) == (200, "SUCCESS")
    await stage.clock.run_out()
    event, tapped = stage.office.skills
    assert event["secret"] == SIMULATOR_SKILL_SECRET
    assert event["flow"] == {"trigger": {"type": "EVENT"}}
    request = cast(Json, event["userRequest"])
    assert request["params"] == {"broadcastId": "1", "attemptId": "7"}
    assert cast(Json, cast(Json, request["user"])["properties"])["attemptId"] == "7"
    assert stage.office.heard == [{"seconds": f"{READING_S}.00", "of": f"{READING_S}.00"}]
    assert cast(Json, tapped["userRequest"])["utterance"] == "들었어요"
    assert cast(Json, tapped["action"])["clientExtra"] == {"attemptId": "7"}
    assert stage.clock.elapsed_s == 30 + 2 + READING_S + 2
    assert (await stage.result(pushed.body["taskId"]))["status"] == "ALL SUCCESS"


async def test_somebody_who_never_looks_stays_silent(stage: Stage) -> None:
    await stage.behaves(USER, chat={"seen_after_s": None})
    await stage.push(USER)
    await stage.clock.run_out()
    assert len(stage.office.skills) == 1
    assert stage.office.heard == []


async def test_half_a_reading_is_not_reported_as_heard(stage: Stage) -> None:
    await stage.behaves(USER, chat={"listens_share": 0.5})
    await stage.push(USER)
    await stage.clock.run_out()
    assert stage.office.fetched == ["clip.wav"]
    assert stage.office.heard == []


async def test_typed_words_reach_the_skill(stage: Stage) -> None:
    await stage.behaves(USER, chat={"listens": False, "says": "등록 4821"})
    await stage.push(USER)
    await stage.clock.run_out()
    assert cast(Json, stage.office.skills[-1]["userRequest"])["utterance"] == "등록 4821"
    bubbles = cast(list[Json], (await stage.ask("GET", f"/control/chats/{USER}")).body["bubbles"])
    assert [bubble["by"] for bubble in bubbles] == ["bot", "person", "bot"]


async def test_the_page_taps_links_and_buttons_by_hand(stage: Stage) -> None:
    await stage.behaves(USER, manual=True)
    await stage.push(USER)
    await stage.clock.run_out()
    assert (await stage.act(USER, "tap", label="없는 단추")).status == 409
    assert (await stage.act(USER, "tap", label="방송 듣기")).status == 200
    await stage.clock.run_out()
    assert len(stage.office.heard) == 1
    assert (await stage.act(USER, "tap", label="들었어요")).body["status"] == 200


async def test_a_skill_that_fails_is_named_in_the_task(stage: Stage) -> None:
    stage.office.chat_status = 500
    pushed = await stage.push(USER)
    await stage.clock.run_out()
    result = await stage.result(pushed.body["taskId"])
    assert (result["status"], result["successCount"]) == ("1 FAIL", 0)
    (failure,) = cast(list[Json], cast(Json, result["fail"])["list"])
    assert failure["userId"] == USER
    assert cast(Json, failure["errorMsg"])["errorType"] == 201


async def test_blocked_is_named_and_unresolved_only_counted(stage: Stage) -> None:
    await stage.behaves("blocked", chat={"blocked": True})
    await stage.behaves("unknown", chat={"unresolved": True})
    pushed = await stage.push("blocked", "unknown", USER)
    await stage.clock.run_out()
    result = await stage.result(pushed.body["taskId"])
    failed = cast(Json, result["fail"])
    assert (result["status"], result["successCount"], failed["count"]) == ("2 FAIL", 1, 2)
    assert [failure["userId"] for failure in cast(list[Json], failed["list"])] == ["blocked"]


async def test_an_answer_without_outputs_shows_nothing(stage: Stage) -> None:
    stage.office.chat = {"version": "2.0", "template": {"outputs": []}}
    pushed = await stage.push(USER)
    await stage.clock.run_out()
    assert (await stage.ask("GET", f"/control/chats/{USER}")).body["bubbles"] == []
    assert (await stage.result(pushed.body["taskId"]))["status"] == "ALL SUCCESS"


async def test_a_push_to_too_many_or_twice_to_one_is_refused(stage: Stage) -> None:
    assert (await stage.push(*[f"user{number}" for number in range(101)])).status == 400
    assert (await stage.push(USER, USER)).status == 400
    assert (await stage.push()).status == 400
    assert (await stage.push(USER, key="wrong")).status == 401
    assert await stage.witnessed(every=True) == []
    assert (await stage.push(*[f"user{number}" for number in range(100)])).status == 200
    assert len(await stage.witnessed()) == 100


@pytest.mark.parametrize(
    "template",
    [
        {"outputs": [{"simpleText": {"text": "가" * 1001}}]},
        {"outputs": [{"simpleText": {"text": "가"}}] * 4},
        {"outputs": [{"basicCard": {"title": "가", "buttons": [{"label": "가", "action": "message"}] * 4}}]},
        {"outputs": [], "quickReplies": [{"label": "가", "action": "message"}] * 11},
    ],
)
def test_answers_beyond_kakaos_limits_are_not_shown(template: Json) -> None:
    with pytest.raises(skill.BadReply):
        skill.bubbles(orjson.dumps({"version": "2.0", "template": template}), START)


def test_a_listen_page_is_read_with_relative_addresses() -> None:
    page = b'<audio controls><source src="../clip.mp3"></audio><p data-heard="heard?t=1"></p>'
    found = listen_page.read(page, "http://v.example.kr/b/7/x")
    assert found == listen_page.ListenPage(
        "http://v.example.kr/b/clip.mp3", "http://v.example.kr/b/7/heard?t=1"
    )
