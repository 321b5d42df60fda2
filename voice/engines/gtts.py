"""Google's reading voice by the package gTTS: online, so it is a choice; texts go to Google.

Limits: 100 characters a request, 429 when overused, no key and no promise of service. gTTS does not verify
the server's certificate, so what comes back is treated like any stranger's sound file.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from gtts import gTTS, gTTSError

from broadcast.errors import CallerMistake
from broadcast.ports import EngineFailed, Speech
from voice import recordings

REQUEST_S = 5.0
DEADLINE_S = 20.0
SLOW_BELOW = 0.9  # Google knows two paces only

# At level DEBUG gTTS logs the whole text, and texts of broadcasts name people.
logging.getLogger("gtts").setLevel(logging.WARNING)


class Gtts:
    """At most one request at a time: Google answers 429 to those who hurry."""

    name: ClassVar[str] = "gtts"

    def __init__(self, *, request_s: float = REQUEST_S, deadline_s: float = DEADLINE_S) -> None:
        self._request_s = request_s
        self.deadline_s = deadline_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="maeul-gtts")

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        """There is one voice a language; `voice` is ignored."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.deadline_s):
                mp3 = await loop.run_in_executor(self._thread, self._fetch, script, language, speed)
                return (await recordings.decode(mp3)).speech
        except TimeoutError:
            raise EngineFailed("gtts: too slow") from None
        except CallerMistake as mistake:
            raise EngineFailed(f"gtts: no usable sound ({mistake.code})") from None

    def _fetch(self, script: str, language: str, speed: float) -> bytes:
        ends_at = time.monotonic() + self.deadline_s
        sound = io.BytesIO()
        try:
            request = gTTS(
                script, lang=language, slow=speed < SLOW_BELOW, lang_check=False, timeout=self._request_s
            )
            for piece in request.stream():
                sound.write(piece)
                if time.monotonic() > ends_at:
                    raise EngineFailed("gtts: too slow")
        except gTTSError as error:
            raise EngineFailed(f"gtts: {_status(error)}") from None
        except (AssertionError, ValueError, OSError) as error:
            raise EngineFailed(f"gtts: {type(error).__name__}") from None
        return sound.getvalue()

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _status(error: gTTSError) -> str:
    """The HTTP status or that there was none; never the error's text, which may quote us."""
    return str(getattr(error.rsp, "status_code", "no answer"))
