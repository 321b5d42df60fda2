"""Calls and chats over real tables: what is heard, shown, enrolled and stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from broadcast.chat_in import menu
from broadcast.chat_in.village import PLACEHOLDER_NAME, VillageChat
from broadcast.errors import NotFound
from broadcast.links import Links
from broadcast.model import AccountId, AttemptId, BroadcastId, Category, Priority, ReceiptKind, VillageId
from broadcast.people.residents import People
from broadcast.people.views import ResidentView
from broadcast.phone_in.outbound import OutboundCalls
from broadcast.ports import CallTurn, ChatInput, ChatReply, Hooked
from broadcast.store.people_tables import Address, County
from broadcast.store.queries.conversations import ConversationQueries
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.people import PeopleQueries, new_id
from broadcast.store.queries.people_lists import PeopleLists
from broadcast.store.tables import Attempt, Broadcast, BroadcastVillage, Clip, Delivery, Errand
from broadcast.store.unit import Database, fetch
from broadcast.work import StopRequest
from tests.builders import OFFICE, VILLAGE, Office, a_resident, a_village, an_account
from tests.channels.replies import kakao as replies
from tests.channels.rig import adapter

USER = "kakao-user-1"
STRANGER = "kakao-user-2"
TEXT = "내일 아홉 시부터 단수됩니다."
PARTS = ("text", "slow", "again", "thanks", "help")


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    database = Database(migrated_database_url)
    yield Office(database)
    await database.close()


class Talks:
    """The conversations as they are wired, with what providers were asked to stop."""

    def __init__(self, office: Office) -> None:
        self.stopped: list[StopRequest] = []
        store = ConversationQueries(office.database, office.vault)
        links = Links(bytes(32), "https://maeul.example.kr", office.clock)
        people = People(
            PeopleQueries(office.database, office.vault),
            EndingQueries(office.database),
            office.clock,
            self._stop,
        )
        self._calls = OutboundCalls(store, office.clock, links, lambda name: f"renditions/{name}.wav")
        self._chat = VillageChat(store, people, office.clock, links)
        self._clock = office.clock

    async def _stop(self, requests: Sequence[StopRequest]) -> None:
        self.stopped.extend(requests)

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        return await self._calls.call_turn(attempt_id, step, key)

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        return await self._chat.chat_turn(said)

    async def say(self, words: str, attempt_id: AttemptId | None = None, user: str = USER) -> ChatReply:
        reply = await self.chat_turn(ChatInput("kakao", user, words, self._clock.now(), attempt_id))
        assert reply is not None
        return reply

    async def push(self, attempt_id: AttemptId | None, user: str = USER) -> ChatReply | None:
        said = ChatInput("kakao", user, "", self._clock.now(), attempt_id, is_push=True)
        return await self.chat_turn(said)


async def a_broadcast(
    office: Office,
    village_id: VillageId,
    *,
    priority: Priority = Priority.ROUTINE,
    state: str = "sending",
    title: str = "단수 안내",
    voiced: bool = True,
    **changes: object,
) -> BroadcastId:
    now = office.clock.now()
    async with office.database.write() as connection:
        authors = await fetch(connection, "SELECT id FROM account")
    author = AccountId(authors[0].id) if authors else await an_account(office)
    values = {
        "state": state,
        "title": title,
        "text": TEXT,
        "script": TEXT,
        "priority": int(priority),
        "category": "notice",
        "author_id": author,
        "created_at": now,
        "started_at": now,
        "expires_at": now + timedelta(hours=24),
        **changes,
    }
    async with office.database.write() as connection:
        id = BroadcastId(new_id(await connection.execute(insert(Broadcast).values(**values))))
        link = {"broadcast_id": id, "village_id": village_id}
        await connection.execute(insert(BroadcastVillage).values(**link))
        parts = [(0, part) for part in PARTS]
        parts += [(place, part) for place in (village_id, 999) for part in ("opening", "ending")]
        clips = [
            {"broadcast_id": id, "village_id": place, "part": part, "hash": f"{part}{place}", "seconds": 9.5}
            for place, part in parts
        ]
        if voiced:
            await connection.execute(insert(Clip), clips)
    return id


async def an_attempt(
    office: Office,
    broadcast_id: BroadcastId,
    village_id: VillageId,
    *,
    kind: str = "kakao",
    changes: Mapping[str, object] | None = None,
) -> AttemptId:
    """An attempt at the first address of this kind; `changes` are to its delivery."""
    now = office.clock.now()
    async with office.database.write() as connection:
        addresses = await fetch(
            connection, "SELECT id FROM address WHERE kind = :kind ORDER BY id", kind=kind
        )
        values = {
            "broadcast_id": broadcast_id,
            "purpose": "announcement",
            "address_id": addresses[0].id,
            "channel": "voice" if kind == "phone" else kind,
            "village_id": village_id,
            "state": "sent",
            "priority": 2,
            "first_due_at": now,
            "updated_at": now,
            **(changes or {}),
        }
        delivery_id = new_id(await connection.execute(insert(Delivery).values(**values)))
        tried = {"delivery_id": delivery_id, "number": 1, "provider": "x", "begun_at": now}
        attempt_id = new_id(await connection.execute(insert(Attempt).values(**tried)))
    return AttemptId(attempt_id)


async def residents(office: Office) -> list[ResidentView]:
    return list(await PeopleLists(office.database, office.vault).residents(OFFICE))


def given(resident: ResidentView) -> set[str]:
    return {consent.category for consent in resident.consents if consent.withdrawn_at is None}


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
    assert menu.THANKS_EMERGENCY.text in json.loads(texts[0])["template"]["outputs"][0]["simpleText"]["text"]
    assert menu.HELP_ASKED.text in json.loads(texts[1])["template"]["outputs"][0]["simpleText"]["text"]


async def test_nobody_is_told_to_leave_after_a_recall(office: Office) -> None:
    village = await a_village(office)
    await a_resident(office, kakao=USER)
    broadcast = await a_broadcast(office, village, priority=Priority.EMERGENCY, state="recalled")
    attempt = await an_attempt(office, broadcast, village, changes={"priority": 0})
    assert await Talks(office).say(menu.HEARD_SAYS, attempt) == menu.THANKS
    assert await Talks(office).say(menu.HELP_SAYS, attempt) == menu.HELP_ASKED_LATE


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


# --- subscriptions ----------------------------------------------------------------------------


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
