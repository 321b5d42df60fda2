"""What a simulator is told at its start: credentials, where our service answers, time and chance."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

from broadcast.ports import Clock
from channels.simulator import credentials
from channels.simulator.handsets import Handset, Preset

DEFAULT_SERVICE = "http://127.0.0.1:8000"
SKILL_PATH = "/hooks/kakao/skill"
VOICE_PATH = "/hooks/twilio_voice/inbound"
SMS_PATH = "/hooks/twilio_sms/inbound"


class SystemClock:
    """The machine's own time; nothing jumps."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        # One long sleep would overshoot if the machine's time was set forward meanwhile.
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - time has no event
            await asyncio.sleep(min(left, 60.0))

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`database` None keeps everything in memory. `skill_url`, `voice_url` and `sms_url` are our service's
    hooks for what residents begin themselves and for Kakao's event blocks; "" means that nobody is there.
    `preset` says how handsets behave that nobody described."""

    database: Path | None = None
    account_sid: str = credentials.SIMULATOR_ACCOUNT_SID
    auth_token: str = field(default=credentials.SIMULATOR_AUTH_TOKEN, repr=False)
    kakao_key: str = field(default=credentials.SIMULATOR_KAKAO_KEY, repr=False)
    skill_secret: str = field(default=credentials.SIMULATOR_SKILL_SECRET, repr=False)
    skill_url: str = ""
    voice_url: str = ""
    sms_url: str = ""
    clock: Clock = field(default_factory=SystemClock)
    seed: int = 20261123
    preset: Preset = "county"
    handsets: Mapping[str, Handset] = field(default_factory=dict, repr=False)

    @classmethod
    def for_service(cls, url: str, *, database: Path | None = None, clock: Clock | None = None) -> Config:
        """A simulator whose residents talk to the service at this base URL, by its usual hook paths."""
        base = url.rstrip("/")
        return cls(
            database=database,
            skill_url=base + SKILL_PATH,
            voice_url=base + VOICE_PATH,
            sms_url=base + SMS_PATH,
            clock=clock or SystemClock(),
        )

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Config:
        """Read MAEUL_SIMULATOR_*: DATABASE (a path), SERVICE_URL, SKILL_URL, VOICE_URL, SMS_URL,
        ACCOUNT_SID, AUTH_TOKEN, KAKAO_KEY, SKILL_SECRET, SEED, PRESET (county, quick, manual)."""
        prefix = "MAEUL_SIMULATOR_"
        given = {name.removeprefix(prefix): text for name, text in env.items() if name.startswith(prefix)}
        base = given.get("SERVICE_URL", DEFAULT_SERVICE).rstrip("/")
        database = given.get("DATABASE")
        return cls(
            database=Path(database) if database else None,
            account_sid=given.get("ACCOUNT_SID", credentials.SIMULATOR_ACCOUNT_SID),
            auth_token=given.get("AUTH_TOKEN", credentials.SIMULATOR_AUTH_TOKEN),
            kakao_key=given.get("KAKAO_KEY", credentials.SIMULATOR_KAKAO_KEY),
            skill_secret=given.get("SKILL_SECRET", credentials.SIMULATOR_SKILL_SECRET),
            skill_url=given.get("SKILL_URL", base + SKILL_PATH),
            voice_url=given.get("VOICE_URL", base + VOICE_PATH),
            sms_url=given.get("SMS_URL", base + SMS_PATH),
            seed=int(given.get("SEED", "20261123")),
            preset=_preset(given.get("PRESET", "county")),
        )


def _preset(name: str) -> Preset:
    if name not in get_args(Preset):
        raise ValueError(f"MAEUL_SIMULATOR_PRESET must be one of {', '.join(get_args(Preset))}")
    return cast(Preset, name)
