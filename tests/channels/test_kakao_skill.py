"""Kakao's skill: who said what, what that proves, and the answer within Kakao's limits."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from pydantic import SecretStr, ValidationError

from broadcast.errors import NotFound
from broadcast.model import Reason, Receipt, ReceiptKind
from broadcast.ports import Button, ChatInput, ChatReply, Hooked, HookReply, HookRequest
from channels._kakao_render import MAX_CARD_TEXT, MAX_TEXT, skill_response
from channels.kakao import KakaoSettings
from tests.channels.replies import kakao as replies
from tests.channels.rig import NOW, Talk, adapter

USER = "226f81aef15e8f5890425bbeaa5978d54dfc98fadcaa076ed1f635eda11204ba30"
HELLO = ChatReply("안녕하세요.")


async def answer(request: HookRequest, talk: Talk) -> HookReply:
    async with adapter("kakao", replies.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        return await sender.answer(request, talk)


async def said(request: bytes) -> ChatInput:
    talk = Talk()
    assert (await answer(replies.skill(request), talk)).status == 200
    (only,) = talk.said
    return only


def request(**changes: object) -> dict[str, object]:
    document: dict[str, object] = json.loads(replies.sample("skill_request"))
    return {**document, **changes}


def tapped(words: str, attempt: object = "41") -> dict[str, object]:
    user_request = {"user": {"id": USER}, "utterance": f"{words}\n"}
    return request(action={"clientExtra": {"attemptId": attempt}}, userRequest=user_request)


def pushed(**where: object) -> dict[str, object]:
    """The skill request of an event: `where` is put beside the user."""
    user_request = {"user": {"id": USER, "type": "botUserKey"}, "utterance": "", **where}
    return request(userRequest=user_request, flow={"trigger": {"type": "EVENT"}})


# --- what was said ----------------------------------------------------------------------------


async def test_typed_words_are_heard_without_their_line_end() -> None:
    heard = await said(replies.sample("skill_request"))
    assert heard == ChatInput("kakao", USER, "등록 4821", NOW)


@pytest.mark.parametrize("name", ["skill_request_not_friend_unknown_field", "skill_request_with_callback"])
async def test_unknown_fields_are_ignored(name: str) -> None:
    assert (await said(replies.sample(name))).words == "등록 4821"


async def test_an_event_is_known_for_a_push() -> None:
    heard = await said(replies.sample("skill_request_from_event_block"))
    assert heard.is_push
    assert heard.words == ""
    assert heard.attempt_id is None


@pytest.mark.parametrize(
    "where",
    [
        {"params": {"attemptId": "41"}},
        {"params": {"attemptId": 41}},
        {"user": {"id": USER, "properties": {"attemptId": "41"}}},
    ],
)
async def test_a_push_brings_its_attempt_along(where: dict[str, object]) -> None:
    heard = await said(json.dumps(pushed(**where)).encode())
    assert (heard.is_push, heard.attempt_id) == (True, 41)


async def test_a_tapped_button_brings_its_attempt_along() -> None:
    heard = await said(json.dumps(tapped("들었어요")).encode())
    assert (heard.words, heard.attempt_id, heard.is_push) == ("들었어요", 41, False)


async def test_an_old_push_does_not_colour_what_is_typed_later() -> None:
    user = {"id": USER, "properties": {"attemptId": "41"}}
    heard = await said(json.dumps(request(userRequest={"user": user, "utterance": "확인"})).encode())
    assert heard.attempt_id is None


@pytest.mark.parametrize("odd", ["d-17", "0", "-1", "1e3", "９", "9" * 19, "", None, [], {}, True, 1.5])
async def test_a_strange_attempt_is_no_attempt(odd: object) -> None:
    assert (await said(json.dumps(tapped("들었어요", odd)).encode())).attempt_id is None


# --- what that proves -------------------------------------------------------------------------


async def receipts(document: dict[str, object], reply: ChatReply | None) -> Sequence[Receipt]:
    hooked = await answer(replies.skill(document), Talk(reply=reply))
    assert hooked.status == 200
    return hooked.receipts


PUSH = pushed(params={"attemptId": "41"})


async def test_a_push_that_is_answered_is_shown() -> None:
    (only,) = await receipts(PUSH, HELLO)
    assert (only.kind, only.attempt_id, only.user) == (ReceiptKind.DELIVERED, 41, USER)


async def test_a_push_that_is_answered_with_nothing_is_not_shown() -> None:
    (only,) = await receipts(PUSH, None)
    assert (only.kind, only.reason) == (ReceiptKind.STOPPED, Reason.STOPPED)


@pytest.mark.parametrize("words", ["들었습니다", "들었어요", "확인", "확인했어요"])
async def test_the_heard_button_is_a_sign_of_the_resident(words: str) -> None:
    (only,) = await receipts(tapped(words), HELLO)
    assert (only.kind, only.attempt_id, only.user) == (ReceiptKind.TAPPED, 41, USER)
    assert only.at == NOW


async def test_the_help_button_asks_for_help_as_key_9_does() -> None:
    (only,) = await receipts(tapped("도움 요청"), HELLO)
    assert (only.kind, only.key, only.attempt_id) == (ReceiptKind.KEYED, "9", 41)
    assert list(await receipts(tapped("도움 요청", None), HELLO)) == []


@pytest.mark.parametrize(
    "document",
    [tapped("그만"), tapped("들었어요", None), pushed(), json.loads(replies.sample("skill_request"))],
)
async def test_other_words_are_no_sign(document: dict[str, object]) -> None:
    assert list(await receipts(document, HELLO)) == []


async def test_a_tap_told_twice_is_one_event() -> None:
    first, again = [(await receipts(tapped("들었어요"), HELLO))[0] for _ in range(2)]
    assert first.dedupe_key == again.dedupe_key
    assert first.dedupe_key != (await receipts(tapped("들었어요", "42"), HELLO))[0].dedupe_key
    assert USER not in first.dedupe_key


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"userRequest": {"user": {"id": ""}}}',
        b"{}",
    ],
)
async def test_a_malformed_request_is_refused(body: bytes) -> None:
    talk = Talk()
    reply = await answer(replies.skill(body), talk)
    assert (reply.status, talk.said) == (400, [])


async def test_an_unknown_path_or_method_is_refused() -> None:
    genuine = replies.hook()
    elsewhere = HookRequest("POST", "channel", genuine.url, genuine.headers, genuine.body, NOW)
    read = HookRequest("GET", "skill", genuine.url, genuine.headers, b"", NOW)
    assert (await answer(elsewhere, Talk())).status == 404
    assert (await answer(read, Talk())).status == 405


class NobodyKnows(Talk):
    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        raise NotFound("no such attempt")


async def test_an_unknown_attempt_is_not_found() -> None:
    reply = await answer(replies.skill(PUSH), NobodyKnows())
    assert (reply.status, list(reply.receipts)) == (404, [])


# --- the answer -------------------------------------------------------------------------------

LISTEN = Button("방송 듣기", url="https://maeul.example.kr/l/x")
HEARD = Button("들었어요", says="들었어요", extra={"attemptId": "41"})


def outputs(reply: ChatReply | None) -> list[dict[str, dict[str, object]]]:
    response = json.loads(json.dumps(skill_response(reply)))
    assert response["version"] == "2.0"
    found: list[dict[str, dict[str, object]]] = response["template"]["outputs"]
    assert len(found) <= 3
    return found


async def test_the_answer_is_json_of_version_two() -> None:
    reply = await answer(replies.hook(), Talk(reply=HELLO))
    assert reply.content_type == "application/json; charset=utf-8"
    assert json.loads(reply.body) == {
        "version": "2.0",
        "template": {"outputs": [{"simpleText": {"text": "안녕하세요."}}]},
    }


async def test_saying_nothing_is_an_empty_answer() -> None:
    reply = await answer(replies.hook(), Talk(reply=None))
    assert json.loads(reply.body) == {"version": "2.0", "template": {"outputs": []}}


def test_a_message_with_buttons_is_a_card() -> None:
    reply = ChatReply("물을 받아 두세요.", "단수 안내", [LISTEN, HEARD], [Button("그만", says="그만")])
    assert skill_response(reply) == {
        "version": "2.0",
        "template": {
            "outputs": [
                {
                    "basicCard": {
                        "title": "단수 안내",
                        "description": "물을 받아 두세요.",
                        "buttons": [
                            {"action": "webLink", "label": "방송 듣기", "webLinkUrl": LISTEN.url},
                            {
                                "action": "message",
                                "label": "들었어요",
                                "messageText": "들었어요",
                                "extra": {"attemptId": "41"},
                            },
                        ],
                    }
                }
            ],
            "quickReplies": [{"action": "message", "label": "그만", "messageText": "그만"}],
        },
    }


def said_in(output: dict[str, dict[str, object]]) -> str:
    return str(output["simpleText"]["text"] if "simpleText" in output else output["basicCard"]["description"])


@pytest.mark.parametrize("length", [230, 231, 1_000, 1_001, 1_999, 2_000])
@pytest.mark.parametrize("buttons", [(), (HEARD,)])
def test_a_long_text_is_shown_whole_and_within_the_limits(length: int, buttons: tuple[Button, ...]) -> None:
    text = ("물을 받아 두세요. " * 400)[:length].strip()
    found = outputs(ChatReply(text, buttons=buttons))
    assert "".join("".join(said_in(output).split()) for output in found) == "".join(text.split())
    for output in found:
        assert len(said_in(output)) <= (MAX_TEXT if "simpleText" in output else MAX_CARD_TEXT)
    assert ("buttons" in found[-1].get("basicCard", {})) is bool(buttons)


@pytest.mark.parametrize("buttons", [(), (HEARD,)])
def test_what_is_beyond_all_limits_is_cut_visibly(buttons: tuple[Button, ...]) -> None:
    found = outputs(ChatReply("가" * 9_000, "제목", buttons))
    assert said_in(found[0]).startswith("제목\n\n가")
    assert said_in(found[-1]).endswith("…")
    for output in found:
        assert len(said_in(output)) <= (MAX_TEXT if "simpleText" in output else MAX_CARD_TEXT)


def test_buttons_beyond_a_card_are_offered_below() -> None:
    buttons = [Button(f"{n}번 방송을 처음부터 다시 듣기", says=f"방송 {n}") for n in range(15)]
    response = skill_response(ChatReply("고르세요.", buttons=[*buttons, LISTEN]))
    template = json.loads(json.dumps(response))["template"]
    assert len(template["outputs"][0]["basicCard"]["buttons"]) == 3
    assert [quick["messageText"] for quick in template["quickReplies"]] == [f"방송 {n}" for n in range(3, 13)]
    assert all(len(quick["label"]) <= 14 for quick in template["quickReplies"])


def test_a_skill_secret_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        KakaoSettings(bot_id="bot", rest_key=SecretStr("key"), skill_secret=SecretStr("guess-me"))
    assert "guess-me" not in str(refused.value)
