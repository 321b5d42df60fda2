"""A head on a small telephone: sign in, write or speak, listen, send, and watch it arrive."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from channels.simulator.handsets import CallBehaviour, Handset, SmsBehaviour
from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.stage import PASSWORD, Scene, Stage, a_scene

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "내일 5일 오전 9시부터 12시까지 물이 나오지 않습니다. 물을 받아 두세요."
RINGS_ON = Handset(call=CallBehaviour(ring_s=3600.0))
GONE = Handset(call=CallBehaviour(results=("unallocated",)), sms=SmsBehaviour(results=("invalid",)))


async def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    await page.get_by_label("이름").fill(name)
    await page.get_by_label("비밀번호").fill(password)
    await page.get_by_role("button", name="로그인").click()


async def head_of(scene: Scene, open_page: OpenPage, *, java_script_enabled: bool = True) -> Page:
    page = await open_page(java_script_enabled=java_script_enabled)
    await sign_in(page, scene.head)
    await expect(page.get_by_role("heading", name="새 방송")).to_be_visible()
    return page


async def fits(page: Page) -> bool:
    """Nothing sticks out to the right of the telephone."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def send(page: Page) -> None:
    await page.get_by_role("button", name="보내기", exact=True).click()


async def until(page: Page, expression: str) -> None:
    """Waits in the browser's terms. Playwright's own way is an eval, which our pages forbid."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await page.evaluate(expression):
            await page.wait_for_timeout(50)


async def is_playing(page: Page, selector: str) -> None:
    """Until one of these players has really played something."""
    await until(page, f"[...document.querySelectorAll('{selector}')].some(one => one.currentTime > 0.2)")


async def test_a_wrong_password_is_said_beside_its_field(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage)
    page = await open_page()
    await page.screenshot(path=pictures / "sign-in.png", full_page=True)
    await sign_in(page, scene.head, "wrong")
    await expect(page.locator("#password-error")).to_have_text("이름이나 비밀번호가 틀립니다.")
    await expect(page.get_by_label("이름")).to_have_value(scene.head)
    assert await fits(page)
    await sign_in(page, scene.head)
    await expect(page.get_by_role("heading", name="새 방송")).to_be_visible()
    await page.get_by_role("button", name="로그아웃").click()
    await expect(page.get_by_role("button", name="로그인")).to_be_visible()
    await page.goto("/broadcasts")
    await expect(page.get_by_role("button", name="로그인")).to_be_visible()


async def test_a_typed_notice_is_heard_first_and_then_by_all(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage, "박순자", "김영희", "이복동")
    page = await head_of(scene, open_page)
    await page.screenshot(path=pictures / "compose.png", full_page=True)
    await page.get_by_label("방송할 글").fill(TEXT)
    await page.get_by_role("button", name="들어보기").click()
    await expect(page.locator("#heard-first audio")).to_have_count(2)
    source = await page.locator("#heard-first audio").last.get_attribute("src")
    answer = await page.request.get(source or "")
    assert answer.headers["content-type"] == "audio/mpeg"
    await is_playing(page, "#heard-first audio")
    await expect(page.get_by_text("시험용 목소리입니다.")).to_be_visible()
    await page.screenshot(path=pictures / "preview.png", full_page=True)
    assert await fits(page)
    await send(page)
    await expect(page.locator("#n-heard")).to_have_text("3")
    await expect(page.get_by_text("다 보냄")).to_be_visible()
    await expect(page.locator(".people.heard li")).to_have_count(3)
    await expect(page.get_by_text("박순자")).to_be_visible()
    assert re.search(r"/broadcasts/\d+$", page.url)
    assert await fits(page)
    await page.screenshot(path=pictures / "broadcast-done.png", full_page=True)
    await page.goto("/")
    await expect(page.get_by_label("방송할 글")).to_have_value("")
    await expect(page.locator(".list li")).to_have_count(1)


async def test_a_recording_is_made_heard_back_and_sent(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage, "최말순")
    page = await head_of(scene, open_page)
    await page.get_by_role("button", name="녹음 시작").click()
    await until(page, "document.getElementById('level').value > 0.01")  # the fake device beeps
    await expect(page.locator("#elapsed")).to_have_text(re.compile("0:0[1-9]"))
    await page.screenshot(path=pictures / "recording.png", full_page=True)
    await page.get_by_role("button", name="다 했습니다").click()
    await expect(page.locator("#record-state")).to_contain_text("올렸습니다")
    await page.evaluate("document.getElementById('own').play()")
    await is_playing(page, "#own")
    await page.get_by_role("button", name="들어보기").click()
    await expect(page.locator("#heard-first audio")).to_have_count(2)
    await page.screenshot(path=pictures / "recorded.png", full_page=True)
    assert await fits(page)
    await send(page)
    await expect(page.locator("#n-heard")).to_have_text("1")


async def test_a_chosen_file_that_is_no_sound_is_said_so(stage: Stage, open_page: OpenPage) -> None:
    scene = await a_scene(stage)
    page = await head_of(scene, open_page)
    picture = FilePayload(name="photo.mp3", mimeType="audio/mpeg", buffer=b"no sound at all" * 100)
    await page.get_by_label("녹음 파일 고르기").set_input_files(picture)
    await expect(page.locator("#record-state.error")).not_to_be_empty()
    await expect(page.get_by_role("button", name="보내기", exact=True)).to_be_enabled()


async def test_a_mistake_is_shown_beside_its_field_and_nothing_is_lost(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage)
    page = await head_of(scene, open_page)
    await page.get_by_label("방송할 글").fill("😀 😀")
    await page.get_by_label("시각 정하기").check()
    await send(page)
    await expect(page.locator("#scheduled_at-error")).to_have_text("보낼 시각을 골라 주세요.")
    await page.get_by_label("보낼 시각").fill("2027-01-01T09:00")
    await send(page)
    await expect(page.locator("#text-error")).to_contain_text("소리 내어 읽을 수 있는 말이 없습니다")
    await expect(page.get_by_label("방송할 글")).to_have_value("😀 😀")
    await expect(page.get_by_label("보낼 시각")).to_have_value("2027-01-01T09:00")
    await page.screenshot(path=pictures / "mistake.png", full_page=True)
    assert await fits(page)


async def test_an_emergency_is_repeated_back_before_it_goes(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage, "한복순", "오막내")
    page = await head_of(scene, open_page)
    text = "지금 샘골초등학교로 대피하십시오. 뒷산에 불이 났습니다."
    await page.get_by_label("방송할 글").fill(text)
    await page.get_by_label("긴급").check()
    await page.get_by_label("주민이 할 일").select_option("Evacuate")
    await expect(page.get_by_label("언제까지 알릴까요")).to_have_value("6")
    await page.screenshot(path=pictures / "emergency-form.png", full_page=True)
    await send(page)
    await expect(page.locator(".sure")).to_have_text(f"{scene.village} 2명에게 긴급으로 지금 보냅니다.")
    await page.screenshot(path=pictures / "emergency-confirm.png", full_page=True)
    assert await fits(page)
    await page.get_by_role("button", name="아니요, 고칩니다").click()
    await expect(page.get_by_label("방송할 글")).to_have_value(text)
    await expect(page.get_by_label("긴급")).to_be_checked()
    await send(page)
    await page.get_by_role("button", name="네, 보냅니다").click()
    await expect(page.locator("#n-heard")).to_have_text("2")
    await expect(page.locator("h1 .priority")).to_have_text("긴급")
    await page.screenshot(path=pictures / "emergency-arrives.png", full_page=True)


async def test_a_recall_stops_what_still_rings(stage: Stage, open_page: OpenPage, pictures: Path) -> None:
    scene = await a_scene(stage, "박순자", 강달수=RINGS_ON)
    page = await head_of(scene, open_page)
    await page.get_by_label("방송할 글").fill(TEXT)
    await send(page)
    await expect(page.locator("#n-heard")).to_have_text("1")
    await expect(page.locator("#n-open")).to_have_text("1")
    await expect(page.locator(".people.open")).to_contain_text("전화하는 중")
    await page.get_by_text("방송 거두기").click()
    await page.screenshot(path=pictures / "recall.png", full_page=True)
    assert await fits(page)
    await page.get_by_role("button", name="네, 그렇게 합니다").click()
    await expect(page.locator(".state.recalled")).to_be_visible()
    await expect(page.locator("#n-open")).to_have_text("0")
    await expect(page.locator("#n-missed")).to_have_text("1")


async def test_pressing_send_twice_sends_once(stage: Stage, open_page: OpenPage) -> None:
    scene = await a_scene(stage, "박순자")
    page = await head_of(scene, open_page, java_script_enabled=False)
    await page.get_by_label("방송할 글").fill(TEXT)
    await page.get_by_role("button", name="보내기", exact=True).click(click_count=2, no_wait_after=True)
    await page.wait_for_url(re.compile(r"/broadcasts/\d+"))
    await page.goto("/")
    await expect(page.locator(".list li")).to_have_count(1)


async def test_a_draft_open_in_two_tabs_is_sent_once(stage: Stage, open_page: OpenPage) -> None:
    scene = await a_scene(stage, "박순자")
    one = await head_of(scene, open_page)
    await one.get_by_label("방송할 글").fill(TEXT)
    two, three = await one.context.new_page(), await one.context.new_page()
    for tab in (two, three):
        await tab.goto("/")
        await expect(tab.get_by_label("방송할 글")).to_have_value(TEXT)
    for tab in (one, two):
        await send(tab)
        await expect(tab.locator("#n-heard")).to_have_text("1")
    assert one.url == two.url
    await three.get_by_label("방송할 글").fill("다른 글입니다.")
    await send(three)
    await expect(three.get_by_text("조금 전에 이미 한 번 보냈습니다.")).to_be_visible()
    await expect(three.get_by_label("방송할 글")).to_have_value("다른 글입니다.")
    await expect(three.locator(".list li")).to_have_count(1)


async def test_a_typed_notice_goes_out_without_scripts(stage: Stage, open_page: OpenPage) -> None:
    scene = await a_scene(stage, "박순자")
    page = await head_of(scene, open_page, java_script_enabled=False)
    await page.get_by_label("방송할 글").fill(TEXT)
    await page.get_by_role("button", name="들어보기").click()
    await expect(page.locator("#heard-first audio")).to_have_count(2)
    await expect(page.get_by_label("방송할 글")).to_have_value(TEXT)
    await send(page)
    await expect(page.locator("#n-heard")).to_have_text("1")  # the page reloads itself


async def test_a_draft_outlives_a_reload_and_a_lost_session(
    stage: Stage, open_page: OpenPage, pictures: Path
) -> None:
    scene = await a_scene(stage, "박순자")
    page = await head_of(scene, open_page)
    await page.get_by_label("방송할 글").fill(TEXT)
    await page.goto("/")
    await expect(page.get_by_label("방송할 글")).to_have_value(TEXT)
    await expect(page.get_by_text("쓰시던 글을 되살렸습니다.")).to_be_visible()
    await page.context.clear_cookies(name="maeul_session")
    await send(page)
    await expect(page.get_by_text("로그인 시간이 끝났습니다.")).to_be_visible()
    await page.screenshot(path=pictures / "session-ended.png", full_page=True)
    await sign_in(page, scene.head)
    await expect(page.get_by_label("방송할 글")).to_have_value(TEXT)
    await send(page)
    await expect(page.locator("#n-heard")).to_have_text("1")


async def test_those_not_reached_are_asked_again(stage: Stage, open_page: OpenPage, pictures: Path) -> None:
    scene = await a_scene(stage, "박순자", 이사감=GONE)
    page = await head_of(scene, open_page)
    await page.get_by_label("방송할 글").fill(TEXT)
    await send(page)
    await expect(page.locator(".people.missed")).to_contain_text("없는 번호")
    await expect(page.get_by_text("다 보냄")).to_be_visible()
    await page.get_by_text("못 들으신 분께 다시").click()
    await page.screenshot(path=pictures / "not-reached.png", full_page=True)
    await page.get_by_role("button", name="네, 그렇게 합니다").click()
    await expect(page.locator("#n-heard")).to_have_text("1")
    assert await page.locator("[role=alert]").all_text_contents() == []


async def test_the_pages_speak_english_where_asked(stage: Stage, open_page: OpenPage, pictures: Path) -> None:
    scene = await a_scene(stage, "박순자")
    page = await open_page(locale="en-GB")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await page.get_by_role("link", name="한국어").click()
    await sign_in(page, scene.head)
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", name="New broadcast")).to_be_visible()
    await page.screenshot(path=pictures / "compose-english.png", full_page=True)
    assert await fits(page)
