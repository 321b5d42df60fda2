"""A chat reply as Kakao's skill response, version 2.0, cut to what Kakao shows.

API: https://kakaobusiness.gitbook.io/main/tool/chatbot/skill_guide/answer_json_format
Limits: 3 outputs, 1,000 characters a text, 3 buttons a card, 10 quick replies.
"""

from __future__ import annotations

from collections.abc import Sequence

from broadcast.ports import Button, ChatReply

MAX_OUTPUTS = 3
MAX_TEXT = 1_000
MAX_CARD_TITLE = 50
MAX_CARD_TEXT = 230  # a card shows no more lines than this; a longer text goes above it
MAX_BUTTONS = 3
MAX_QUICK = 10
MAX_LABEL = 14

Json = dict[str, object]


def skill_response(reply: ChatReply | None) -> Json:
    """None becomes no outputs: Kakao then shows nothing, and drops the push that asked."""
    if reply is None:
        return {"version": "2.0", "template": {"outputs": []}}
    buttons = [_button(button) for button in reply.buttons[:MAX_BUTTONS]]
    template: Json = {"outputs": _outputs(reply.title.strip(), reply.text.strip(), buttons)}
    # What finds no room on the card and is said, not opened, can still be offered below.
    quick = [button for button in (*reply.quick, *reply.buttons[MAX_BUTTONS:]) if not button.url]
    if quick:
        template["quickReplies"] = [_button(button) for button in quick[:MAX_QUICK]]
    return {"version": "2.0", "template": template}


def _outputs(title: str, text: str, buttons: Sequence[Json]) -> list[Json]:
    if (title or buttons) and len(title) <= MAX_CARD_TITLE and len(text) <= MAX_CARD_TEXT:
        return [_card(title, text, buttons)]
    whole = f"{title}\n\n{text}" if title else text
    if not buttons:
        return [_text(piece) for piece in _pieces(whole, MAX_OUTPUTS)]
    # The text above, its last lines on the card, so that the buttons stand under the end of the reading.
    shown = _cut(whole, (MAX_OUTPUTS - 1) * MAX_TEXT)
    split = _last_break(shown, len(shown) - MAX_CARD_TEXT)
    head, tail = shown[:split].strip(), shown[split:].strip()
    return [*(_text(piece) for piece in _pieces(head, MAX_OUTPUTS - 1)), _card("", tail, buttons)]


def _pieces(text: str, most: int) -> list[str]:
    """At most `most` texts within Kakao's limit; only what is beyond all of them is cut, visibly."""
    text = _cut(text, most * MAX_TEXT)
    return [text[start : start + MAX_TEXT] for start in range(0, len(text), MAX_TEXT)]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _last_break(text: str, at_least: int) -> int:
    """Where the card's part begins: after the first space that leaves it short enough."""
    space = text.find(" ", at_least)
    return space + 1 if space >= 0 else at_least


def _text(text: str) -> Json:
    return {"simpleText": {"text": text}}


def _card(title: str, text: str, buttons: Sequence[Json]) -> Json:
    card: Json = {}
    if title:
        card["title"] = title
    if text:
        card["description"] = text
    if buttons:
        card["buttons"] = list(buttons)
    return {"basicCard": card}


def _button(button: Button) -> Json:
    label = button.label[:MAX_LABEL]
    if button.url:
        return {"action": "webLink", "label": label, "webLinkUrl": button.url}
    rendered: Json = {"action": "message", "label": label, "messageText": button.says or button.label}
    if button.extra:
        rendered["extra"] = dict(button.extra)
    return rendered
