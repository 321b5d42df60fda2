"""The simulator on stage for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.channels.simulator.stage import Stage, on_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with on_stage() as ready:
        yield ready
