"""KakaoTalk: the exact push, how pushes are grouped, and what a task's result says."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from broadcast.model import (
    Accepted,
    BroadcastId,
    Deferred,
    Outcome,
    Purpose,
    Reason,
    Receipt,
    ReceiptKind,
    Unclear,
)
from broadcast.ports import LooksUp, Polled
from tests.channels.replies import kakao as replies
from tests.channels.rig import CUT_OFF, SECRET_TEXT, Asked, Reply, a_message, wired

NAME = "kakao"
TASK = "5f767a00-2ac6-408a-865b-be66ede611a2"
USER = "226f81aef15e8f5890425bbeaa5978d54dfc98fadcaa076ed1f635eda11204ba30"


def users_of(asked: Asked) -> list[str]:
    return [user["id"] for user in json.loads(asked.body)["user"]]


# --- the push ---------------------------------------------------------------------------------


async def test_a_push_is_asked_for_exactly_so() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        assert await sender.send([a_message(NAME, to=USER)]) == [Accepted(TASK)]
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", f"/v2/bots/{replies.BOT}/talk")
    assert asked.headers["Authorization"] == f"KakaoAK {replies.REST_KEY}"
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {
        "event": {"name": "village_broadcast", "data": {"title": "단수 안내", "text": SECRET_TEXT}},
        "user": [{"type": "botUserKey", "id": USER, "properties": {"attemptId": "41"}}],
        "params": {"broadcastId": "17"},
    }


async def test_a_push_has_the_shape_of_kakaos_own_sample() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send([a_message(NAME)])
    ours, sample = json.loads(provider.asked[0].body), json.loads(replies.sample("event_api_request"))
    assert set(ours) == {"event", "user", "params"} <= set(sample)
    assert set(ours["event"]) == set(sample["event"])
    assert set(ours["user"][0]) == set(sample["user"][0])


async def test_a_hundred_people_are_reached_by_one_push() -> None:
    messages = [a_message(NAME, attempt=n, to=f"user{n}") for n in range(1, 251)]
    async with wired(replies, replies.accepted) as (sender, provider):
        outcomes = await sender.send(messages)
    assert list(outcomes) == [Accepted(TASK)] * 250
    assert sorted(len(users_of(asked)) for asked in provider.asked) == [50, 100, 100]
    assert sorted(user for asked in provider.asked for user in users_of(asked)) == sorted(
        m.to for m in messages
    )


async def test_nobody_is_named_twice_in_one_push() -> None:
    messages = [a_message(NAME, attempt=n, to=user) for n, user in enumerate(["a", "b", "a", "c", "a"], 1)]
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send(messages)
    assert sorted(users_of(asked) for asked in provider.asked) == [["a"], ["a"], ["a", "b", "c"]]


@pytest.mark.parametrize(
    "other",
    [
        {"broadcast_id": BroadcastId(18)},
        {"purpose": Purpose.REMINDER},
        {"title": "다른 안내"},
        {"text": "다른 글"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_different_words_go_in_different_pushes(other: dict[str, object]) -> None:
    messages = [a_message(NAME, attempt=1, to="a"), a_message(NAME, attempt=2, to="b", **other)]
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send(messages)
    assert sorted(users_of(asked) for asked in provider.asked) == [["a"], ["b"]]


async def test_each_message_learns_of_its_own_push() -> None:
    words = ["가", "나", "가", "나"]
    messages = [a_message(NAME, attempt=n, to=f"user{n}", text=text) for n, text in enumerate(words, 1)]
    async with wired(replies, replies.accepted) as (sender, provider):
        provider.answer_by = lambda asked: Reply(
            200, json.dumps({"status": "SUCCESS", "taskId": ",".join(users_of(asked))}).encode()
        )
        outcomes = await sender.send(messages)
    assert list(outcomes) == [
        Accepted(task) for task in ("user1,user3", "user2,user4", "user1,user3", "user2,user4")
    ]


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({"taskId": TASK, "status": "SUCCESS"}, Accepted(TASK)),
        ({"taskID": TASK, "status": "SUCCESS", "newField": 1}, Accepted(TASK)),
        ({"taskId": "", "status": "FAIL", "message": "no"}, Deferred(Reason.PROVIDER_ERROR)),
        ({"status": "ERROR"}, Deferred(Reason.PROVIDER_ERROR)),
        ({"status": "SUCCESS"}, Unclear("no task in the answer")),
        ({"taskId": TASK}, Unclear("no task in the answer")),
    ],
)
async def test_each_answer_of_kakao_has_its_meaning(document: dict[str, object], outcome: Outcome) -> None:
    async with wired(replies, Reply(200, json.dumps(document).encode())) as (sender, _):
        assert await sender.send([a_message(NAME)]) == [outcome]


async def test_kakao_cannot_be_asked_about_a_lost_reply() -> None:
    async with wired(replies, replies.accepted) as (sender, _):
        assert not isinstance(sender, LooksUp)


# --- the task's result ------------------------------------------------------------------------


async def poll(reply: Reply) -> list[Receipt]:
    async with wired(replies, reply) as (sender, provider):
        assert isinstance(sender, Polled)
        receipts = await sender.poll(TASK)
    asked = provider.asked[0]  # a cut-off GET is asked again by aiohttp, which does no harm
    assert (asked.method, asked.path) == ("GET", f"/v1/tasks/{TASK}")
    assert asked.headers["Authorization"] == f"KakaoAK {replies.REST_KEY}"
    return list(receipts)


def a_result(*failures: dict[str, object], count: int | None = None) -> Reply:
    fail = {"count": len(failures) if count is None else count, "list": failures}
    document = {"taskId": TASK, "status": f"{fail['count']} FAIL", "allRequestCount": 100, "fail": fail}
    return Reply(200, json.dumps(document).encode(), {"Date": "Mon, 23 Nov 2026 09:00:07 GMT"})


async def test_a_failed_user_is_told_by_name() -> None:
    (only,) = await poll(Reply(200, replies.sample("event_task_skill_error")))
    assert (only.kind, only.reference, only.user) == (ReceiptKind.FAILED, TASK, USER)
    assert (only.provider, only.attempt_id, only.reason) == (NAME, None, Reason.PROVIDER_ERROR)


@pytest.mark.parametrize(
    "error", ["blocked the channel", None, {"errorType": 105, "msg": "no"}, {"msg": "no"}]
)
async def test_an_error_may_be_an_object_or_a_word(error: object) -> None:
    (only,) = await poll(a_result({"userId": USER, "errorMsg": error}))
    assert (only.kind, only.reason) == (ReceiptKind.FAILED, Reason.UNDELIVERED)
    assert only.at == datetime(2026, 11, 23, 9, 0, 7, tzinfo=UTC)


async def test_success_is_no_proof_that_a_message_was_shown() -> None:
    assert await poll(Reply(200, replies.sample("event_task_all_success"))) == []


async def test_an_unnamed_failure_says_nothing_about_anybody() -> None:
    assert await poll(Reply(200, replies.sample("event_task_unresolved_user"))) == []
    (only,) = await poll(a_result({"userId": USER}, {"errorMsg": "who?"}, count=3))
    assert only.user == USER


async def test_a_result_read_twice_is_one_event_and_names_nobody() -> None:
    first, again = [(await poll(a_result({"userId": USER})))[0] for _ in range(2)]
    (other,) = await poll(a_result({"userId": "another"}))
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key
    assert USER not in first.dedupe_key
    assert USER not in repr(first)


@pytest.mark.parametrize(
    "reply", [CUT_OFF, Reply(500), Reply(404), replies.garbage, Reply(200, b'{"fail": 3}')]
)
async def test_a_result_that_cannot_be_read_says_nothing(reply: Reply) -> None:
    assert await poll(reply) == []
