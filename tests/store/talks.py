"""The conversations over real tables, and the rows of a broadcast under way that they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import insert

from broadcast.chat_in.village import VillageChat
from broadcast.links import Links
from broadcast.model import AccountId, AttemptId, BroadcastId, Priority, VillageId
from broadcast.people.residents import People
from broadcast.phone_in.outbound import OutboundCalls
from broadcast.ports import CallTurn, ChatInput, ChatReply
from broadcast.store.queries.conversations import ConversationQueries
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.people import PeopleQueries, new_id
from broadcast.store.tables import Attempt, Broadcast, BroadcastVillage, Clip, Delivery
from broadcast.store.unit import fetch
from broadcast.work import StopRequest
from tests.builders import Office, an_account

USER = "kakao-user-1"
STRANGER = "kakao-user-2"
TEXT = "내일 아홉 시부터 단수됩니다."
PARTS = ("text", "slow", "again", "thanks", "help")


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
