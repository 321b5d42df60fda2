"""One service and one Chromium for all browser tests; a context of its own for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser.stage import Stage, opened
from tests.browser_setup import find_chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
TELEPHONE = ViewportSize(width=360, height=740)
PATIENCE_MS = 10_000
expect.set_options(timeout=PATIENCE_MS)


class OpenPage(Protocol):
    async def __call__(self, locale: str = "ko-KR", java_script_enabled: bool = True) -> Page: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with opened(tmp_path_factory.mktemp("service")) as opened_stage:
        yield opened_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium; python -m tests.browser_setup install")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(stage: Stage, chromium: Browser) -> AsyncIterator[OpenPage]:
    """Opens the first page on a telephone, in Korean unless `locale` says otherwise."""
    contexts = []
    wrong: list[str] = []

    async def open_one(locale: str = "ko-KR", java_script_enabled: bool = True) -> Page:
        context = await chromium.new_context(
            viewport=TELEPHONE,
            locale=locale,
            base_url=stage.url,
            permissions=["microphone"],
            java_script_enabled=java_script_enabled,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        await page.goto("/")
        return page

    yield open_one
    for context in contexts:
        await context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are put for a person to look at."""
    folder = Path(__file__).resolve().parents[2] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
