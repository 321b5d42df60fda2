"""A provider for tests of pumps: it answers as it is told, and can be held up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from broadcast.model import Accepted, Channel, Message, Outcome
from tests.store.carriers import PROVIDERS


class Post:
    """`sent` is what was asked of it, in order; while `gate` is shut nothing is answered."""

    batch_size: ClassVar[int] = 1

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.name = PROVIDERS[channel]
        self.sent: list[Message] = []
        self.stopped: list[str] = []
        self.answers: Callable[[Message], Outcome] = lambda message: Accepted(f"ref-{message.attempt_id}")
        self.gate = asyncio.Event()
        self.gate.set()
        self.got = asyncio.Semaphore(0)

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.sent += messages
        for _ in messages:
            self.got.release()
        await self.gate.wait()
        return [self.answers(message) for message in messages]

    async def receives(self, n: int) -> None:
        """Return when it was asked `n` times more."""
        for _ in range(n):
            await self.got.acquire()

    async def stop(self, reference: str) -> bool:
        self.stopped.append(reference)
        return True

    async def close(self) -> None: ...
