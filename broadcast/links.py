"""Signed links to sound on the shelf and to the page where one attempt can be heard, and marks of browsers."""

from __future__ import annotations

import base64
import hmac
import os
import struct
from datetime import datetime, timedelta
from urllib.parse import quote

from broadcast.errors import NotFound
from broadcast.model import AttemptId
from broadcast.ports import Clock

MEDIA_LIFE = timedelta(days=7)  # as long as a broadcast is asked about
LISTEN_LIFE = timedelta(days=30)  # replay reaches back 30 days
SIGNATURE = 16
DAY = 86_400

_TOKEN = struct.Struct(">QI")  # attempt, end in seconds since 1970


class Links:
    """Makes and checks them. They carry ids only, and a signature is good for its purpose alone."""

    def __init__(self, key: bytes, public_url: str, clock: Clock) -> None:
        self._key = key
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def media(self, key: str, lifetime: timedelta = MEDIA_LIFE) -> str:
        """An absolute address of the sound under this media key, good for at least `lifetime`."""
        return self._public_url + self.media_path(key, lifetime)

    def media_path(self, key: str, lifetime: timedelta = MEDIA_LIFE) -> str:
        """The same without the host, for our own pages."""
        # The end is rounded up to a day, so that a provider that caches by address fetches a sound once.
        end = -(-_seconds(self._clock.now() + lifetime) // DAY) * DAY
        return f"/media/{quote(key)}?e={end}&s={self._media_signature(key, end)}"

    def check_media(self, key: str, end: str, signature: str) -> None:
        """Raises NotFound for a link that we did not make, or that has ended."""
        if not (end.isascii() and end.isdigit() and len(end) < 12 and signature.isascii()):
            raise _no_such_link()
        right = self._media_signature(key, int(end))
        if not hmac.compare_digest(right, signature) or int(end) < _seconds(self._clock.now()):
            raise _no_such_link()

    def listen(self, attempt_id: AttemptId) -> str:
        """The absolute address of the page where this attempt's broadcast can be heard."""
        return f"{self._public_url}/listen/{self.listen_token(attempt_id)}"

    def listen_token(self, attempt_id: AttemptId) -> str:
        payload = _TOKEN.pack(attempt_id, _seconds(self._clock.now() + LISTEN_LIFE))
        return _text(payload + self._sign("listen", payload))

    def open_listen(self, token: str) -> AttemptId:
        """The attempt behind a token; raises NotFound for a strange or ended one."""
        data = _bytes(token)
        payload, signature = data[: _TOKEN.size], data[_TOKEN.size :]
        if not hmac.compare_digest(self._sign("listen", payload), signature):
            raise _no_such_link()
        attempt_id, end = _TOKEN.unpack(payload)
        if end < _seconds(self._clock.now()):
            raise _no_such_link()
        return AttemptId(attempt_id)

    def device(self, name: str) -> str:
        """What a browser keeps that has signed in under this name: a mark of its own, of use for nothing else."""
        mark = os.urandom(SIGNATURE)
        return _text(mark + self._sign("device", mark + name.encode()))

    def is_device(self, token: str, name: str) -> bool:
        """Whether this is the mark of a browser that has signed in under this name."""
        try:
            data = _bytes(token)
        except NotFound:
            return False
        mark, signature = data[:SIGNATURE], data[SIGNATURE:]
        return hmac.compare_digest(self._sign("device", mark + name.encode()), signature)

    def _media_signature(self, key: str, end: int) -> str:
        return _text(self._sign("media", f"{key}\0{end}".encode()))

    def _sign(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + data, "sha256")[:SIGNATURE]


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    try:
        return base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except ValueError:
        raise _no_such_link() from None


def _no_such_link() -> NotFound:
    return NotFound("This link is wrong or has ended.", "주소가 잘못되었거나 기한이 지났습니다.")
