"""The real application behind a real socket, on a real database; only carriers and the pipeline are absent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.desk import Served, Village, serve_office


@pytest.fixture
async def served(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """On the kind of database that the test asks for; most need only one."""
    async with serve_office(migrated_database_url, tmp_path / "media") as running:
        yield running


@pytest.fixture
async def village(served: Served) -> Village:
    """샘골리 with a head who holds a token."""
    return await Village.settled(served)
