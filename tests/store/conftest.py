"""What tests of broadcasts on their way may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.store.works import Works, opened


@pytest.fixture
async def works(migrated_database_url: str) -> AsyncIterator[Works]:
    """A village with its head, and the use cases over a database of this test's own."""
    async with opened(migrated_database_url) as made:
        yield made
