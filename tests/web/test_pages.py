"""The pages as a browser without scripts meets them: sessions, forged posts, other villages, wrong forms."""

from __future__ import annotations

import re

import pytest

from broadcast.model import DeliveryState, ReachState, Role
from tests.builders import a_village, an_account
from tests.web.desk import API, TEXT, Answer, Served, Village, a_reach, count

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html"}


class Visitor:
    """A browser: keeps its cookie and says where its posts come from."""

    def __init__(self, served: Served, cookie: str = "") -> None:
        self.served = served
        self.cookie = cookie

    async def get(self, path: str, **more: str) -> Answer:
        return await self.served.ask("GET", path, headers={**HTML, "Cookie": self.cookie, **more})

    async def post(self, path: str, *pairs: tuple[str, str], origin: str | None = None) -> Answer:
        headers = {**HTML, "Cookie": self.cookie, "Origin": origin or self.served.url}
        return await self.served.ask("POST", path, headers=headers, data=list(pairs))

    async def write(self, *pairs: tuple[str, str], key: str = "one") -> Answer:
        return await self.post("/broadcasts", ("key", key), ("villages", "4182025021"), *pairs)


async def signed_in(served: Served, name: str, role: Role, **more: str | None) -> Visitor:
    await an_account(served.office, name, role, password=PASSWORD, **more)
    visitor = Visitor(served)
    answer = await visitor.post("/sign-in", ("name", name), ("password", PASSWORD))
    assert answer.status == 303
    visitor.cookie = answer.headers["Set-Cookie"].split(";")[0]
    return visitor


@pytest.fixture
async def head(village: Village) -> Visitor:
    return await signed_in(village.served, "샘골리 부이장", Role.DEPUTY)


def said(answer: Answer) -> str:
    return answer.body.decode()


async def test_a_stranger_sees_the_way_in_and_nothing_else(village: Village) -> None:
    visitor = Visitor(village.served)
    assert "비밀번호" in said(await visitor.get("/"))
    for path in ("/broadcasts", "/broadcasts/1", "/broadcasts/1/live"):
        answer = await visitor.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, f"/?next={path}")
    for path in ("/broadcasts/1/recall", "/preview", "/broadcasts", "/compose"):
        assert (await visitor.post(path)).status == 401


async def test_another_sites_page_cannot_act_for_a_head(head: Visitor) -> None:
    for path in ("/broadcasts", "/preview", "/compose", "/broadcasts/1/recall", "/sign-out"):
        answer = await head.post(path, ("text", TEXT), origin="https://elsewhere.example")
        assert answer.status == 403
    assert await count(head.served.maeul.database, "broadcast") == 0
    assert (await head.get("/broadcasts")).status == 200  # still signed in


async def test_a_form_sent_again_is_the_same_broadcast(head: Visitor) -> None:
    first, second = await head.write(("text", TEXT)), await head.write(("text", TEXT))
    assert first.status == 303
    assert first.headers["Location"] == second.headers["Location"]
    other = await head.write(("text", "다른 글입니다."))
    assert other.status == 409
    assert "다른 글입니다." in said(other)
    key = re.search(r'name="key" value="([^"]+)"', said(other))
    assert key
    assert key[1] != "one"
    assert await count(head.served.maeul.database, "broadcast") == 1


async def test_a_village_of_somebody_else_is_refused_with_the_text_kept(head: Visitor) -> None:
    await a_village(head.served.office, "4182025099", "북골리")
    answer = await head.post("/broadcasts", ("text", TEXT), ("villages", "4182025099"))
    assert answer.status == 422
    assert 'id="villages-error"' in said(answer)
    assert TEXT in said(answer)
    assert "북골리" not in said(await head.get("/"))


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([], "text"),
        ([("text", "   \r\n ")], "text"),
        ([("text", "가" * 2001)], "text"),
        ([("text", "물\x07물")], "text"),
        ([("text", "🙂🙂")], "text"),
        ([("text", TEXT), ("title", "가" * 101)], "title"),
        ([("text", TEXT), ("recording_id", "12")], "recording_id"),
        ([("text", TEXT), ("recording_id", "x")], "recording_id"),
        ([("text", TEXT), ("when", "at")], "scheduled_at"),
        ([("text", TEXT), ("when", "at"), ("at", "soon")], "scheduled_at"),
        ([("text", TEXT), ("when", "at"), ("at", "2020-01-01T09:00")], "scheduled_at"),
    ],
)
async def test_a_mistake_is_shown_at_its_field(
    head: Visitor, pairs: list[tuple[str, str]], field: str
) -> None:
    answer = await head.write(*pairs)
    assert answer.status == 422
    assert f'id="{field}-error"' in said(answer)
    assert await count(head.served.maeul.database, "broadcast") == 0


