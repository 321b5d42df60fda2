"""Takes one file out of a multipart body while it arrives, straight into a temporary file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from broadcast.errors import InvalidInput

PIECE = 1 << 20
MOST_PARTS = 100  # each costs time while everybody waits, and one is enough


class _Picker:
    """The parser's callbacks: gathers the bytes of the first file in the wanted field."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._is_inside = False
        self._parts = 0
        self.is_whole = False
        self.gathered: list[bytes] = []

    def on_part_begin(self) -> None:
        self._header = self._value = self._disposition = b""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise MultipartParseError("too many parts")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        is_wanted = options.get(b"name") == self._wanted and b"filename" in options
        self._is_inside = is_wanted and not self.is_whole

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_inside:
            self.gathered.append(data[start:end])

    def on_part_end(self) -> None:
        self.is_whole = self.is_whole or self._is_inside
        self._is_inside = False

    def take(self) -> bytes:
        data, self.gathered = b"".join(self.gathered), []
        return data


@asynccontextmanager
async def file_of(request: Request, field: str) -> AsyncIterator[tuple[Path, bytes]]:
    """The uploaded file as it came, with its SHA-256; removed at the end of the block.

    Raises InvalidInput where the field is missing or its end never came.
    """
    path = await asyncio.to_thread(_new_file)
    try:
        yield path, await _spill(request, field, path)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _new_file() -> Path:
    with NamedTemporaryFile(prefix="maeul-upload-", delete=False) as file:
        return Path(file.name)


async def _spill(request: Request, field: str, path: Path) -> bytes:
    picker, hash = _Picker(field.encode()), hashlib.sha256()
    parser = _parser(request, picker, field)
    waiting = bytearray()
    async for chunk in request.stream():
        try:
            parser.write(chunk)
        except MultipartParseError:
            raise HTTPException(400) from None
        waiting += picker.take()
        if len(waiting) >= PIECE:
            await asyncio.to_thread(_append, path, waiting, hash)
            waiting = bytearray()
    await asyncio.to_thread(_append, path, waiting, hash)
    if not picker.is_whole:
        raise _no_file(field)
    return hash.digest()


def _parser(request: Request, picker: _Picker, field: str) -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise _no_file(field)
    if not options.get(b"boundary"):
        raise HTTPException(400)
    callbacks = {name: getattr(picker, name) for name in dir(picker) if name.startswith("on_")}
    return MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]  # a TypedDict of these


def _append(path: Path, data: bytearray, hash: hashlib._Hash) -> None:
    hash.update(data)
    with path.open("ab") as file:
        file.write(data)


def _no_file(field: str) -> InvalidInput:
    return InvalidInput(
        f"Send the sound as multipart/form-data in the field “{field}”, to its end.",
        f"소리 파일을 multipart/form-data의 {field} 항목으로 끝까지 보내 주세요.",
        field=field,
    )
