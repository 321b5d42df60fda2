"""Recordings: an upload is read to a file, checked by what it holds, and kept as it came."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from broadcast.errors import NotAllowed
from broadcast.people.accounts import SignedIn
from broadcast.policy import LONG_S, TOO_LONG_TO_PHONE_S
from broadcast.roles import RIGHTS, Scope
from broadcast.store.queries.recordings import NewRecording, add_recording
from voice.decoding import Decoded, Limits
from voice.recordings import decode
from web.api import answers
from web.api import examples as e
from web.api.multipart import file_of
from web.api.shapes import RecordingMade, Warning_
from web.context import Desk, desk
from web.problems import prefers_english
from web.sign_in import Asker

router = APIRouter(prefix="/recordings", tags=["recordings"])

LARGEST = Limits().max_bytes

CONTENT_TYPES = {
    "webm": "audio/webm",
    "matroska": "audio/webm",
    "mp4": "audio/mp4",
    "mov": "audio/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "amr": "audio/amr",
}

MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                },
                "example": {"file": "(bytes of a WebM, m4a, MP3, WAV, OGG or 3gp file)"},
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    responses=answers(201, "Kept; use its id in a broadcast", e.RECORDING),
    openapi_extra=MULTIPART,
)
async def upload(request: Request, asker: Asker) -> RecordingMade:
    """Upload a recording of at most 50 MB and 10 minutes. Its name and claimed type play no part."""
    here = desk(request)
    _require_author(asker)
    # Only sound in memory is counted: a slow line must not keep others from uploading.
    async with file_of(request, "file") as (path, sha256), here.uploads:
        decoded = await decode(path)
        data = await asyncio.to_thread(path.read_bytes)
        key = f"recordings/{sha256.hex()[:2]}/{sha256.hex()}"
        content_type = _content_type(decoded.container)
        await here.maeul.media.put(key, data, content_type)
        new = NewRecording(
            asker.who.id, key, sha256, content_type, len(data), decoded.seconds, decoded.truncated
        )
    id = await add_recording(here.maeul.database, new, here.maeul.clock.now())
    return _made(request, here, id, key, decoded)


def _require_author(asker: SignedIn) -> None:
    if RIGHTS[asker.who.role].composes is Scope.NOWHERE:
        raise NotAllowed("Your role may not broadcast.", "이 역할로는 방송할 수 없습니다.")


def _content_type(container: str) -> str:
    """For FFmpeg's name of a container, such as "mov,mp4,m4a,3gp,3g2,mj2"."""
    names = container.split(",")
    return next((CONTENT_TYPES[name] for name in names if name in CONTENT_TYPES), "application/octet-stream")


def _made(request: Request, here: Desk, id: int, key: str, decoded: Decoded) -> RecordingMade:
    pick = 0 if prefers_english(request.headers) else 1
    return RecordingMade(
        id=id,
        seconds=round(decoded.seconds, 2),
        truncated=decoded.truncated,
        warnings=[Warning_(code=code, detail=words[pick]) for code, words in _warnings(decoded)],
        url=here.maeul.links.media(key),
    )


def _warnings(decoded: Decoded) -> list[tuple[str, tuple[str, str]]]:
    found = [(one.code, (one.english, one.korean)) for one in decoded.advice]
    if decoded.truncated:
        english = "The file ends too early or is damaged; listen to what is left before you send it."
        found.append(
            ("truncated", (english, "파일이 중간에 끊겼거나 손상되었습니다. 보내기 전에 들어 보세요."))
        )
    if decoded.seconds > TOO_LONG_TO_PHONE_S:
        english = f"Longer than {TOO_LONG_TO_PHONE_S} seconds: as a routine broadcast it is not phoned."
        found.append(
            (
                "too_long_for_calls",
                (english, f"{TOO_LONG_TO_PHONE_S}초가 넘어 보통 방송으로는 전화하지 않습니다."),
            )
        )
    elif decoded.seconds > LONG_S:
        english = f"Longer than {LONG_S} seconds: many will hang up before the end."
        found.append(("long", (english, f"{LONG_S}초가 넘으면 끝까지 듣지 않는 분이 많습니다.")))
    return found