async def test_what_no_form_of_ours_sends_is_said_as_well(head: Visitor) -> None:
    answer = await head.write(("text", TEXT), ("priority", "LOUD"))
    assert answer.status == 422
    assert "다음 가운데 하나여야 합니다" in said(answer)


async def test_markup_in_a_text_stays_a_text(head: Visitor) -> None:
    text = "<script>alert(1)</script> 모이세요 \"따옴표\" '작은'"
    assert "<script>alert" not in said(await head.write(("text", text), ("when", "at")))
    made = await head.write(("text", text))
    page = await head.get(made.headers["Location"])
    assert "<script>alert" not in said(page)
    assert "&lt;script&gt;" in said(page)


async def test_an_emergency_goes_only_after_it_was_repeated_back(head: Visitor) -> None:
    asked = await head.write(("text", TEXT), ("priority", "EMERGENCY"))
    assert asked.status == 200
    assert "샘골리 0명에게 긴급으로 지금 보냅니다." in said(asked)
    assert await count(head.served.maeul.database, "broadcast") == 0
    end = re.search(r'name="expires_at" value="([^"]+)"', said(asked))
    assert end
    sure = [("text", TEXT), ("priority", "EMERGENCY"), ("expires_at", end[1]), ("confirmed", "1")]
    first = await head.write(*sure)
    head.served.office.clock.pass_(seconds=5)
    assert (await head.write(*sure)).headers["Location"] == first.headers["Location"]
    made = await head.served.ask("GET", f"{API}/broadcasts/1", headers={"Cookie": head.cookie})
    assert (made.json["priority"], made.json["category"]) == ("EMERGENCY", "disaster")
    assert made.json["expires_at"] == "2026-03-04T07:00:00Z"  # six hours


async def test_somebody_elses_broadcast_is_not_found(head: Visitor) -> None:
    made = await head.write(("text", TEXT))
    where = made.headers["Location"].split("?")[0]
    await a_village(head.served.office, "4182025099", "북골리")
    other = await signed_in(head.served, "북골리 이장", Role.HEAD, village="4182025099")
    assert (await other.get(where)).status == 404
    assert (await other.get(f"{where}/live")).status == 404
    assert (await other.post(f"{where}/cancel")).status == 404
    assert TEXT not in said(await other.get("/"))


async def test_a_broadcast_is_called_off_and_not_twice(head: Visitor) -> None:
    made = await head.write(("text", TEXT))
    where = made.headers["Location"].split("?")[0]
    assert "보내지 않기" in said(await head.get(where))
    assert (await head.post(f"{where}/cancel")).status == 303
    page = said(await head.get(where))
    assert "아무에게도 보내지 않았습니다." in page
    assert "/cancel" not in page
    again = await head.post(f"{where}/cancel")
    assert again.status == 409
    assert "하지 못했습니다" in said(again)


@pytest.mark.parametrize(
    ("state", "delivery", "how"),
    [
        (ReachState.CLOSED, DeliveryState.DELIVERED, "도착함, 들었는지 모름"),
        (ReachState.CLOSED, DeliveryState.CANCELLED, "멈춤"),
        (ReachState.MISSED, DeliveryState.DELIVERED, "도착함, 들었는지 모름"),
        (ReachState.MISSED, DeliveryState.FAILED, "닿지 않음"),
    ],
)
async def test_who_has_it_already_is_told_from_whom_it_never_reached(
    village: Village, head: Visitor, state: ReachState, delivery: DeliveryState, how: str
) -> None:
    made = await head.write(("text", TEXT))
    where = made.headers["Location"].split("?")[0]
    await a_reach(village, int(where.rsplit("/", 1)[1]), state=state, delivery=delivery)
    assert f"{how} ·" in said(await head.get(where))


async def test_no_village_chosen_is_said_in_the_form_s_words(head: Visitor) -> None:
    for language, words in (("ko", "방송할 마을을 골라 주세요."), ("en", "Choose at least one village.")):
        answer = await head.post(f"/broadcasts?lang={language}", ("key", "one"), ("text", TEXT))
        assert answer.status == 422
        assert words in said(answer)


