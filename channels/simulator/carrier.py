"""How badly the carrier behaves: faults of its HTTP interface and of its callbacks."""

from __future__ import annotations

from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["500", "429", "garbage", "silence", "cut"]
What = Literal["calls", "messages", "talks"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Value):
    """One way to fail a create request. `count` None: for ever. `accepts`: whether the request takes effect
    all the same; by default so for what leaves the client in doubt (garbage, silence, cut)."""

    kind: FaultKind
    on: What | Literal["all"] = "all"
    probability: float = Field(default=1.0, ge=0, le=1)
    count: int | None = Field(default=None, ge=0)
    accepts: bool | None = None

    @property
    def takes_effect(self) -> bool:
        return self.kind in ("garbage", "silence", "cut") if self.accepts is None else self.accepts


class CallbackFaults(_Value):
    """Shares (0 to 1) of callbacks that come `late_s` late, twice, after their successor, or never.
    After a connection that failed, a callback is posted `retries` times more (Twilio's default is 1)."""

    late: float = Field(default=0.0, ge=0, le=1)
    late_s: float = Field(default=20.0, ge=0)
    twice: float = Field(default=0.0, ge=0, le=1)
    out_of_order: float = Field(default=0.0, ge=0, le=1)
    lost: float = Field(default=0.0, ge=0, le=1)
    retries: int = Field(default=1, ge=0)
    retry_after_s: float = Field(default=1.0, ge=0)


class Settings(_Value):
    """`latency_s` delays every answer in real time. `calls_per_second` None: calls are not queued."""

    latency_s: float = Field(default=0.0, ge=0)
    faults: tuple[Fault, ...] = ()
    callbacks: CallbackFaults = CallbackFaults()
    calls_per_second: float | None = Field(default=None, gt=0)


class Carrier:
    """The settings in force, and how often each fault has struck."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.set(Settings())

    def set(self, settings: Settings) -> None:
        self.settings = settings
        self._left = [fault.count for fault in settings.faults]
        self._requests = Random(f"{self._seed}:requests")
        self._callbacks = Random(f"{self._seed}:callbacks")

    def strike(self, what: What) -> Fault | None:
        """The fault that this request meets."""
        for index, fault in enumerate(self.settings.faults):
            left = self._left[index]
            if fault.on not in ("all", what) or left == 0 or self._requests.random() >= fault.probability:
                continue
            self._left[index] = None if left is None else left - 1
            return fault
        return None

    def befalls(self, share: float) -> bool:
        """Whether a callback is among this share."""
        return share > 0 and self._callbacks.random() < share
