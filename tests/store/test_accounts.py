"""Accounts: one that is ended opens nothing any more, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from broadcast.errors import NotFound
from broadcast.model import Role
from broadcast.people.accounts import (
    NewAccount,
    check_password,
    create_account,
    disable,
    holder_of,
    issue_token,
)
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.unit import Database
from tests.builders import Office

PASSWORD = "correct-horse-battery"


@pytest.fixture
async def office(migrated_database_url: str) -> AsyncIterator[Office]:
    office = Office(Database(migrated_database_url))
    yield office
    await office.database.close()


async def test_a_disabled_account_is_signed_out_everywhere(office: Office) -> None:
    store = AccountQueries(office.database, office.vault)
    gone, stays = [
        await create_account(store, office.clock, NewAccount(name, Role.AUDITOR, None, None, PASSWORD, ""))
        for name in ("gone", "stays")
    ]
    token, other = [await issue_token(store, office.clock, id) for id in (gone, stays)]
    await disable(store, office.clock, "gone")
    assert await holder_of(store, office.clock, token) is None
    assert await check_password(store, "gone", PASSWORD) is None
    assert await holder_of(store, office.clock, other) is not None


async def test_a_strange_account_cannot_be_disabled(office: Office) -> None:
    with pytest.raises(NotFound):
        await disable(AccountQueries(office.database, office.vault), office.clock, "nobody")
