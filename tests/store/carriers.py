"""Providers and a speaker that tests of the store play themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from broadcast.model import Accepted, Channel, Message, Outcome

PROVIDERS = {Channel.VOICE: "voice", Channel.SMS: "sms", Channel.KAKAO: "chat"}


class Carrier:
    """A provider that can be asked afterwards what it has, and to stop."""

    batch_size: ClassVar[int] = 1

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.name = PROVIDERS[channel]
        self.asked: list[Message] = []
        self.stopped: list[str] = []
        self.knows: Callable[[Message], Outcome] = lambda message: Accepted(f"found-{message.attempt_id}")

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        raise NotImplementedError  # these tests begin and finish by themselves

    async def look_up(self, message: Message) -> Outcome:
        self.asked.append(message)
        return self.knows(message)

    async def stop(self, reference: str) -> bool:
        self.stopped.append(reference)
        return True

    async def close(self) -> None: ...


class Spoken:
    def script(self, text: str, language: str) -> str:
        return text
