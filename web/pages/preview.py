"""Hearing a broadcast before it is sent: exactly the sound that residents will hear."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from broadcast.errors import CallerMistake, InvalidInput
from broadcast.model import BroadcastId, CapStatus, Priority
from broadcast.people.accounts import SignedIn
from broadcast.policy import LONG_S, is_phoned
from broadcast.ports import EngineFailed
from broadcast.render import Part, ToRender, said_by
from voice.script import Script, prepare
from voice.shelf import media_key
from web.catalogue import CATALOGUE
from web.context import Desk
from web.pages.form import Filled, body_of, errors_of
from web.pages.lists import seen_villages
from web.validation import LONGEST_TEXT
from web.words import Words

LONG_EMERGENCY_S = 15  # DESIGN section 4
TRIAL_VOICE = "espeak"
SURELY_SHORT = 250  # syllables of a script that no voice needs 90 s for


@dataclass(frozen=True, slots=True)
class Sound:
    """One piece, in the order in which it is heard."""

    part: str
    url: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of it; `error` instead of all else."""

    sounds: Sequence[Sound] = ()
    script: str = field(default="", repr=False)
    unread: Sequence[str] = field(default=(), repr=False)
    warnings: Sequence[str] = ()
    is_trial_voice: bool = False
    error: str = ""
    is_phoned: bool = True


async def preview(here: Desk, asker: SignedIn, filled: Filled, t: Words) -> Preview:
    try:
        one, script = await _to_render(here, asker, filled)
        parts = await here.maeul.renderer.preview(one)
    except (ValidationError, CallerMistake) as error:
        return Preview(error=" ".join(errors_of(error, t).values()))
    except EngineFailed:
        return Preview(error=t("sound.failed"))
    return Preview(
        sounds=[sound(here, part.part, part.clip.hash, part.clip.seconds) for part in parts],
        script=script.text if script else "",
        unread=script.unread if script else (),
        warnings=_warnings(parts[-1], filled, t),
        is_trial_voice=parts[-1].clip.engine == TRIAL_VOICE,
        is_phoned=_is_phoned(parts[-1], filled),
    )


async def may_be_too_long_to_phone(here: Desk, asker: SignedIn, filled: Filled) -> bool:
    """Whether it is worth making the sound to know; short words need no waiting."""
    if filled.priority != Priority.ROUTINE.name:
        return False
    if filled.recording_id.isdecimal():
        kept = await here.pages.recording(int(filled.recording_id), asker.who.id)
        return kept is not None and not is_phoned(Priority.ROUTINE, kept.seconds)
    if len(filled.text) > LONGEST_TEXT:
        return False  # refused anyway
    script = await asyncio.to_thread(prepare, filled.text)
    return len(script.text) > SURELY_SHORT


def sound(here: Desk, part: str, hash: str, seconds: float) -> Sound:
    return Sound(part, here.maeul.links.media_path(media_key(hash, "mp3")), round(seconds, 1))


async def _to_render(here: Desk, asker: SignedIn, filled: Filled) -> tuple[ToRender, Script | None]:
    """Raises ValidationError or CallerMistake."""
    village = await _village(here, asker, filled)
    body = body_of(replace(filled, villages=(village,), when="now", expires_at=""), here.maeul.clock.now())
    voice = await here.pages.voice(village)
    assert voice is not None  # it was on the list a moment ago, and villages stay
    key = await _recording_key(here, asker, body.recording_id) if body.recording_id else ""
    script = await asyncio.to_thread(prepare, body.text) if body.text and not key else None
    to_render = ToRender(
        id=BroadcastId(0),
        priority=Priority.EMERGENCY if filled.is_emergency else Priority.ROUTINE,
        cap_status=CapStatus.ACTUAL,
        language="ko",
        script=script.text if script else "",
        recording_key=key,
        county=voice.county,
        villages=said_by(asker.who.role, [voice.village]),
    )
    return to_render, script


async def _village(here: Desk, asker: SignedIn, filled: Filled) -> str:
    """The first one chosen, or the first that may be chosen: only the opening depends on it."""
    own = [one.code for one in await seen_villages(here, asker)]
    found = next((code for code in filled.villages if code in own), own[0] if own else "")
    if not found:
        korean, english = CATALOGUE["villages.none"]
        raise InvalidInput(english, korean, field="villages")
    return found


async def _recording_key(here: Desk, asker: SignedIn, id: int) -> str:
    kept = await here.pages.recording(id, asker.who.id)
    if kept is None:
        korean, english = CATALOGUE["sound.no_recording"]
        raise InvalidInput(english, korean, field="recording_id")
    return kept.key


def _is_phoned(text: Part, filled: Filled) -> bool:
    return filled.priority != Priority.ROUTINE.name or is_phoned(Priority.ROUTINE, text.clip.seconds)


def _warnings(text: Part, filled: Filled, t: Words) -> list[str]:
    seconds = text.clip.seconds
    if filled.is_emergency and seconds > LONG_EMERGENCY_S:
        return [t("sound.long_emergency", n=round(seconds))]
    if not _is_phoned(text, filled):
        return [t("sound.too_long", n=round(seconds))]
    return [t("sound.long", n=round(seconds))] if seconds > LONG_S else []
