"""Files on the shelf: whole or not there, and never outside the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadcast.errors import InvalidInput
from voice.media import FolderMedia, media_store


async def test_what_was_put_is_read_back_in_pieces(media: FolderMedia) -> None:
    data = bytes(range(256)) * 1000
    await media.put("recordings/a.webm", data, "audio/webm")
    assert await media.get("recordings/a.webm") == data
    assert await media.size("recordings/a.webm") == len(data)
    pieces = [piece async for piece in media.chunks("recordings/a.webm", 1000, 200_000)]
    assert b"".join(pieces) == data[1000:200_000]
    assert len(pieces) > 1


async def test_putting_again_replaces_the_whole_file(media: FolderMedia, tmp_path: Path) -> None:
    await media.put("a/b.txt", b"long text", "text/plain")
    await media.put("a/b.txt", b"new", "text/plain")
    assert await media.get("a/b.txt") == b"new"
    assert [path.name for path in (tmp_path / "media" / "a").iterdir()] == ["b.txt"]


async def test_what_is_missing_is_a_key_error(media: FolderMedia) -> None:
    await media.delete("no/such")
    assert not await media.exists("no/such")
    for ask in (media.get, media.size):
        with pytest.raises(KeyError):
            await ask("no/such")
    with pytest.raises(KeyError):
        [piece async for piece in media.chunks("no/such", 0, 10)]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", ".hidden", "a\\b", "a\0b", "가"]
)
async def test_keys_cannot_leave_the_folder(media: FolderMedia, key: str) -> None:
    with pytest.raises(InvalidInput):
        await media.put(key, b"x", "text/plain")


async def test_a_store_is_opened_by_its_url(tmp_path: Path) -> None:
    store = media_store(f"file://{tmp_path}/with%20space")
    await store.put("a.txt", b"x", "text/plain")
    assert (tmp_path / "with space" / "a.txt").read_bytes() == b"x"


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "file://relative/path", "/plain/path", ""])
def test_other_urls_are_refused_by_name(url: str) -> None:
    with pytest.raises(InvalidInput, match="MEDIA_URL"):
        media_store(url)
