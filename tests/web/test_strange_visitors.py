"""Pages asked for in ways that no page of ours asks: strange values, strange addresses."""

from __future__ import annotations

import re

import pytest

from broadcast.model import Role
from tests.web.desk import TEXT, Village
from tests.web.test_pages import Visitor, said, signed_in

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


@pytest.fixture
async def head(village: Village) -> Visitor:
    return await signed_in(village.served, "샘골리 부이장", Role.DEPUTY)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("at", "9999-12-31T23:59", 422),
        ("expires_at", "9999-12-31T23:59:59Z", 422),
        ("expires_at", "0001-01-01T00:00:00+23:59", 422),
        ("response_type", "Prepare", 200),
    ],
)
async def test_what_the_form_does_not_offer_breaks_nothing(
    head: Visitor, field: str, value: str, status: int
) -> None:
    answer = await head.write(
        ("text", TEXT), ("priority", "EMERGENCY"), ("when", "at" if field == "at" else "now"), (field, value)
    )
    assert answer.status == status
    assert TEXT in said(answer)


@pytest.mark.parametrize("path", ["//elsewhere.example/", "/nowhere"])
async def test_no_address_makes_the_choice_of_language_lead_elsewhere(village: Village, path: str) -> None:
    visitor = Visitor(village.served)
    assert re.findall(r'href="([^"]*lang=[^"]*)"', said(await visitor.get(path))) == ["?lang=en"]


async def test_a_browser_is_not_kept_from_naming_our_own_page_as_the_origin(village: Village) -> None:
    """Under "no-referrer" it posts our forms as from "null", and older telephones tell nothing else."""
    page = await Visitor(village.served).get("/")
    assert page.headers["Referrer-Policy"] == "same-origin"
