"""The carrier's state: handsets, calls, messages, chats, and the parts that act on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from channels.simulator import chances
from channels.simulator.callbacks import Callbacks
from channels.simulator.carrier import Carrier
from channels.simulator.chances import Before
from channels.simulator.config import Config
from channels.simulator.handsets import (
    QUICK_CALL,
    QUICK_CHAT,
    QUICK_SMS,
    CallBehaviour,
    ChatBehaviour,
    Handset,
    SmsBehaviour,
    guess_kind,
)
from channels.simulator.journal import Entry, Journal
from channels.simulator.outward import Outward
from channels.simulator.records import Bubble, Call, Chat, Sms, Talk
from channels.simulator.timing import Work, Works


class Exchange:
    """Everything that one simulator knows. `open` before use, `close` at the end; both may be repeated."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = config.clock
        self.works = Works(config.clock)
        self.outward = Outward(config.auth_token, config.skill_secret)
        self.carrier = Carrier(config.seed)
        self.callbacks = Callbacks(self.works, self.outward, self.carrier)
        self.journal = Journal(config.database)
        self._opening = asyncio.Lock()
        self.is_open = False
        self._clear()

    def _clear(self) -> None:
        self.handsets: dict[str, Handset] = dict(self.config.handsets)
        self.calls: dict[str, Call] = {}
        self.calls_to: dict[str, list[Call]] = {}
        self.messages: dict[str, Sms] = {}
        self.messages_to: dict[str, list[Sms]] = {}
        self.chats: dict[str, Chat] = {}
        self.talks: dict[str, Talk] = {}
        self.on_line: dict[str, Work] = {}  # by call, while it lives
        self.tries: dict[tuple[str, str], int] = {}
        self.touched_at: dict[str, datetime] = {}
        self.next_dial_at = self.clock.now()

    async def open(self) -> bool:
        """True if it was not open before."""
        async with self._opening:
            if self.is_open:
                return False
            kept = await asyncio.to_thread(self.journal.load)
            self._take_up(kept)
            self.is_open = True
            return True

    async def close(self) -> None:
        await self.works.stop()
        await self.outward.close()
        await asyncio.to_thread(self.journal.close)
        self.is_open = False

    async def reset(self) -> None:
        await self.works.stop()
        self._clear()
        self.journal.forget()
        self.carrier.set(type(self.carrier.settings)())

    def _take_up(self, kept: dict[str, list[str]]) -> None:
        for body in kept.get("handset", ()):
            address, _, rest = body.partition("\n")
            self.handsets[address] = Handset.model_validate_json(rest)
        for call in sorted(map(Call.model_validate_json, kept.get("call", ())), key=lambda call: call.n):
            self.add_call(call)
        for sms in sorted(map(Sms.model_validate_json, kept.get("sms", ())), key=lambda sms: sms.n):
            self.add_sms(sms)
        for chat in map(Chat.model_validate_json, kept.get("chat", ())):
            self.chats[chat.user] = chat
        for talk in map(Talk.model_validate_json, kept.get("talk", ())):
            self.talks[talk.task] = talk

    # --- the witness ---

    def witness(
        self, kind: str, sid: str, to: str, attempt: str, *, n: int, accepted: bool = True, fault: str = ""
    ) -> None:
        self.journal.note(Entry(n, self.clock.now(), kind, sid, to, attempt, accepted, fault))

    # --- keeping ---

    def add_call(self, call: Call) -> None:
        self.calls[call.sid] = call
        self.calls_to.setdefault(self.resident_of(call), []).append(call)
        self.keep_call(call)

    def keep_call(self, call: Call) -> None:
        call.updated_at = self.clock.now()
        self.touched_at[self.resident_of(call)] = call.updated_at
        self.journal.keep("call", call.sid, call.model_dump_json())

    @staticmethod
    def resident_of(call: Call) -> str:
        return call.caller if call.direction == "inbound" else call.to

    def add_sms(self, sms: Sms) -> None:
        self.messages[sms.sid] = sms
        self.messages_to.setdefault(sms.to, []).append(sms)
        self.keep_sms(sms)

    def keep_sms(self, sms: Sms) -> None:
        sms.updated_at = self.clock.now()
        self.touched_at[sms.to] = sms.updated_at
        self.journal.keep("sms", sms.sid, sms.model_dump_json())

    def chat_of(self, user: str, bot: str) -> Chat:
        return self.chats.setdefault(user, Chat(user=user, bot=bot))

    def show(self, chat: Chat, bubbles: Iterable[Bubble]) -> None:
        chat.bubbles.extend(bubbles)
        self.keep_chat(chat)

    def keep_chat(self, chat: Chat) -> None:
        self.touched_at[chat.user] = self.clock.now()
        self.journal.keep("chat", chat.user, chat.model_dump_json())

    def keep_talk(self, talk: Talk) -> None:
        self.journal.keep("talk", talk.task, talk.model_dump_json())

    # --- handsets ---

    def handset(self, address: str) -> Handset:
        return self.handsets.get(address) or Handset(kind=guess_kind(address))

    def set_handset(self, address: str, handset: Handset) -> None:
        """Its tries start anew."""
        for way in ("call", "sms", "chat"):
            self.tries.pop((way, address), None)
        self.change_handset(address, handset)

    def change_handset(self, address: str, handset: Handset) -> None:
        self.handsets[address] = handset
        self.touched_at.setdefault(address, self.clock.now())
        self.journal.keep("handset", address, f"{address}\n{handset.model_dump_json()}")

    def is_manual(self, address: str) -> bool:
        handset = self.handset(address)
        if handset.manual or handset.preset == "manual":
            return True
        is_described = handset.preset or handset.call or handset.chat
        return self.config.preset == "manual" and not is_described

    def count_try(self, way: str, address: str) -> int:
        """The number of this try, from 0."""
        number = self.tries.get((way, address), 0)
        self.tries[way, address] = number + 1
        return number

    def call_behaviour(self, address: str, tries: int) -> CallBehaviour:
        handset = self.handset(address)
        if handset.call is not None:
            return handset.call
        if (handset.preset or self.config.preset) == "quick":
            return QUICK_CALL
        now = self.clock.now()
        return chances.county_call(self.config.seed, address, tries, now, self._before(address))

    def _before(self, address: str) -> Before | None:
        for call in reversed(self.calls_to.get(address, ())):
            match call.result:
                case "answer" | "busy" | "no_answer" | "voicemail" as result:
                    return Before(result, call.created_at)
        return None

    def sms_behaviour(self, address: str) -> SmsBehaviour:
        handset = self.handset(address)
        if handset.sms is not None:
            return handset.sms
        is_quick = (handset.preset or self.config.preset) == "quick"
        return QUICK_SMS if is_quick else chances.county_sms(handset)

    def chat_behaviour(self, address: str, tries: int) -> ChatBehaviour:
        handset = self.handset(address)
        if handset.chat is not None:
            return handset.chat
        if (handset.preset or self.config.preset) == "quick":
            return QUICK_CHAT
        return chances.county_chat(self.config.seed, address, tries, self.clock.now())
