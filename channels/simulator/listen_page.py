"""Reads our service's listen page as a browser would: where the sound is and where to say it was heard."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass(frozen=True, slots=True)
class ListenPage:
    """Absolute URLs; "" where the page has none."""

    audio: str
    heard: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.audio = ""
        self.fallback = ""
        self.heard = ""
        self._in_audio = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: text or "" for name, text in attrs}
        self.audio = self.audio or given.get("data-audio", "")
        self.heard = self.heard or given.get("data-heard", "") or given.get("data-heard-url", "")
        self._in_audio = tag == "audio" or (self._in_audio and tag == "source")
        if self._in_audio:
            self.fallback = self.fallback or given.get("src", "")


def read(body: bytes, url: str) -> ListenPage:
    reader = _Reader()
    reader.feed(body.decode("utf-8", "replace"))
    audio = reader.audio or reader.fallback
    return ListenPage(
        urljoin(url, audio) if audio else "",
        urljoin(url, reader.heard) if reader.heard else "",
    )
