"""Uploads: real recordings are kept as they came; what is not sound is refused and leaves nothing behind."""

from __future__ import annotations

import asyncio
import tempfile
import wave
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import pytest

from broadcast.model import Role
from tests.web.desk import API, Answer, Village, count
from tests.web.test_bad_input import is_problem

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

AUDIO = Path(__file__).parent.parent / "data" / "audio"


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads are spilled to, so that a test can see what was left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def upload(
    village: Village, data: object, name: str = "blob", claims: str = "audio/webm", field: str = "file"
) -> Answer:
    form = aiohttp.FormData()
    form.add_field(field, data, filename=name, content_type=claims)
    return await village.served.ask("POST", f"{API}/recordings", village.token, data=form)


async def nothing_was_kept(village: Village, temporary_folder: Path) -> bool:
    kept = await village.served.ask("GET", "/healthz")
    assert kept.status == 200
    rows = await count(village.served.office.database, "recording")
    return rows == 0 and not list(temporary_folder.iterdir())


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("chrome.webm", "audio/webm"),
        ("mediarecorder.webm", "audio/webm"),
        ("iphone.m4a", "audio/mp4"),
        ("stereo.mp3", "audio/mpeg"),
        ("old.3gp", "audio/mp4"),
    ],
)
async def test_a_real_recording_is_kept_as_it_came(
    village: Village, temporary_folder: Path, name: str, content_type: str
) -> None:
    original = (AUDIO / name).read_bytes()
    answer = await upload(village, BytesIO(original), "../../etc/passwd", "text/html")
    assert answer.status == 201, answer.body
    assert answer.json["seconds"] > 1
    assert not answer.json["truncated"]
    sound = await village.served.ask("GET", answer.json["url"])
    assert (sound.body, sound.headers["Content-Type"]) == (original, content_type)
    assert not list(temporary_folder.iterdir())


async def test_a_recording_can_be_broadcast(village: Village) -> None:
    made = await upload(village, BytesIO((AUDIO / "mediarecorder.webm").read_bytes()))
    answer = await village.submit(text=None, recording_id=made.json["id"])
    assert answer.status == 202, answer.body


async def test_a_recording_cut_half_way_is_kept_with_a_warning(village: Village) -> None:
    whole = (AUDIO / "chrome.webm").read_bytes()
    answer = await upload(village, BytesIO(whole[: len(whole) // 2]))
    assert answer.status == 201, answer.body
    assert answer.json["truncated"]
    assert answer.json["warnings"][0]["code"] == "truncated"
    assert "들어 보세요" in answer.json["warnings"][0]["detail"]


async def test_a_whisper_is_kept_with_advice(village: Village) -> None:
    """Spoken far from the telephone: the author is told while it can still be said again."""
    at = np.arange(16_000 * 3) / 16_000
    words = np.sin(at * 2 * np.pi * 300) * (at % 1 < 0.7)  # with pauses, as speech has
    tone = (0.004 * 32_767 * words).astype("<i2")
    sound = BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(tone.tobytes())
    answer = await upload(village, BytesIO(sound.getvalue()), "far.wav")
    assert answer.status == 201, answer.body
    assert [one["code"] for one in answer.json["warnings"]] == ["too_quiet"]


async def test_what_is_not_sound_is_refused(village: Village, temporary_folder: Path) -> None:
    page = b"<!doctype html><script>alert(1)</script>" * 100
    for data in (page, bytes(100_000), b"RIFF____WAVEfmt ", b"\x1aE\xdf\xa3" + bytes(500)):
        answer = await upload(village, BytesIO(data), "speech.webm")
        is_problem(answer, 415, "not_audio")
        assert answer.fields == ["file"]
    assert await nothing_was_kept(village, temporary_folder)


async def test_an_empty_file_is_refused(village: Village, temporary_folder: Path) -> None:
    answer = await upload(village, BytesIO(b""))
    is_problem(answer, 422, "invalid")
    assert answer.fields == ["file"]
    assert await nothing_was_kept(village, temporary_folder)


async def test_three_hours_are_refused(village: Village, temporary_folder: Path) -> None:
    answer = await upload(village, hours_of_sound(3))
    assert answer.status in (413, 422), answer.body
    assert answer.fields == ["file"]
    assert await nothing_was_kept(village, temporary_folder)


def hours_of_sound(hours: int) -> BytesIO:
    """The smallest WAV of that length: 4 kHz in 8 bits, which stays below the limit of bytes."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(4_000)
        sound.writeframes(bytes(range(64, 192)) * (hours * 3600 * 4_000 // 128))
    file.seek(0)
    return file


async def test_half_a_gigabyte_is_refused_before_it_is_sent(village: Village, temporary_folder: Path) -> None:
    place = urlsplit(village.served.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        f"POST {API}/recordings HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {village.token}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 524288000\r\n\r\n".encode()
    )
    assert b"413" in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert await nothing_was_kept(village, temporary_folder)


async def test_too_much_of_unknown_length_is_refused(village: Village, temporary_folder: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(52):
            yield bytes(1_000_000)

    told = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await village.served.ask(
        "POST", f"{API}/recordings", village.token, data=endless(), headers=told
    )
    is_problem(answer, 413, "too_large")
    assert await nothing_was_kept(village, temporary_folder)


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nsome sound'
END = b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (PART, "multipart/form-data; boundary=x", 422),  # the end is missing
        (PART + END, "multipart/form-data", 400),  # no boundary
        (PART.replace(b"file", b"filo") + END, "multipart/form-data; boundary=x", 422),
        (PART.replace(b'; filename="a"', b"") + END, "multipart/form-data; boundary=x", 422),
        (b"\r\n".join([PART] * 101) + END, "multipart/form-data; boundary=x", 400),
        (b"--x\r\nrubbish" + END, "multipart/form-data; boundary=x", 400),
        (b'{"file": 1}', "application/json", 422),
        (b"", "audio/webm", 422),
    ],
)
async def test_a_malformed_upload_is_refused(
    village: Village, temporary_folder: Path, body: bytes, content_type: str, status: int
) -> None:
    told = {"Content-Type": content_type}
    answer = await village.served.ask("POST", f"{API}/recordings", village.token, data=body, headers=told)
    is_problem(answer, status, "invalid" if status == 422 else "bad_request")
    assert await nothing_was_kept(village, temporary_folder)


async def test_who_leaves_half_way_leaves_nothing(village: Village, temporary_folder: Path) -> None:
    place = urlsplit(village.served.url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        f"POST {API}/recordings HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {village.token}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n".encode()
        + PART
        + bytes(2_000_000)
    )
    await until(lambda: bool(list(temporary_folder.iterdir())))
    writer.close()
    await writer.wait_closed()
    await until(lambda: not list(temporary_folder.iterdir()))
    assert await nothing_was_kept(village, temporary_folder)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # a folder tells nobody that it is empty
            await asyncio.sleep(0.01)


async def test_an_auditor_uploads_nothing(village: Village) -> None:
    village.token = await village.token_of(Role.AUDITOR)
    answer = await upload(village, BytesIO((AUDIO / "mediarecorder.webm").read_bytes()))
    is_problem(answer, 403, "not_allowed")


async def test_another_heads_recording_is_not_theirs_to_send(village: Village) -> None:
    made = await upload(village, BytesIO((AUDIO / "mediarecorder.webm").read_bytes()))
    deputy = await village.token_of(Role.DEPUTY, village="4182025021")
    answer = await village.submit(deputy, text=None, recording_id=made.json["id"])
    is_problem(answer, 422, "invalid")
    assert answer.fields == ["recording_id"]
