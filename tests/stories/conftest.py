"""One served county a kind of database for all stories: starting one takes longer than a story."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import postgres
from tests.conftest import sqlite_url
from tests.stories.rig import World, served_county

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest_asyncio.fixture(scope="package", loop_scope="package", params=BOTH)
async def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """`parametrize("world", ["sqlite"], indirect=True)` for one kind."""
    folder = tmp_path_factory.mktemp("county")
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_file")
        shutil.copy(migrated, folder / "maeul.db")
        async with served_county(folder, sqlite_url(folder / "maeul.db")) as world:
            yield world
        return
    server: str = request.getfixturevalue("postgres_server")
    url = await postgres.fresh_database(server, request.getfixturevalue("migrated_template"))
    async with served_county(folder, url) as world:
        yield world
    await postgres.drop_database(server, url)
