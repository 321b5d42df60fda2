"""Kakao's side of a skill: the request it sends to our service, and the chat that it makes of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import orjson
from pydantic import BaseModel, Field, ValidationError

from channels.simulator.records import Bubble, Button

BLOCK = {"id": "5d300e788192ac000132b8a4", "name": "마을방송"}
MOST_OUTPUTS = 3
MOST_QUICK = 10
MOST_CARD_BUTTONS = 3
MOST_TEXT = 1000


class BadReply(Exception):
    """Kakao would not show this answer."""


class _Action(BaseModel):
    label: str = ""
    action: str = ""
    webLinkUrl: str = ""
    messageText: str = ""
    phoneNumber: str = ""
    extra: dict[str, object] = Field(default_factory=dict)


class _SimpleText(BaseModel):
    text: str = Field(min_length=1, max_length=MOST_TEXT)


class _Card(BaseModel):
    title: str = ""
    description: str = ""
    text: str = ""
    buttons: list[_Action] = Field(default_factory=list, max_length=MOST_CARD_BUTTONS)


class _ListCard(BaseModel):
    header: _Card = _Card()
    items: list[_Card] = Field(default_factory=list, max_length=5)
    buttons: list[_Action] = Field(default_factory=list, max_length=2)


class _Output(BaseModel):
    simpleText: _SimpleText | None = None
    basicCard: _Card | None = None
    textCard: _Card | None = None
    listCard: _ListCard | None = None


class _Template(BaseModel):
    outputs: list[_Output] = Field(default_factory=list, max_length=MOST_OUTPUTS)
    quickReplies: list[_Action] = Field(default_factory=list, max_length=MOST_QUICK)


class _Answer(BaseModel):
    version: str
    template: _Template = _Template()


def event_request(
    bot: str, user: str, kind: str, params: Mapping[str, object], properties: Mapping[str, object]
) -> dict[str, object]:
    """What an event block sends: no words, the event's parameters, and FLOW trigger EVENT."""
    request = _request(bot, user, kind, "", {**params, **properties}, properties, None)
    return request | {"flow": {"trigger": {"type": "EVENT"}}}


def said_request(bot: str, user: str, words: str, extra: Mapping[str, object]) -> dict[str, object]:
    """What a block sends when a person typed, or tapped a button with these words."""
    return _request(bot, user, "botUserKey", words, {"surface": "Kakaotalk.plusfriend"}, {}, dict(extra))


def _request(
    bot: str,
    user: str,
    kind: str,
    words: str,
    params: Mapping[str, object],
    properties: Mapping[str, object],
    extra: dict[str, object] | None,
) -> dict[str, object]:
    who = {"botUserKey": user, "isFriend": True, "bot_user_key": user} | dict(properties)
    return {
        "bot": {"id": bot, "name": "마을방송"},
        "intent": {**BLOCK, "extra": {"reason": {"code": 1, "message": "OK"}}},
        "action": {**BLOCK, "params": {}, "detailParams": {}, "clientExtra": extra},
        "userRequest": {
            "block": BLOCK,
            "user": {"id": user, "type": kind, "properties": who},
            "utterance": words,
            "params": dict(params),
            "lang": "ko",
            "timezone": "Asia/Seoul",
        },
        "contexts": [],
    }


def bubbles(body: bytes, at: datetime) -> list[Bubble]:
    """The answer as chat; [] where it shows nothing. Raises BadReply."""
    try:
        answer = _Answer.model_validate(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise BadReply(type(error).__name__) from error
    shown = [bubble for output in answer.template.outputs for bubble in _shown(output, at)]
    if shown:
        shown[-1].buttons.extend(_button(action) for action in answer.template.quickReplies)
    return shown


def _shown(output: _Output, at: datetime) -> Iterator[Bubble]:
    if output.simpleText is not None:
        yield Bubble(by="bot", text=output.simpleText.text, at=at)
    for card in filter(None, (output.basicCard, output.textCard)):
        buttons = [_button(action) for action in card.buttons]
        yield Bubble(by="bot", title=card.title, text=card.description or card.text, buttons=buttons, at=at)
    if output.listCard is not None:
        lines = [f"{item.title} {item.description}".strip() for item in output.listCard.items]
        buttons = [_button(action) for action in output.listCard.buttons]
        title = output.listCard.header.title
        yield Bubble(by="bot", title=title, text="\n".join(lines), buttons=buttons, at=at)


def _button(action: _Action) -> Button:
    if action.action == "webLink":
        return Button(label=action.label, url=action.webLinkUrl)
    if action.action == "phone":
        return Button(label=action.label, url=f"tel:{action.phoneNumber}")
    return Button(label=action.label, says=action.messageText or action.label, extra=action.extra)
