"""Officers: an emergency waits at the top of the page until a second person approves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.stage import Stage, a_scene, an_officer
from tests.browser.test_head import send, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_second_officer_approves_an_emergency(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage, "박순자", village="강변리")
    author, approver = await open_page(), await open_page()
    await sign_in(author, await an_officer(stage))
    await author.get_by_label("방송할 글").fill("지금 마을회관으로 대피하십시오. 강물이 넘칩니다.")
    await author.get_by_label(scene.village).check()
    await author.get_by_label("긴급").check()
    await send(author)
    await author.get_by_role("button", name="네, 보냅니다").click()
    await expect(author.get_by_text("승인 기다림")).to_be_visible()
    await expect(author.get_by_text("승인하고 보내기")).to_have_count(0)
    await sign_in(approver, await an_officer(stage))
    await expect(approver.locator(".waiting")).to_contain_text(scene.village)
    await approver.screenshot(path=pictures / "approvals.png", full_page=True)
    await approver.locator(".waiting a").first.click()
    await expect(approver.locator(".sounds audio")).to_have_count(2)
    await approver.get_by_text("승인하고 보내기").click()
    await approver.screenshot(path=pictures / "approve.png", full_page=True)
    await approver.get_by_role("button", name="네, 그렇게 합니다").click()
    await expect(approver.locator("#n-heard")).to_have_text("1")
    await expect(author.locator("#n-heard")).to_have_text("1")  # by itself
