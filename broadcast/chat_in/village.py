"""The village's chat: shows broadcasts, hears who has heard, takes subscriptions and lets people stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from broadcast.chat_in import menu
from broadcast.chat_in.facts import ChatStore, ChatUser, Latest, Told
from broadcast.chat_in.words import Wish, understand
from broadcast.links import Links
from broadcast.model import AddressKind, AttemptId, Category, Role, VillageId
from broadcast.people.residents import Consent, Enrolment, People, contact
from broadcast.ports import ChatInput, ChatReply, Clock

REPLAY_REACHES_BACK = timedelta(days=30)
PLACEHOLDER_NAME = "카카오 이웃"  # until the head writes the name in


@dataclass(frozen=True, slots=True)
class ChatDesk:
    """In whose name the chat writes down what residents ask for themselves: the county's."""

    role: Role = Role.COUNTY
    village_id: VillageId | None = None
    township_id: int | None = None


DESK = ChatDesk()


class VillageChat:
    def __init__(self, store: ChatStore, people: People, clock: Clock, links: Links) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._links = links
        # A button that is tapped twice must not make two residents.
        self._enrolling = asyncio.Lock()

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        """At most four indexed queries a turn: Kakao waits 5 s, people 1 s."""
        user = ChatUser(AddressKind(said.provider), said.user)
        if said.is_push:
            return await self._push(said.attempt_id, user)
        meaning = understand(said.words)
        match meaning.wish:
            case Wish.HEARD:
                return await self._heard(said.attempt_id, user)
            case Wish.HELP:
                return await self._help(said.attempt_id, user)
            case Wish.LISTEN:
                return await self._listen(user)
            case Wish.SUBSCRIBE:
                return await self._subscribe(meaning.code)
            case Wish.AGREE:
                return await self._agree(meaning.code, user)
            case Wish.STOP:
                return await self._stop(user, menu.STOPPABLE, menu.STOPPED)
            case Wish.STOP_ALL:
                return await self._stop(user, tuple(Category), menu.STOPPED_ALL)
            case Wish.MENU:
                return menu.MENU

    # --- broadcasts -------------------------------------------------------------------------------

    async def _push(self, attempt_id: AttemptId | None, user: ChatUser) -> ChatReply | None:
        told = await self._told(attempt_id, user)
        if told is None or told.promise.is_ended or told.promise.is_over(self._clock.now()):
            return None
        return menu.push(told, self._listen_url(told.attempt_id, told.has_sound))

    async def _heard(self, attempt_id: AttemptId | None, user: ChatUser) -> ChatReply:
        """A tap is kept by the adapter; typed words do not say of which broadcast, so that is asked."""
        told = await self._told(attempt_id, user)
        if told is not None:
            return menu.thanks(told, is_over=told.promise.is_over(self._clock.now()))
        latest = await self._latest(user)
        if latest is None or latest.attempt_id is None:
            return menu.MENU
        return self._replay(latest, menu.TAP_HEARD)

    async def _help(self, attempt_id: AttemptId | None, user: ChatUser) -> ChatReply:
        told = await self._told(attempt_id, user)
        if told is not None and told.asks_to_act:
            return menu.help_asked(told, is_over=told.promise.is_over(self._clock.now()))
        latest = await self._latest(user)
        if latest is None or latest.attempt_id is None or not latest.is_emergency:
            return menu.CALL_119
        return self._replay(latest, menu.TAP_HELP)

    async def _listen(self, user: ChatUser) -> ChatReply:
        latest = await self._latest(user)
        return menu.NO_BROADCAST if latest is None else self._replay(latest)

    async def _told(self, attempt_id: AttemptId | None, user: ChatUser) -> Told | None:
        return None if attempt_id is None else await self._store.told(attempt_id, user)

    async def _latest(self, user: ChatUser) -> Latest | None:
        now = self._clock.now()
        return await self._store.latest(user, now - REPLAY_REACHES_BACK, now)

    def _replay(self, latest: Latest, question: str = "") -> ChatReply:
        url = "" if latest.attempt_id is None else self._listen_url(latest.attempt_id, latest.has_sound)
        return menu.replay(latest, url, question)

    def _listen_url(self, attempt_id: AttemptId, has_sound: bool) -> str:
        return self._links.listen(attempt_id) if has_sound else ""

    # --- subscriptions ----------------------------------------------------------------------------

    async def _subscribe(self, code: str) -> ChatReply:
        if not code:
            return menu.WHICH_VILLAGE
        village = await self._store.village(code)
        return menu.NO_SUCH_VILLAGE if village is None else menu.ask_consent(village)

    async def _agree(self, code: str, user: ChatUser) -> ChatReply:
        village = await self._store.village(code)
        if village is None:
            return menu.NO_SUCH_VILLAGE
        given = Consent(menu.ENROLS, how=user.kind.value, words=menu.consent_words(village))
        async with self._enrolling:
            neighbours = await self._store.neighbours(user)
            mine = [one.id for one in neighbours if one.village_id == village.id]
            for resident_id in mine:
                await self._people.consent(DESK, resident_id, given)
            if not mine:
                chat = contact(user.kind, user.key)
                form = Enrolment(village.code, PLACEHOLDER_NAME, (chat,), given)
                await self._people.enrol(DESK, form)
            await self._store.reopen(user)
        return menu.welcome(village, is_new=not mine)

    async def _stop(self, user: ChatUser, categories: Sequence[Category], done: ChatReply) -> ChatReply:
        neighbours = await self._store.neighbours(user)
        if not any(one.is_subscribed for one in neighbours):
            return menu.NOT_SUBSCRIBED
        for one in neighbours:
            await self._people.withdraw(DESK, one.id, categories, user.kind.value)
        return done