async def test_who_only_looks_gets_no_form(village: Village) -> None:
    visitor = await signed_in(village.served, "상황실", Role.DUTY_ROOM, village=None)
    page = said(await visitor.get("/"))
    assert "이 역할은 방송을 볼 수만 있습니다." in page
    assert "<textarea" not in page


async def test_a_wrong_address_is_a_page_for_people(head: Visitor) -> None:
    for path in ("/nowhere", "/broadcasts/999", "/broadcasts/99999999999999999999", "/listen/x"):
        answer = await head.get(path)
        assert answer.status in (404, 422)
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "처음 화면으로 돌아가기" in said(answer)
    machine = await head.served.ask("GET", f"{API}/nowhere", headers=HTML)
    assert machine.headers["Content-Type"] == "application/problem+json"


async def test_the_language_is_remembered(village: Village) -> None:
    visitor = Visitor(village.served)
    assert "Sign in" in said(await visitor.get("/", **{"Accept-Language": "en"}))
    chosen = await visitor.get("/?lang=en")
    visitor.cookie = chosen.headers["Set-Cookie"].split(";")[0]
    assert '<html lang="en">' in said(await visitor.get("/"))
    assert "Set-Cookie" not in (await visitor.get("/?lang=<script>")).headers


async def test_a_sign_in_leads_only_to_our_own_pages(head: Visitor) -> None:
    for next, where in (("/broadcasts/3", "/broadcasts/3"), ("//elsewhere.example", "/"), ("https://x", "/")):
        answer = await head.post(
            "/sign-in", ("name", "샘골리 부이장"), ("password", PASSWORD), ("next", next)
        )
        assert answer.headers["Location"] == where


async def test_what_was_written_comes_through_the_sign_in(head: Visitor) -> None:
    stranger = Visitor(head.served)
    asked = await stranger.write(("text", TEXT), ("title", "단수"))
    assert asked.status == 401
    assert TEXT in said(asked)
    wrong = await stranger.post("/sign-in", ("name", "x"), ("password", "x"), ("key", "one"), ("text", TEXT))
    assert wrong.status == 401
    assert TEXT in said(wrong)
    name, password = ("name", "샘골리 부이장"), ("password", PASSWORD)
    back = await stranger.post("/sign-in", name, password, ("key", "one"), ("text", TEXT))
    assert back.status == 200
    assert TEXT in said(back)
    assert "<textarea" in said(back)
    assert "maeul_session" in back.headers["Set-Cookie"]


async def test_the_sound_heard_first_is_the_one_that_is_sent(head: Visitor) -> None:
    answer = await head.post("/preview", ("text", TEXT), ("villages", "4182025021"))
    assert answer.status == 200
    sources = re.findall(r'<audio[^>]* src="([^"]+)"', said(answer))
    assert len(sources) == 2
    for source in sources:
        heard = await head.get(source.replace("&amp;", "&"))
        assert heard.headers["Content-Type"] == "audio/mpeg"
        assert len(heard.body) > 5_000
    assert TEXT in said(answer)  # the form is still filled


async def test_what_is_too_long_for_telephones_is_said_before_it_is_sent(head: Visitor) -> None:
    long = ("text", "물을 아껴 쓰시고 미리 받아 두시기 바랍니다. " * 26)
    answer = await head.write(long)
    assert answer.status == 200
    assert "아직 보내지 않았습니다. 전화로 들려 드리기에는 너무 깁니다." in said(answer)
    assert 'name="without_calls"' in said(answer)
    assert await count(head.served.office.database, "broadcast") == 0
    assert (await head.write(long, ("without_calls", "1"))).status == 303
    assert await count(head.served.office.database, "broadcast") == 1


async def test_an_urgent_text_is_phoned_in_spite_of_its_length(head: Visitor) -> None:
    long = ("text", "물을 아껴 쓰시고 미리 받아 두시기 바랍니다. " * 26)
    assert (await head.write(long, ("priority", "URGENT"))).status == 303


async def test_what_cannot_be_heard_first_is_said(head: Visitor) -> None:
    for pairs in (
        [("text", "🙂")],
        [("recording_id", "7")],
        [("text", TEXT), ("villages", "nowhere"), ("priority", "x")],
    ):
        answer = await head.post("/preview", *pairs)
        assert answer.status == 422
        assert 'class="error"' in said(answer)
