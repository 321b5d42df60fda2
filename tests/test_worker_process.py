"""`maeul worker` beside other processes on PostgreSQL: what one accepts, another renders and hands over."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from broadcast.compose import Draft, Who
from broadcast.model import AccountId, Priority, Role
from broadcast.settings import Settings
from broadcast.wiring import Maeul, opened
from maeul.store import prepare
from scheduler.clock import SystemClock
from tests.builders import VILLAGE, Office, a_resident, a_village, an_account
from tests.console import LONGEST_S, Running, ask, running

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("database_kind", ["postgresql"])]

KEY = base64.b64encode(bytes(range(32))).decode()


def settings_for(database_url: str, folder: Path, simulator_url: str) -> dict[str, str]:
    return {
        "MAEUL_DATABASE_URL": database_url,
        "MAEUL_MEDIA_URL": (folder / "media").as_uri(),
        "MAEUL_SECRET_KEY": KEY,
        "MAEUL_SIMULATOR_URL": simulator_url,
        "MAEUL_PUBLIC_URL": "http://127.0.0.1:9",  # nobody is there: this test needs no callbacks
    }


async def accepted(maeul: Maeul) -> None:
    """An urgent broadcast for three chats, written down by a process that sends nothing itself."""
    office = Office(maeul.database, maeul.vault)
    await a_village(office)
    for n in range(3):
        await a_resident(office, kakao=f"chat-{n}")
    author = Who(
        AccountId(await an_account(office, role=Role.ADMINISTRATOR, village=None)), Role.ADMINISTRATOR, "x"
    )
    text = "물을 받아 두십시오."
    await maeul.composer.submit(Draft("단수", (VILLAGE,), text, priority=Priority.URGENT), author)


async def chats_of(simulator: Running) -> set[str]:
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        entries = (await asyncio.to_thread(ask, f"{simulator.url}/control/log"))["entries"]
        if len(entries) >= 3:
            return {entry["to"] for entry in entries}
        await asyncio.sleep(0.05)
    return set()


async def test_a_worker_sends_what_another_process_accepted(
    migrated_database_url: str, tmp_path: Path
) -> None:
    with running(tmp_path, "simulator", "--port", "0", MAEUL_SIMULATOR_PRESET="quick") as simulator:
        told = settings_for(migrated_database_url, tmp_path, simulator.url)
        with running(tmp_path, "worker", **told) as worker:
            settings = Settings(
                database_url=migrated_database_url,
                media_url=told["MAEUL_MEDIA_URL"],
                secret_key=SecretStr(KEY),
                simulator_url=simulator.url,
            )
            async with opened(settings, public_url=told["MAEUL_PUBLIC_URL"], clock=SystemClock()) as maeul:
                await accepted(maeul)
                assert await chats_of(simulator) == {"chat-0", "chat-1", "chat-2"}
            assert await asyncio.to_thread(worker.stop) == 0
            assert "Traceback" not in worker.log.read_text()
        assert await asyncio.to_thread(simulator.stop) == 0


async def test_processes_that_start_together_migrate_one_after_another(database_url: str) -> None:
    settings = Settings(database_url=database_url, secret_key=SecretStr(KEY))
    await asyncio.gather(*[prepare(settings) for _ in range(4)])
