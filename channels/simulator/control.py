"""The control API: set handsets and the carrier, act for a person, and read what the witness saw."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from channels.simulator import call_life, chat_life, sms_life
from channels.simulator.carrier import Settings
from channels.simulator.exchange import Exchange
from channels.simulator.handsets import CallBehaviour, Handset
from channels.simulator.kakao_api import task_json
from channels.simulator.person import Plan
from channels.simulator.records import Button, Call
from channels.simulator.signals import Answered, HungUp, Key, Signal
from channels.simulator.timing import Work

Json = dict[str, object]

router = APIRouter(prefix="/control")


def exchange_of(request: Request) -> Exchange:
    exchange: Exchange = request.app.state.exchange
    return exchange


Here = Annotated[Exchange, Depends(exchange_of)]


class Manual(BaseModel):
    manual: bool


class Press(BaseModel):
    key: str = Field(pattern=r"^[0-9*#]$")


class Tap(BaseModel):
    """`label`: a piece of a button's label; the newest message that has such a button is meant."""

    label: str = Field(min_length=1)


class Say(BaseModel):
    """`to`: our number, where a telephone writes an SMS."""

    words: str = Field(min_length=1)
    to: str = ""


class CallIn(BaseModel):
    """`to`: our number; `keys` are pressed one after another, whenever one is asked for."""

    to: str
    keys: str = Field(default="", pattern=r"^[0-9*#]*$")


class Done(BaseModel):
    """`status`: the HTTP status of our service's answer, where it was asked something."""

    model_config = ConfigDict(extra="forbid")
    done: Literal[True] = True
    status: int | None = None
    sid: str = ""


@router.delete("")
async def reset(exchange: Here) -> Done:
    await exchange.reset()
    return Done()


@router.put("/carrier")
async def set_carrier(exchange: Here, settings: Settings) -> Settings:
    exchange.carrier.set(settings)
    return settings


@router.get("/carrier")
async def read_carrier(exchange: Here) -> Json:
    """The settings in force, what became of callbacks, and how many lives and callbacks are under way."""
    return {
        "settings": exchange.carrier.settings.model_dump(),
        "callbacks": exchange.callbacks.counts,
        "in_progress": exchange.works.in_progress,
    }


@router.put("/handsets")
async def set_handsets(exchange: Here, handsets: Annotated[dict[str, Handset], Body()]) -> Done:
    for address, handset in handsets.items():
        exchange.set_handset(address, handset)
    return Done()


@router.put("/handsets/{address}")
async def set_handset(exchange: Here, address: str, handset: Handset) -> Handset:
    exchange.set_handset(address, handset)
    return handset


@router.put("/handsets/{address}/manual")
async def set_manual(exchange: Here, address: str, what: Manual) -> Done:
    """Hand a handset over to the page, or give it back to its behaviour; its tries go on counting."""
    exchange.change_handset(address, exchange.handset(address).model_copy(update={"manual": what.manual}))
    return Done()


@router.post("/handsets/{address}/answer")
async def answer(exchange: Here, address: str) -> Done:
    return _tell(exchange, address, Answered(), "ringing")


@router.post("/handsets/{address}/hangup")
async def hang_up(exchange: Here, address: str) -> Done:
    return _tell(exchange, address, HungUp(), "ringing", "in-progress")


@router.post("/handsets/{address}/press")
async def press(exchange: Here, address: str, what: Press) -> Done:
    return _tell(exchange, address, Key(what.key), "in-progress")


@router.post("/handsets/{address}/tap")
async def tap(exchange: Here, address: str, what: Tap) -> Done:
    """A message button asks our skill at once; a link is opened and heard to its end in the background."""
    button = _button(exchange, address, what.label)
    bot = exchange.chats[address].bot
    if button.says:
        return Done(status=await chat_life.tap(exchange, address, bot, button))
    work = exchange.works.new()
    exchange.works.start(work, _hear(exchange, button.url, work))
    return Done()


async def _hear(exchange: Exchange, url: str, work: Work) -> None:
    await chat_life.listen(exchange, url, work, 1.0, None)


@router.post("/handsets/{address}/say")
async def say(exchange: Here, address: str, what: Say) -> Done:
    """Type into the chat, or write an SMS to our number."""
    if address.startswith("+"):
        if not exchange.config.sms_url or not what.to:
            raise HTTPException(409, "no number of ours to write to")
        return Done(status=await sms_life.write_to_us(exchange, address, what.to, what.words))
    chat = exchange.chats.get(address)
    bot = chat.bot if chat else "simulator"
    return Done(status=await chat_life.say(exchange, address, bot, what.words, {}))


@router.post("/handsets/{address}/call-in")
async def call_in(exchange: Here, address: str, what: CallIn) -> Done:
    if not exchange.config.voice_url:
        raise HTTPException(409, "nobody answers calls: no voice_url is set")
    now = exchange.clock.now()
    call = Call(
        n=0, to=what.to, caller=address, direction="inbound", url=exchange.config.voice_url,
        created_at=now, started_at=now, updated_at=now, result="answer",
    )  # fmt: skip
    # Who calls in means to: only how fast this handset's time goes is taken from its behaviour.
    longest_s = exchange.call_behaviour(address, 0).longest_s
    behaviour = CallBehaviour(keys=what.keys, key_after_s=1, longest_s=longest_s)
    call_life.begin(exchange, call, Plan("answer", behaviour))
    return Done(sid=call.sid)


@router.get("/calls")
async def calls(exchange: Here, to: str = "") -> Json:
    found = exchange.calls_to.get(to, []) if to else list(exchange.calls.values())
    return {"calls": [call.model_dump(mode="json") for call in found]}


@router.get("/messages")
async def messages(exchange: Here, to: str = "") -> Json:
    found = exchange.messages_to.get(to, []) if to else list(exchange.messages.values())
    return {"messages": [sms.model_dump(mode="json") for sms in found]}


@router.get("/talks")
async def talks(exchange: Here) -> Json:
    shown = [talk.model_dump(mode="json") | {"result": task_json(talk)} for talk in exchange.talks.values()]
    return {"talks": shown}


@router.get("/chats/{user}")
async def chat(exchange: Here, user: str) -> Json:
    found = exchange.chats.get(user)
    return {"bubbles": [bubble.model_dump(mode="json") for bubble in found.bubbles] if found else []}


@router.get("/log")
async def log(exchange: Here, after: int = 0, every: bool = False) -> Json:
    """The witness: requests that took effect, in order; with `every` those too that did not."""
    entries = [entry for entry in exchange.journal.entries if entry.n > after and (every or entry.accepted)]
    return {"entries": [entry.as_json() for entry in entries]}


def open_call(exchange: Exchange, address: str) -> Call | None:
    """The call that this handset rings or talks with now."""
    for call in reversed(exchange.calls_to.get(address, ())):
        if call.status in ("ringing", "in-progress"):
            return call
    return None


def _tell(exchange: Exchange, address: str, signal: Signal, *states: str) -> Done:
    call = open_call(exchange, address)
    if call is None or call.status not in states:
        raise HTTPException(409, "no such call now")
    exchange.on_line[call.sid].tell(signal)
    return Done(sid=call.sid)


def _button(exchange: Exchange, address: str, label: str) -> Button:
    chat = exchange.chats.get(address)
    for bubble in reversed(chat.bubbles if chat else ()):
        for button in bubble.buttons:
            if label in button.label:
                return button
    raise HTTPException(409, "no such button")
