"""The media store in a folder: recordings and renditions as plain files, each written whole or not at all."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urlsplit

from broadcast.errors import InvalidInput
from broadcast.ports import MediaStore

CHUNK = 1 << 16
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")
_UNREPEATABLE = "recordings/"  # a rendition can be made again, an author's recording cannot


class FolderMedia:
    """Files under one root. Work on files is done in threads."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """The folder keeps no content types; names end in one that tells."""
        await asyncio.to_thread(self._put, self._path(key), data, key.startswith(_UNREPEATABLE))

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(key) from None

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._path(key).is_file)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def chunks(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        path = self._path(key)
        while start < end:
            piece = await asyncio.to_thread(_read, path, key, start, min(CHUNK, end - start))
            if not piece:
                return
            yield piece
            start += len(piece)

    async def size(self, key: str) -> int:
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise KeyError(key)
        return (await asyncio.to_thread(path.stat)).st_size

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key) or len(key) > 512:
            raise InvalidInput("This is not a media key.", "올바른 미디어 키가 아닙니다.", field="key")
        return self.root / key

    def _put(self, path: Path, data: bytes, is_unrepeatable: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                if is_unrepeatable:
                    os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        if is_unrepeatable:
            _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, key: str, start: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise KeyError(key) from None


def media_store(url: str) -> MediaStore:
    """The store that MEDIA_URL names: `file:///an/absolute/folder`."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FolderMedia(Path(unquote(parts.path)))
    what = "s3:// is not supported yet" if parts.scheme == "s3" else "this form is not known"
    what_ko = "s3://는 아직 지원하지 않습니다" if parts.scheme == "s3" else "알 수 없는 형식입니다"
    raise InvalidInput(
        f"MEDIA_URL must be file:///an/absolute/folder: {what}.",
        f"MEDIA_URL은 file:///절대/경로 형식이어야 합니다: {what_ko}.",
        field="media_url",
    )
