"""Mistakes that a caller can mend; `web/app.py` alone maps them to HTTP answers."""

from __future__ import annotations


class CallerMistake(Exception):
    """Base of all mistakes that the person or program asking can put right.

    `code` is a stable machine word, `field` the input it belongs to (or None),
    `detail` a sentence in English and `detail_ko` the same in Korean. None of them may hold a phone number,
    a name or the author's text.
    """

    code = "mistake"

    def __init__(self, detail: str, detail_ko: str = "", *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.detail_ko = detail_ko or detail
        self.field = field


class InvalidInput(CallerMistake):
    """A value is missing, malformed or out of range (HTTP 422)."""

    code = "invalid"


class NotFound(CallerMistake):
    """What was asked for does not exist or is not yours to see (HTTP 404)."""

    code = "not_found"


class NotAllowed(CallerMistake):
    """The role does not allow this (HTTP 403)."""

    code = "not_allowed"


class NotSignedIn(CallerMistake):
    """No token, or a wrong or ended one (HTTP 401)."""

    code = "not_signed_in"


class Conflict(CallerMistake):
    """The thing is not in a state that allows this (HTTP 409)."""

    code = "conflict"


class KeyReused(CallerMistake):
    """An Idempotency-Key came back with another body (HTTP 422)."""

    code = "idempotency_key_reused"


class TooMany(CallerMistake):
    """Asked too often in too short a time (HTTP 429); after `retry_after_s` seconds it may be tried again."""

    code = "too_many"
    retry_after_s = 60


class TooLarge(CallerMistake):
    """An upload is over its limit of bytes (HTTP 413)."""

    code = "too_large"


class NotAudio(CallerMistake):
    """An upload cannot be decoded as sound (HTTP 422 or 415)."""

    code = "not_audio"


class IllegalMove(Exception):
    """A bug of ours: a state was asked to move in a way that its table does not list."""
