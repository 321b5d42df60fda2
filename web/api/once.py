"""One key, one effect: what `Idempotency-Key` promises."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from broadcast.errors import CallerMistake, Conflict
from broadcast.people.accounts import SignedIn
from broadcast.store.queries.idempotency import Answered, FinishedBefore, Mine
from web.context import Desk

PATIENCE_S = 10.0
PAUSE_S = 0.1

Key = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")] | None,
    Header(
        alias="Idempotency-Key",
        description="Any text of your own; the same key with the same body within 24 hours has one effect.",
        examples=["8f14e45f-ceea-467f-a2d2-b1b9f2f7c0a1"],
    ),
]


async def once(
    here: Desk,
    asker: SignedIn,
    key: str | None,
    body: BaseModel,
    work: Callable[[], Awaitable[bytes]],
    finished_before: FinishedBefore,
) -> Response:
    """The answer of `work` (202, JSON), or the one that was given to this key before.

    Raises KeyReused, and Conflict where the first request with this key takes too long.
    """
    if key is None:
        return _answer(202, await work())
    hash = hashlib.sha256(body.model_dump_json(exclude_unset=True).encode()).digest()
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        now = here.maeul.clock.now()
        turn = await here.idempotency.begin(asker.access_id, key, hash, now, finished_before)
        if isinstance(turn, Answered):
            return _answer(turn.status, turn.body, is_repeat=True)
        if isinstance(turn, Mine):
            return _answer(202, await _first(here, asker, key, work))
        await asyncio.sleep(PAUSE_S)  # the client's own time, not the domain's
    raise Conflict(
        "The first request with this key is still under way; ask again shortly.",
        "같은 키의 첫 요청을 아직 처리하고 있습니다. 잠시 뒤 다시 보내 주세요.",
        field="Idempotency-Key",
    )


async def _first(here: Desk, asker: SignedIn, key: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
    try:
        body = await work()
    except CallerMistake:
        await here.idempotency.forget(asker.access_id, key)
        raise
    await here.idempotency.finish(asker.access_id, key, 202, body)
    return body


def _answer(status: int, body: bytes, *, is_repeat: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if is_repeat else {}
    return Response(body, status, headers, "application/json")
