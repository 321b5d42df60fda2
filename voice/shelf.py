"""The shelf of finished renditions: files named by the hash of what they were made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from broadcast.ports import MediaStore, RenditionInfo, Speech
from voice.encoding import from_wav, telephone_pcm
from voice.rendering import Files


@dataclass(frozen=True, slots=True)
class Rendered:
    """All sound files of one script or recording; `files` by format."""

    hash: str
    seconds: float
    engine: str
    files: Mapping[str, RenditionInfo]


class Shelf:
    """The manifest is written last, so what a crash left half-done is simply made again."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media

    async def find(self, name: str) -> Rendered | None:
        try:
            manifest = json.loads(await self._media.get(_key(name, "manifest.json")))
            files = {form: RenditionInfo(**info) for form, info in manifest["files"].items()}
            return Rendered(name, manifest["seconds"], manifest["engine"], files)
        except KeyError:
            return None
        except (ValueError, TypeError):
            return None  # written by another version of ours: make it again

    async def put(self, name: str, engine: str, files: Files) -> Rendered:
        infos = {}
        for form, file in files.items():
            key = _key(name, form + file.suffix)
            await self._media.put(key, file.data, file.content_type)
            infos[form] = RenditionInfo(
                key, form, file.content_type, file.seconds, engine, file.lufs, file.true_peak_dbtp
            )
        rendered = Rendered(name, files["mp3"].seconds, engine, infos)
        manifest = json.dumps(asdict(rendered)).encode()
        await self._media.put(_key(name, "manifest.json"), manifest, "application/json")
        return rendered

    async def find_phrase(self, name: str) -> Speech | None:
        """Words of a template as an engine spoke them."""
        try:
            return from_wav(await self._media.get(_phrase_key(name)))
        except (KeyError, ValueError):
            return None

    async def put_phrase(self, name: str, speech: Speech) -> None:
        await self._media.put(_phrase_key(name), telephone_pcm(speech), "audio/wav")


def _phrase_key(name: str) -> str:
    return f"phrases/{name[:2]}/{name}.wav"


def _key(name: str, file: str) -> str:
    return f"renditions/{name[:2]}/{name}/{file}"


SUFFIXES = {"mp3": ".mp3", "opus": ".ogg", "telephone": ".wav", "telephone_pcm": ".wav", "peaks": ".json"}


def media_key(name: str, form: str) -> str:
    """Where the file of this format lies, for whoever knows a rendition only by its hash."""
    return _key(name, form + SUFFIXES[form])
