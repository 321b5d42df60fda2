"""The life of a pushed chat message: Kakao asks our skill for it, the person sees it, listens, taps."""

from __future__ import annotations

from channels.simulator import listen_page, skill, sound
from channels.simulator.exchange import Exchange
from channels.simulator.handsets import ChatBehaviour
from channels.simulator.records import Bubble, Button, Talk, TalkUser
from channels.simulator.timing import Work

SKILL_HTTP_ERROR = 201  # Kakao's errorType where the skill's server answered with an error
SKILL_TIMED_OUT = 202
SKILL_BAD_ANSWER = 203
BLOCKED = 301
ENOUGH = 0.9  # the listen page reports as heard from this share on


def begin(exchange: Exchange, talk: Talk) -> None:
    """Start one life for each person of an Event API request."""
    exchange.talks[talk.task] = talk
    for user in talk.users:
        work = exchange.works.new()
        exchange.works.start(work, _live(exchange, talk, user, work))
    exchange.keep_talk(talk)


def fail_interrupted(exchange: Exchange) -> None:
    """A carrier that was started anew has forgotten what it was about to ask."""
    for talk in exchange.talks.values():
        for user in talk.users:
            if user.status == "waiting":
                _fail(exchange, talk, user, SKILL_TIMED_OUT, "Interrupted.")


async def _live(exchange: Exchange, talk: Talk, user: TalkUser, work: Work) -> None:
    behaviour = exchange.chat_behaviour(user.user, exchange.count_try("chat", user.user))
    if behaviour.unresolved:
        user.status = "unresolved"
        exchange.keep_talk(talk)
    elif behaviour.blocked:
        _fail(exchange, talk, user, BLOCKED, "User blocked the channel.")
    elif (shown := await _ask(exchange, talk, user)) and not exchange.is_manual(user.user):
        await _Reader(exchange, talk.bot, user.user, behaviour, work).read(shown)


async def _ask(exchange: Exchange, talk: Talk, user: TalkUser) -> list[Bubble]:
    request = skill.event_request(talk.bot, user.user, user.kind, talk.params, user.properties)
    reply = await exchange.outward.skill(exchange.config.skill_url, request)
    if not reply.ok:
        timed_out = reply.status == 0
        kind = SKILL_TIMED_OUT if timed_out else SKILL_HTTP_ERROR
        told = "timed out or could not be reached." if timed_out else "responded with an HTTP error."
        _fail(exchange, talk, user, kind, f"Bot skill server {told}")
        return []
    try:
        shown = skill.bubbles(reply.body, exchange.clock.now())
    except skill.BadReply:
        _fail(exchange, talk, user, SKILL_BAD_ANSWER, "Bot skill server's response is invalid.")
        return []
    user.status = "shown" if shown else "suppressed"
    exchange.show(exchange.chat_of(user.user, talk.bot), shown)
    exchange.keep_talk(talk)
    return shown


def _fail(exchange: Exchange, talk: Talk, user: TalkUser, kind: int, message: str) -> None:
    user.status, user.error_type, user.error = "failed", kind, message
    user.failed_at = exchange.clock.now()
    exchange.keep_talk(talk)


async def say(exchange: Exchange, user: str, bot: str, words: str, extra: dict[str, object]) -> int:
    """A person typed or tapped; our skill's answer is shown. The HTTP status of that answer, 0 if none."""
    chat = exchange.chat_of(user, bot)
    exchange.show(chat, [Bubble(by="person", text=words, at=exchange.clock.now())])
    request = skill.said_request(bot, user, words, extra)
    reply = await exchange.outward.skill(exchange.config.skill_url, request)
    if reply.ok:
        try:
            exchange.show(chat, skill.bubbles(reply.body, exchange.clock.now()))
        except skill.BadReply:
            return 0
    return reply.status


async def tap(exchange: Exchange, user: str, bot: str, button: Button) -> int:
    """Press one message button."""
    return await say(exchange, user, bot, button.says, button.extra)


async def listen(exchange: Exchange, url: str, work: Work, share: float, longest_s: float | None) -> float:
    """Open a listen page, hear this share of its sound and let the page report; the seconds heard.
    0 where the page or the sound could not be had."""
    page = await exchange.outward.page(url)
    if not page.ok:
        return 0.0
    found = listen_page.read(page.body, url)
    audio = await exchange.outward.page(found.audio) if found.audio else None
    if audio is None or not audio.ok:
        return 0.0
    try:
        whole = sound.seconds(audio.body, audio.content_type)
    except sound.NotPlayable:
        return 0.0
    heard = whole * share
    await work.sleep(heard if longest_s is None else min(heard, longest_s))
    if share >= ENOUGH and found.heard:
        await exchange.outward.beacon(found.heard, {"seconds": f"{heard:.2f}", "of": f"{whole:.2f}"})
    return heard


class _Reader:
    """Somebody who looks at a message by their behaviour."""

    def __init__(self, exchange: Exchange, bot: str, user: str, how: ChatBehaviour, work: Work) -> None:
        self._exchange = exchange
        self._bot = bot
        self._user = user
        self._how = how
        self._work = work

    async def read(self, shown: list[Bubble]) -> None:
        if self._how.seen_after_s is None:
            return
        await self._pause(self._how.seen_after_s)
        for bubble in shown:
            bubble.seen_at = self._work.now()
        self._exchange.keep_chat(self._exchange.chat_of(self._user, self._bot))
        buttons = [(bubble, button) for bubble in shown for button in bubble.buttons]
        if self._how.listens:
            await self._listen(buttons)
        await self._answer([button for _, button in buttons])

    async def _listen(self, buttons: list[tuple[Bubble, Button]]) -> None:
        for bubble, button in buttons:
            if button.url.startswith("http"):
                await self._pause(self._how.acts_after_s)
                share, longest = self._how.listens_share, self._how.longest_s
                bubble.heard_s = await listen(self._exchange, button.url, self._work, share, longest)
                return

    async def _answer(self, buttons: list[Button]) -> None:
        wanted = (self._how.taps or "").split("|") if self._how.taps else []
        for button in buttons:
            if button.says and any(piece in button.label for piece in wanted):
                await self._pause(self._how.acts_after_s)
                await tap(self._exchange, self._user, self._bot, button)
                break
        if self._how.says is not None:
            await self._pause(self._how.acts_after_s)
            await say(self._exchange, self._user, self._bot, self._how.says, {})

    async def _pause(self, seconds: float) -> None:
        longest = self._how.longest_s
        await self._work.sleep(seconds if longest is None else min(seconds, longest))
