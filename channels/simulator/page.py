"""The page of handsets: what each one shows now, and the HTML around it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from channels.simulator.control import Here, Json, open_call
from channels.simulator.exchange import Exchange
from channels.simulator.handsets import Handset
from channels.simulator.records import Bubble, Call, Sms

MOST_SHOWN = 60
MOST_LINES = 30

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
)

router = APIRouter()


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def show(request: Request, lang: str = "ko") -> HTMLResponse:
    chosen = "en" if lang == "en" else "ko"
    return HTMLResponse(_templates.get_template("handsets.html").render(lang=chosen))


@router.get("/control/handsets")
async def handsets(exchange: Here, q: str = "", limit: int = MOST_SHOWN) -> Json:
    """The handsets that ring or were used last; `q` is a piece of a name or an address."""
    known = {*exchange.handsets, *exchange.touched_at}
    found = [address for address in known if q in address or q in exchange.handset(address).name]
    found.sort(key=lambda address: _rank(exchange, address), reverse=True)
    return {"handsets": [view(exchange, address) for address in found[:limit]], "known": len(known)}


@router.get("/control/handsets/{address}")
async def handset(exchange: Here, address: str) -> Json:
    return view(exchange, address)


def _rank(exchange: Exchange, address: str) -> tuple[bool, bool, str]:
    touched_at = exchange.touched_at.get(address)
    is_named = address in exchange.handsets
    return open_call(exchange, address) is not None, is_named, touched_at.isoformat() if touched_at else ""


def view(exchange: Exchange, address: str) -> Json:
    """One handset as the page shows it."""
    owner: Handset = exchange.handset(address)
    call = open_call(exchange, address)
    chat = exchange.chats.get(address)
    calls = exchange.calls_to.get(address, [])[-MOST_LINES:]
    return {
        "address": address,
        "kind": owner.kind,
        "name": owner.name,
        "manual": exchange.is_manual(address),
        "call": _live(call) if call else None,
        "calls": [_past(past) for past in calls if past.is_over],
        "sms": [_text(sms) for sms in exchange.messages_to.get(address, [])[-MOST_LINES:]],
        "chat": [_bubble(bubble) for bubble in chat.bubbles[-MOST_LINES:]] if chat else [],
    }


def _live(call: Call) -> Json:
    playing = call.played[-1] if call.playing_url and call.played else None
    return {
        "sid": call.sid,
        "status": call.status,
        "from": call.caller,
        "playing": call.playing_url,
        "playing_at": playing.at.isoformat() if playing else "",
        "asks": call.asks_for_key,
        "keys": call.keys,
    }


def _past(call: Call) -> Json:
    return {
        "status": call.status,
        "at": call.created_at.isoformat(),
        "seconds": call.talked_s,
        "keys": call.keys,
        "answered_by": call.answered_by,
        "clip": next((played.url for played in reversed(call.played) if played.url), ""),
    }


def _text(sms: Sms) -> Json:
    at = sms.created_at.isoformat()
    return {"from": sms.sender, "body": sms.body, "status": sms.status, "at": at}


def _bubble(bubble: Bubble) -> Json:
    return bubble.model_dump(mode="json", exclude={"buttons": {"__all__": {"extra"}}})
