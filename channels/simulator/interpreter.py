"""Runs TwiML on an answered call: plays, listens for keys, asks our service how to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.simulator import sound, twiml
from channels.simulator.exchange import Exchange
from channels.simulator.person import Person
from channels.simulator.records import Call, Played
from channels.simulator.signals import Ended, HungUp, Key, Replaced, ReplacedDocument, Stopped
from channels.simulator.timing import Work
from channels.simulator.twiml import BadDocument, Document, Verb

MOST_DOCUMENTS = 200  # a loop of redirects would otherwise never end
SAY_S_PER_LETTER = 0.18  # Korean syllables at an easy pace


@dataclass(slots=True)
class Line:
    """One call that is answered, and who talks on it."""

    exchange: Exchange
    call: Call
    work: Work
    person: Person


class Interpreter:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._call = line.call
        self._work = line.work
        self._person = line.person
        self._kept: list[Key] = []  # planned keys that came while nobody listened
        self._urls: set[str] = set()

    async def run(self, params: Mapping[str, str]) -> None:
        """Until the document ends. Raises Ended where somebody ended the call."""
        source: Replaced | None = Replaced(self._call.url, self._call.method, self._call.twiml, params)
        for _ in range(MOST_DOCUMENTS):
            if source is None:
                return
            source = await self._one(source)
        self._call.errors.append(twiml.NOT_TWIML)

    async def _one(self, source: Replaced) -> Replaced | None:
        try:
            return await self._run_document(await self._fetch(source))
        except ReplacedDocument as replaced:
            return replaced.by
        except BadDocument as bad:
            # Twilio says "an application error has occurred" and hangs up.
            self._call.errors.append(bad.code)
            return None

    async def _fetch(self, source: Replaced) -> Document:
        if source.twiml:
            return twiml.read(source.twiml.encode(), self._call.url)
        params = call_params(self._line.exchange.config.account_sid, self._call) | dict(source.params)
        reply = await self._line.exchange.outward.signed(source.url, source.method, params)
        if not reply.ok:
            raise BadDocument(twiml.RETRIEVAL_FAILED)
        return twiml.read(reply.body, source.url)

    async def _run_document(self, document: Document) -> Replaced | None:
        plays = False
        for verb in document.verbs:
            match verb.name:
                case "Gather":
                    if (goes_on := await self._gather(document, verb)) is not None:
                        return goes_on
                case "Redirect":
                    if plays:
                        self._person.reading_ended(self._work.now())
                    return Replaced(document.absolute(verb.text), verb.method)
                case "Hangup" | "Reject":
                    return None
                case "Record":
                    raise BadDocument(twiml.BAD_ATTRIBUTE)  # recording callers comes with the phone menus
                case _:
                    plays = plays or verb.name != "Pause"
                    await self._sound(document, verb, listening=False)
        return None

    # --- listening ---

    async def _gather(self, document: Document, verb: Verb) -> Replaced | None:
        """Where the call goes on, or None: with the next verb."""
        self._call.asks_for_key = True
        try:
            first = await self._sounds_of(document, verb)
            digits, finisher = await self._collect(verb, first)
        finally:
            self._call.asks_for_key = False
        if not digits and not finisher and not verb.flag("actionOnEmptyResult"):
            return None
        params = {"Digits": digits, "FinishedOnKey": finisher, "msg": "Gather End"}
        target = document.absolute(verb.attributes.get("action", ""))
        return Replaced(target, verb.method, params=params)

    async def _sounds_of(self, document: Document, verb: Verb) -> Key | None:
        for child in verb.children:
            if (key := await self._sound(document, child, listening=True)) is not None:
                return key
        if verb.children:
            self._person.reading_ended(self._work.now())
        return None

    async def _collect(self, verb: Verb, first: Key | None) -> tuple[str, str]:
        """Digits, and the finishing key if one was pressed."""
        finish_on, wanted = verb.attributes.get("finishOnKey", "#"), verb.number("numDigits", 0)
        digits, key = "", first
        while True:
            if key is None:
                limit = self._work.now() + self._person.plan.span(verb.number("timeout", 5))
                key = await self._until(limit, listening=True)
            if key is None:
                return digits, ""
            self._person.key_was_taken(key)
            self._call.keys += key.digit
            if key.digit in finish_on:
                return digits, key.digit
            digits, key = digits + key.digit, None
            if wanted and len(digits) >= wanted:
                return digits, ""
            self._person.types_on(self._work.now())

    # --- sound ---

    async def _sound(self, document: Document, verb: Verb, *, listening: bool) -> Key | None:
        """Play, say or pause; a key that cuts it short is returned."""
        if verb.name == "Pause":
            span = self._person.plan.span(verb.number("length", 1))
            return await self._until(self._work.now() + span, listening=listening)
        for _ in range(int(verb.number("loop", 1)) or MOST_DOCUMENTS):
            played = await self._prepare(document, verb)
            if (key := await self._play(played, listening=listening)) is not None:
                return key
        return None

    async def _prepare(self, document: Document, verb: Verb) -> Played:
        if verb.name == "Say":
            seconds = len(verb.text) * SAY_S_PER_LETTER
            return Played(said=verb.text, seconds=seconds, at=self._work.now())
        url = document.absolute(verb.text)
        reply = await self._line.exchange.outward.media(url)
        if not reply.ok:
            raise BadDocument(twiml.RETRIEVAL_FAILED)
        try:
            return Played(url=url, seconds=sound.seconds(reply.body, reply.content_type), at=self._work.now())
        except sound.NotPlayable as error:
            raise BadDocument(twiml.RETRIEVAL_FAILED) from error

    async def _play(self, played: Played, *, listening: bool) -> Key | None:
        began_at, span = self._work.now(), self._person.plan.span(played.seconds)
        if played.url in self._urls:
            self._person.reading_ended(began_at)  # it begins again: the first reading is over
        self._urls.add(played.url or played.said)
        self._call.played.append(played)
        self._call.playing_url = played.url
        self._line.exchange.keep_call(self._call)
        self._person.sound_began(began_at)
        try:
            return await self._until(began_at + span, listening=listening)
        finally:
            share = (self._work.now() - began_at) / span if span else 1.0
            played.heard_s = round(played.seconds * min(share, 1.0), 3)
            self._call.playing_url = ""
            self._line.exchange.keep_call(self._call)

    async def _until(self, moment: datetime, *, listening: bool) -> Key | None:
        """Wait; return a key if somebody listens for it, raise what ends or replaces the document."""
        if listening and self._kept:
            return self._kept.pop(0)
        while True:
            due, is_person = self._person.due(moment)
            signal = await self._work.until(due)
            if signal is None:
                if not is_person:
                    return None
                signal = self._person.act()
            match signal:
                case HungUp():
                    raise Ended("completed", 200)
                case Stopped(status):
                    raise Ended("completed" if status == "completed" else status, 200)
                case Replaced():
                    raise ReplacedDocument(signal)
                case Key() if listening:
                    return signal
                case Key(is_planned=True):
                    self._kept.append(signal)


def call_params(account: str, call: Call) -> dict[str, str]:
    """What every request of Twilio about a call carries."""
    params = {
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "CallSid": call.sid,
        "CallStatus": call.status,
        "Called": call.to,
        "Caller": call.caller,
        "Direction": call.direction,
        "From": call.caller,
        "To": call.to,
    }
    return params | ({"AnsweredBy": call.answered_by} if call.answered_by and not call.amd_is_async else {})
