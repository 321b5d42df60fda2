"""Signing in on the page: sessions, forged requests, guessed passwords."""

from __future__ import annotations

import pytest

from broadcast.model import Role
from tests.builders import VILLAGE, an_account
from tests.web.desk import API, TEXT, Answer, Served, Village
from tests.web.test_bad_input import is_problem

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

RIGHT = {"name": "샘골리 부이장", "password": "correct horse"}


@pytest.fixture
async def village(served: Served) -> Village:
    """A settled village with a deputy who has a password: working one out takes its time."""
    settled = await Village.settled(served)
    await an_account(served.office, RIGHT["name"], Role.DEPUTY, password=RIGHT["password"])
    return settled


async def sign_in(village: Village, **given: str) -> Answer:
    return await village.served.ask("POST", f"{API}/session", json={**RIGHT, **given})


def cookie(answer: Answer) -> dict[str, str]:
    return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


async def test_a_right_password_opens_a_session(village: Village) -> None:
    answer = await sign_in(village)
    assert answer.status == 201
    told = answer.headers["Set-Cookie"]
    assert "HttpOnly" in told
    assert "SameSite=lax" in told
    me = await village.served.ask("GET", f"{API}/me", headers=cookie(answer))
    assert me.json["signed_in_by"] == "session"


async def test_a_wrong_password_and_a_wrong_name_look_alike(village: Village) -> None:
    wrong = [await sign_in(village, password="incorrect"), await sign_in(village, name="아무개")]
    for answer in wrong:
        is_problem(answer, 401, "not_signed_in")
        assert "Set-Cookie" not in answer.headers
    assert wrong[0].body == wrong[1].body


def device(answer: Answer) -> dict[str, str]:
    told = [value for name, value in answer.headers.items() if name == "Set-Cookie"]
    return {"Cookie": next(value.split(";")[0] for value in told if value.startswith("maeul_device="))}


async def sign_in_from(village: Village, headers: dict[str, str], **given: str) -> Answer:
    return await village.served.ask("POST", f"{API}/session", json={**RIGHT, **given}, headers=headers)


async def test_a_stranger_who_guesses_does_not_lock_out_a_browser_that_was_here_before(
    village: Village,
) -> None:
    own = device(await sign_in(village))
    for _ in range(11):
        await sign_in(village, password="incorrect")
    is_problem(await sign_in(village), 429, "too_many")
    assert (await sign_in_from(village, own)).status == 201


async def test_a_browser_that_was_here_before_guesses_no_more_than_others(village: Village) -> None:
    own = device(await sign_in(village))
    for _ in range(10):
        is_problem(await sign_in_from(village, own, password="incorrect"), 401, "not_signed_in")
    is_problem(await sign_in_from(village, own), 429, "too_many")


async def test_a_browsers_mark_is_good_for_the_name_that_signed_in_there(village: Village) -> None:
    own = device(await sign_in(village))
    for _ in range(10):
        await sign_in(village, name="아무개")
    is_problem(await sign_in_from(village, own, name="아무개"), 429, "too_many")
    is_problem(await sign_in_from(village, {"Cookie": "maeul_device=é"}, name="아무개"), 429, "too_many")


async def test_guessing_is_stopped_for_a_while(village: Village) -> None:
    for _ in range(10):
        await sign_in(village, password="incorrect")
    stopped = await sign_in(village)
    is_problem(stopped, 429, "too_many")
    assert int(stopped.headers["Retry-After"]) > 0
    village.served.office.clock.pass_(minutes=16)
    assert (await sign_in(village)).status == 201


async def test_a_right_password_forgives_the_wrong_ones(village: Village) -> None:
    for _ in range(3):
        for _ in range(4):
            await sign_in(village, password="incorrect")
        assert (await sign_in(village)).status == 201


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Origin": "{own}"}, 202),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({}, 403),
    ],
)
async def test_only_our_own_page_posts_with_a_session(
    village: Village, sent: dict[str, str], status: int
) -> None:
    headers = {name: value.format(own=village.served.url) for name, value in sent.items()}
    answer = await village.served.ask(
        "POST",
        f"{API}/broadcasts",
        headers={**cookie(await sign_in(village)), **headers},
        json={"text": TEXT, "villages": [VILLAGE]},
    )
    assert answer.status == status


async def test_another_sites_page_cannot_sign_somebody_in(village: Village) -> None:
    answer = await village.served.ask(
        "POST", f"{API}/session", json=RIGHT, headers={"Origin": "https://elsewhere.example"}
    )
    is_problem(answer, 403, "not_allowed")


async def test_signing_out_ends_the_session(village: Village) -> None:
    held = cookie(await sign_in(village))
    own = {**held, "Origin": village.served.url}
    assert (await village.served.ask("DELETE", f"{API}/session", headers=own)).status == 204
    is_problem(await village.served.ask("GET", f"{API}/me", headers=held), 401, "not_signed_in")


async def test_a_token_is_no_session_and_a_session_no_token(village: Village) -> None:
    as_cookie = {"Cookie": f"maeul_session={village.token}"}
    is_problem(await village.served.ask("GET", f"{API}/me", headers=as_cookie), 401, "not_signed_in")
    value = cookie(await sign_in(village))["Cookie"].partition("=")[2]
    is_problem(await village.served.ask("GET", f"{API}/me", value), 401, "not_signed_in")


async def test_a_wrong_token_is_not_saved_by_a_cookie(village: Village) -> None:
    answer = await village.served.ask("GET", f"{API}/me", "wrong", headers=cookie(await sign_in(village)))
    is_problem(answer, 401, "not_signed_in")
