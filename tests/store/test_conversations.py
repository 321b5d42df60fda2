"""Calls and chats over real tables: what is heard and what is shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from broadcast import wording
from broadcast.chat_in import menu
from broadcast.errors import NotFound
from broadcast.model import AttemptId, Priority, ReceiptKind
from broadcast.ports import CallTurn, ChatReply, Hooked
from broadcast.store.tables import Errand
from broadcast.store.unit import Database
from tests.builders import Office, a_resident, a_village
from tests.channels.replies import kakao as replies
from tests.channels.rig import adapter
from tests.store.talks import STRANGER, TEXT, USER, Talks, a_broadcast, an_attempt


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    yield Office(database)
    await database.close()


def names(turn: CallTurn) -> list[str]:
    return [url.split("/renditions/")[1].split(".wav?")[0] for url in turn.play]


# --- calls ------------------------------------------------------------------------------------


async def test_a_call_plays_the_words_of_its_own_village(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office)
    attempt = await an_attempt(office, await a_broadcast(office, village), village, kind="phone")
    talks = Talks(office)
    turn = await talks.call_turn(attempt, "", "")
    assert names(turn) == [f"opening{village}", "text0"]
    assert turn.play[0].startswith("https://maeul.example.kr/media/renditions/")
    assert names(await talks.call_turn(attempt, "read", "")) == ["again0", "text0", f"ending{village}"]
    assert names(await talks.call_turn(attempt, "keys", "1")) == ["thanks0"]


@pytest.mark.parametrize(
    "taken_back", [{"state": "recalled"}, {"state": "expired"}, {"state": "cancelled"}, {"expires": True}]
)
async def test_a_call_is_silent_once_its_broadcast_is_over(
    office: Office, taken_back: dict[str, object]
) -> None:
    village = await a_village(office)
    await a_resident(office)
    state = str(taken_back.get("state", "sending"))
    attempt = await an_attempt(office, await a_broadcast(office, village, state=state), village, kind="phone")
    if "expires" in taken_back:
        office.clock.pass_(hours=24)
    assert await Talks(office).call_turn(attempt, "", "") == CallTurn(play=[])


async def test_a_call_without_a_rendition_is_silent(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office)
    attempt = await an_attempt(
        office, await a_broadcast(office, village, voiced=False), village, kind="phone"
    )
    assert await Talks(office).call_turn(attempt, "", "") == CallTurn(play=[])


async def test_a_call_of_nobody_is_not_found(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    chat = await an_attempt(office, await a_broadcast(office, village), village)
    for attempt in (AttemptId(987654), chat):
        with pytest.raises(NotFound):
            await Talks(office).call_turn(attempt, "", "")


# --- pushes -----------------------------------------------------------------------------------


async def test_a_push_is_shown_to_its_own_user_only(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    attempt = await an_attempt(office, await a_broadcast(office, village), village)
    talks = Talks(office)
    shown = await talks.push(attempt)
    assert shown is not None
    assert (shown.title, shown.text) == ("단수 안내", f"[샘골리 마을방송] {TEXT}")
    assert [button.label for button in shown.buttons] == ["방송 듣기", "들었습니다"]
    assert shown.buttons[0].url.startswith("https://maeul.example.kr/listen/")
    assert await talks.push(attempt, STRANGER) is None
    assert await talks.push(AttemptId(987654)) is None
    assert await talks.push(None) is None


@pytest.mark.parametrize("delivery", [{"stop_asked": "covered"}, {"state": "cancelled"}])
async def test_a_covered_push_is_not_shown(office: Office, delivery: dict[str, object]) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    attempt = await an_attempt(office, await a_broadcast(office, village), village, changes=delivery)
    assert await Talks(office).push(attempt) is None


async def test_a_recalled_push_is_not_shown(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(office, village, priority=Priority.EMERGENCY, state="recalled")
    assert await Talks(office).push(await an_attempt(office, broadcast, village)) is None


async def test_an_errand_shows_its_own_sealed_words(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(office, village)
    errand = {"purpose": "guardian_told", "subject": 7, "round": 1}
    attempt = await an_attempt(office, broadcast, village, changes=errand)
    talks = Talks(office)
    assert await talks.push(attempt) is None  # never the announcement in its place
    sealed = office.vault.seal("안부\n김○자 님께 전화해 주세요.\n고맙습니다.")
    values = {
        "broadcast_id": broadcast,
        "text_ciphertext": sealed,
        "created_at": office.clock.now(),
        **errand,
    }
    async with office.database.write() as connection:
        await connection.execute(insert(Errand).values(**values))
    assert await talks.push(attempt) == ChatReply("김○자 님께 전화해 주세요.\n고맙습니다.", "안부")


async def test_the_heard_button_is_thanked_and_counts_as_a_tap(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(office, village, priority=Priority.EMERGENCY)
    attempt = await an_attempt(office, broadcast, village, changes={"priority": 0})
    talks = Talks(office)
    shown = await talks.push(attempt)
    assert shown is not None
    kinds, texts = [], []
    async with adapter("kakao", replies.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        for button in shown.buttons[1:]:
            request = json.loads(replies.sample("skill_request"))
            request["userRequest"] |= {"user": {"id": USER}, "utterance": button.says}
            request["action"] = {"clientExtra": dict(button.extra)}
            answered = await sender.answer(replies.skill(request), talks)
            kinds += [(receipt.kind, receipt.attempt_id, receipt.key) for receipt in answered.receipts]
            texts.append(answered.body)
    assert kinds == [(ReceiptKind.TAPPED, attempt, ""), (ReceiptKind.KEYED, attempt, "9")]
    assert wording.CONFIRMED_EMERGENCY in json.loads(texts[0])["template"]["outputs"][0]["simpleText"]["text"]
    assert wording.HELP_ASKED in json.loads(texts[1])["template"]["outputs"][0]["simpleText"]["text"]


@pytest.mark.parametrize(("asked", "leaves"), [("Evacuate", True), ("Shelter", False), (None, False)])
async def test_only_an_evacuation_tells_people_to_leave(
    office: Office, asked: str | None, leaves: bool
) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(office, village, priority=Priority.EMERGENCY, response_type=asked)
    attempt = await an_attempt(office, broadcast, village, changes={"priority": 0})
    for words in (menu.HEARD_SAYS, menu.HELP_SAYS):
        answer = await Talks(office).say(words, attempt)
        assert answer is not None
        assert ("나가십시오" in answer.text) is leaves


async def test_nobody_is_told_to_leave_after_a_recall(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(
        office, village, priority=Priority.EMERGENCY, state="recalled", response_type="Evacuate"
    )
    attempt = await an_attempt(office, broadcast, village, changes={"priority": 0})
    assert await Talks(office).say(menu.HEARD_SAYS, attempt) == ChatReply(wording.CONFIRMED)
    assert await Talks(office).say(menu.HELP_SAYS, attempt) == ChatReply(wording.HELP_ASKED)


async def test_typed_words_ask_which_broadcast_was_heard(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    attempt = await an_attempt(office, await a_broadcast(office, village), village)
    reply = await Talks(office).say("들었습니다")
    assert reply.text.endswith(menu.TAP_HEARD)
    assert reply.buttons[-1].extra == {"attemptId": str(attempt)}


# --- listening again --------------------------------------------------------------------------


async def test_the_newest_broadcast_is_shown_again(office: Office) -> None:
    village = await a_village(office)
    other = await a_village(office, "4182025022", "윗말")
    await a_resident(office, kakao=USER)
    talks = Talks(office)
    assert await talks.say("방송 듣기") == menu.NO_BROADCAST
    await an_attempt(office, await a_broadcast(office, village), village)
    office.clock.pass_(hours=1)
    newest = await an_attempt(office, await a_broadcast(office, village, title="새 소식"), village)
    office.clock.pass_(hours=1)
    await a_broadcast(office, other, title="남의 마을")
    await a_broadcast(office, village, title="취소", state="recalled")
    await a_broadcast(office, village, title="훈련", cap_status="Exercise")
    reply = await talks.say("방송 듣기")
    assert reply.title == "새 소식"
    assert [button.label for button in reply.buttons] == ["방송 듣기", "들었습니다"]
    assert reply.buttons[-1].extra == {"attemptId": str(newest)}
    assert await talks.say("방송 듣기", user=STRANGER) == menu.NO_BROADCAST
    office.clock.pass_(days=31)
    assert await talks.say("방송 듣기") == menu.NO_BROADCAST


async def test_an_expired_emergency_is_not_shown_again(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    await a_broadcast(office, village, priority=Priority.EMERGENCY, state="done", title="대피")
    talks = Talks(office)
    assert (await talks.say("방송 듣기")).title == "대피"
    office.clock.pass_(hours=24)
    assert await talks.say("방송 듣기") == menu.NO_BROADCAST


async def test_a_broadcast_not_sent_to_this_chat_has_no_buttons(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    await a_broadcast(office, village)
    assert (await Talks(office).say("방송 듣기")).buttons == ()
