"""Signed links: only ours, only for their purpose, only in their time."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import NotFound
from broadcast.links import Links
from broadcast.model import AttemptId
from tests.builders import StillClock


def links(clock: StillClock | None = None, key: bytes = b"k" * 32) -> Links:
    return Links(key, "https://maeul.example/", clock or StillClock())


def parts(url: str) -> tuple[str, str, str]:
    found = urlsplit(url)
    query = parse_qs(found.query)
    return found.path.removeprefix("/media/"), query["e"][0], query["s"][0]


def test_a_media_link_opens_what_it_names() -> None:
    url = links().media("renditions/ab/abcd/mp3.mp3")
    assert url.startswith("https://maeul.example/media/renditions/ab/abcd/mp3.mp3?")
    links().check_media(*parts(url))


def test_a_media_link_opens_nothing_else() -> None:
    _, end, signature = parts(links().media("recordings/ab/abcd"))
    with pytest.raises(NotFound):
        links().check_media("recordings/ab/abce", end, signature)
    with pytest.raises(NotFound):
        links().check_media("recordings/ab/abcd", str(int(end) + 1), signature)


@pytest.mark.parametrize("end", ["", "soon", "-1", "١٢٣", "9" * 40])
def test_a_malformed_end_is_not_found(end: str) -> None:
    with pytest.raises(NotFound):
        links().check_media("k", end, "s")


def test_a_media_link_lives_as_long_as_asked() -> None:
    clock = StillClock()
    made = parts(links(clock).media("k", timedelta(days=2)))
    clock.pass_(days=2)
    links(clock).check_media(*made)
    clock.pass_(days=1, seconds=1)
    with pytest.raises(NotFound):
        links(clock).check_media(*made)


def test_calls_of_one_day_share_one_media_address() -> None:
    clock = StillClock()
    first = links(clock).media("k")
    clock.pass_(hours=3)
    assert links(clock).media("k") == first


@given(st.integers(0, 2**63 - 1))
def test_a_listen_token_gives_its_attempt_back(id: int) -> None:
    assert links().open_listen(links().listen_token(AttemptId(id))) == id


@given(st.text())
def test_a_strange_token_is_not_found(token: str) -> None:
    with pytest.raises(NotFound):
        links().open_listen(token)


def test_a_changed_token_is_not_found() -> None:
    token = links().listen_token(AttemptId(7))
    for place in range(len(token) - 1):  # the last has unused bits
        changed = token[:place] + ("B" if token[place] != "B" else "C") + token[place + 1 :]
        with pytest.raises(NotFound):
            links().open_listen(changed)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(NotFound):
        links(key=b"other").open_listen(links().listen_token(AttemptId(7)))


def test_a_listen_link_ends_after_thirty_days() -> None:
    clock = StillClock()
    token = links(clock).listen_token(AttemptId(7))
    clock.pass_(days=30)
    assert links(clock).open_listen(token) == 7
    clock.pass_(seconds=1)
    with pytest.raises(NotFound):
        links(clock).open_listen(token)
