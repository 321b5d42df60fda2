"""Passwords: kept as salted scrypt, worked out in threads of their own, because it takes time on purpose."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
from concurrent.futures import ThreadPoolExecutor

from broadcast.errors import InvalidInput

# OWASP's setting for 16 MB a try; kept with each hash, so that it may rise later.
COST, BLOCK, PARALLEL = 2**14, 8, 5
LEAST = 10
MOST = 200

_threads = ThreadPoolExecutor(2, thread_name_prefix="maeul-password")


async def hash_password(password: str) -> str:
    """Raises InvalidInput for one that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        raise InvalidInput(
            f"A password has {LEAST} to {MOST} characters.",
            f"비밀번호는 {LEAST}자 이상 {MOST}자 이하여야 합니다.",
            field="password",
        )
    salt = os.urandom(16)
    digest = await _in_thread(password, salt, COST, BLOCK, PARALLEL)
    parts = (str(COST), str(BLOCK), str(PARALLEL), _text(salt), _text(digest))
    return "$".join(("scrypt", *parts))


async def matches(password: str, kept: str | None) -> bool:
    """Whether the password is the one kept; takes as long where nothing is kept."""
    if len(password) > MOST:
        return False
    if kept is None:
        await _in_thread(password, bytes(16), COST, BLOCK, PARALLEL)
        return False
    _, cost, block, parallel, salt, digest = kept.split("$")
    found = await _in_thread(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, base64.b64decode(digest))


async def _in_thread(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    def work() -> bytes:
        return hashlib.scrypt(
            password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=256 * cost * block, dklen=32
        )

    return await asyncio.get_running_loop().run_in_executor(_threads, work)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
