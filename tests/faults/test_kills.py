"""SIGKILL in the middle of broadcasts: nobody is lost, and nobody is rung twice for one attempt."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.judge import Findings, judge
from tests.faults.rig import Rig, rigged

pytestmark = pytest.mark.faults

SEED = 20261123
URGENT = {"title": "단수 안내", "text": "오늘 오후 세 시부터 단수됩니다.", "priority": "URGENT"}
EMERGENCY = {
    "title": "훈련",
    "text": "훈련입니다. 지금 마을회관으로 대피하십시오.",
    "category": "disaster",
    "cap_status": "Exercise",
    "severity": "Extreme",
    "urgency": "Immediate",
    "certainty": "Observed",
    "response_type": "Evacuate",
}


@pytest.mark.timeout(300)
async def test_ten_kills_lose_nobody_and_ring_nobody_twice(
    migrated_database_url: str, tmp_path: Path
) -> None:
    found = await killed(migrated_database_url, tmp_path, kills=10, villages=4, size=75, seed=SEED)
    assert found.handed_over > 300


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_many_kills_lose_nobody_and_ring_nobody_twice(
    migrated_database_url: str, tmp_path: Path
) -> None:
    found = await killed(migrated_database_url, tmp_path, kills=60, villages=20, size=100, seed=SEED + 1)
    assert found.handed_over > 2_000


async def killed(url: str, folder: Path, *, kills: int, villages: int, size: int, seed: int) -> Findings:
    """Broadcast to one village after another while the service is killed again and again."""
    async with rigged(url, folder, villages=villages, size=size, seed=seed) as rig:
        until = (rig.clock.now() + timedelta(hours=12)).isoformat()
        waiting = [(f"b{n}", broadcast(n, until)) for n in range(villages)]
        every = max(kills // villages, 1)
        for number in range(kills):
            due = waiting[: number // every + 1]
            await one_life(rig, [one for one in due if one[0] not in rig.broadcasts])
        await rig.start()
        for key, what in waiting:
            assert key in rig.broadcasts or await rig.submit(key, what)
        await rig.latency(0)
        await rig.finish()
        assert rig.service.left_over() == [], "a child outlives its killed parent"
        rig.service.require_sound()
        rig.carrier.require_sound()
        found = await judge(rig)
        print(f"\n{rig.kills} kills, seed {seed}: {found}, struck {dict(rig.struck)}")
        return found


def broadcast(number: int, until: str) -> dict[str, Any]:
    """Every third one is an emergency drill."""
    kind = EMERGENCY if number % 3 == 1 else URGENT
    return {**kind, "villages": [f"v{number}"], "expires_at": until}


async def one_life(rig: Rig, unsent: list[tuple[str, dict[str, Any]]]) -> None:
    """Start the service, give it something to do, and kill it at a moment that chance picks."""
    if not unsent and rig.chance.random() < 0.15:
        rig.service.start()
        await asyncio.sleep(rig.chance.uniform(1.0, 3.0))  # perhaps it is still starting
        await rig.kill()
        return
    await rig.start()
    posting = [asyncio.create_task(rig.submit(key, what)) for key, what in unsent]
    if rig.chance.random() < 0.6:
        await rig.calls_may_go()
    await asyncio.sleep(rig.chance.uniform(0.0, 0.8) ** 2)
    rig.service.require_sound()
    await rig.kill()
    await asyncio.gather(*posting)
