"""A tiny service over real HTTP, in our service's place: documents, sounds, hooks, a skill, a listen page."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

READING_S = 10
LISTEN_PAGE = '<main data-audio="/sound/clip.wav" data-heard="/heard/7"><h1>방송</h1></main>'


def wav(seconds: float, rate: int = 8000) -> bytes:
    """Silence as the telephone renditions are: G.711 µ-law."""
    data = b"\xff" * int(seconds * rate)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 7, 1, rate, rate, 1, 8)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVE"
        + form
        + struct.pack("<4sI", b"data", len(data))
        + data
    )


@dataclass
class Office:
    """What came in, and what is to be answered."""

    token: str
    base: str = ""
    document: str = ""
    after_key: str = "<Response><Hangup/></Response>"
    chat: dict[str, object] = field(default_factory=dict)
    chat_status: int = 200
    status_code: int = 200
    events: list[dict[str, str]] = field(default_factory=list)
    turns: list[dict[str, str]] = field(default_factory=list)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    sms: list[dict[str, str]] = field(default_factory=list)
    skills: list[dict[str, object]] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    forged: int = 0

    def __post_init__(self) -> None:
        self.document = gather(f"<Play>/sound/{READING_S}.wav</Play>")
        self.chat = card("방송 듣기", "들었어요")

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hooks/voice/turn/7", self._first)
        app.router.add_post("/hooks/voice/turn/7/key", self._next)
        app.router.add_post("/hooks/voice/status/7", self._status)
        app.router.add_post("/hooks/voice/amd/7", self._verdict)
        app.router.add_post("/hooks/sms/status/8", self._sms)
        app.router.add_get("/sound/{name}", self._sound)
        app.router.add_post("/skill", self._skill)
        app.router.add_get("/listen/7", self._listen)
        app.router.add_post("/heard/7", self._heard)
        return app

    async def _signed(self, request: web.Request) -> dict[str, str]:
        body = await request.text()
        form = MultiDict([(key, str(value)) for key, value in (await request.post()).items()])
        signature = request.headers.get("X-Twilio-Signature", "")
        if not RequestValidator(self.token).validate(self.base + request.path_qs, form, signature):
            self.forged += 1
        assert body
        return dict(form)

    async def _first(self, request: web.Request) -> web.Response:
        self.turns.append(await self._signed(request))
        return web.Response(text=self.document, content_type="application/xml")

    async def _next(self, request: web.Request) -> web.Response:
        self.turns.append(await self._signed(request))
        return web.Response(text=self.after_key, content_type="application/xml")

    async def _status(self, request: web.Request) -> web.Response:
        self.events.append(await self._signed(request))
        return web.Response(status=self.status_code)

    async def _verdict(self, request: web.Request) -> web.Response:
        self.verdicts.append(await self._signed(request))
        return web.Response()

    async def _sms(self, request: web.Request) -> web.Response:
        self.sms.append(await self._signed(request))
        return web.Response()

    async def _sound(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.fetched.append(name)
        if name == "missing.wav":
            raise web.HTTPNotFound
        return web.Response(body=wav(READING_S), content_type="audio/wav")

    async def _skill(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        asked["secret"] = request.headers.get("X-Maeul-Skill-Secret")
        self.skills.append(asked)
        return web.json_response(self.chat, status=self.chat_status)

    async def _listen(self, request: web.Request) -> web.Response:
        return web.Response(text=LISTEN_PAGE, content_type="text/html")

    async def _heard(self, request: web.Request) -> web.Response:
        self.heard.append({key: str(value) for key, value in (await request.post()).items()})
        return web.Response(status=204)

    def shows_card(self) -> None:
        """Absolute links are known once the address is."""
        self.chat = card("방송 듣기", "들었어요", f"{self.base}/listen/7")

    @property
    def statuses(self) -> list[str]:
        return [event["CallStatus"] for event in self.events]


def gather(sounds: str) -> str:
    return (
        '<Response><Gather numDigits="1" timeout="5" finishOnKey="" actionOnEmptyResult="true"'
        f' action="/hooks/voice/turn/7/key" method="POST"><Pause length="1"/>{sounds}</Gather></Response>'
    )


def card(listen: str, heard: str, url: str = "") -> dict[str, object]:
    buttons = [
        {"action": "webLink", "label": listen, "webLinkUrl": url},
        {"action": "message", "label": heard, "messageText": heard, "extra": {"attemptId": "7"}},
    ]
    output = {"basicCard": {"title": "단수 안내", "description": "내일 물이 끊깁니다.", "buttons": buttons}}
    return {"version": "2.0", "template": {"outputs": [output]}}


def free_socket() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound
