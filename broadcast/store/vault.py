"""Keys and sealing: personal values are kept as ciphertext and found by a keyed blind index."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broadcast.errors import InvalidInput

NONCE = 12
KEY_TAG = 4  # first bytes of the key's hash, so that a rotated-out key is still found


class Unsealable(Exception):
    """A ciphertext fits none of the keys, or was changed. Says nothing of its content."""


def secret_from_base64(text: str, setting: str) -> bytes:
    """32 bytes from base64; raises InvalidInput naming the setting (never its value)."""
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise InvalidInput(
            f"{setting} must be 32 bytes in base64 (make one with: openssl rand -base64 32)",
            f"{setting} 값은 base64로 쓴 32바이트여야 합니다.",
            field=setting,
        )
    return secret


def derive(secret: bytes, label: str) -> bytes:
    """A 32-byte key of its own for each label (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"maeul {label}".encode()).derive(secret)


def masked(value: str) -> str:
    """What may be shown and logged: "+8210****78", "kakao…ab12"."""
    if value.startswith("+") and len(value) > 8:
        return f"{value[:5]}****{value[-2:]}"
    return f"…{hashlib.sha256(value.encode()).hexdigest()[:6]}"


class Vault:
    """Seals with the newest data key, opens with any; looks values up by a separate blind-index key."""

    def __init__(self, data_keys: Sequence[bytes], blind_key: bytes) -> None:
        self._newest = hashlib.sha256(data_keys[0]).digest()[:KEY_TAG]
        self._keys = {hashlib.sha256(key).digest()[:KEY_TAG]: AESGCM(key) for key in data_keys}
        self._blind_key = blind_key

    @classmethod
    def from_secret(cls, secret: bytes) -> Vault:
        return cls([derive(secret, "data")], derive(secret, "blind index"))

    def seal(self, plain: str | bytes) -> bytes:
        data = plain.encode() if isinstance(plain, str) else plain
        nonce = os.urandom(NONCE)
        return self._newest + nonce + self._keys[self._newest].encrypt(nonce, data, self._newest)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Raises Unsealable."""
        sealed = bytes(sealed)
        tag, nonce = sealed[:KEY_TAG], sealed[KEY_TAG : KEY_TAG + NONCE]
        try:
            return self._keys[tag].decrypt(nonce, sealed[KEY_TAG + NONCE :], tag)
        except (KeyError, InvalidTag, ValueError):
            raise Unsealable("a sealed value fits none of the data keys") from None

    def open(self, sealed: bytes) -> str:
        return self.open_bytes(sealed).decode()

    def blind(self, kind: str, value: str) -> bytes:
        """The 16-byte keyed index of a value of this kind; equal values have equal indexes."""
        return hmac.digest(self._blind_key, f"{kind}\0{value}".encode(), "sha256")[:16]
