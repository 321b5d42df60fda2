"""Log lines: what they look like, and what never gets into them."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.errors import InvalidInput
from maeul.logs import Lines, set_up, without_numbers

NUMBERS = [
    "+821012345678",
    "821012345678",
    "%2B821012345678",
    "+82 10-1234-5678",
    "+82-31-555-0100",
    "01012345678",
    "010-1234-5678",
    "010 1234 5678",
    "011-234-5678",
    "031-555-0100",
    "02-123-4567",
    "+14155550123",
]
NO_NUMBERS = [
    "2026-03-04T01:00:00.000Z",
    "attempt=1772582400000000",
    "+8210****78",
    "port 8000",
    "4182025021",
]


def a_line(message: str, error: Exception | None = None, **fields: object) -> str:
    exc_info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("channels.kakao", logging.INFO, __file__, 1, message, (), exc_info)
    record.__dict__.update(fields)
    record.created = 1772582400.5
    return Lines().format(record)


def test_a_line_is_a_time_a_level_an_event_and_its_fields() -> None:
    assert a_line("push_refused", status=400, provider="kakao") == (
        "2026-03-04T00:00:00.500Z INFO channels.kakao push_refused status=400 provider=kakao"
    )


def test_a_field_with_spaces_is_quoted() -> None:
    assert a_line("x", why="not now", nothing="").endswith("why='not now' nothing=''")


@pytest.mark.parametrize("number", NUMBERS)
def test_no_telephone_number_gets_through(number: str) -> None:
    for text in (
        number,
        f"To={number}&From=x",
        f"<{number}>",
        f"({number})",
        f"tel:{number}.",
        f"'{number}'",
    ):
        assert without_numbers(text).count("[number]") == 1
        assert number[-4:] not in without_numbers(text)


@given(st.from_regex(r"\A010[2-9]\d{7}\Z"), st.text(alphabet="abc :=/?&'\"[]한\n", max_size=10))
def test_no_mobile_number_gets_through_in_any_place(number: str, around: str) -> None:
    assert number not in without_numbers(f"{around} {number}{around}")


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_telephone_number_stays_readable(text: str) -> None:
    assert without_numbers(text) == text


def test_a_traceback_is_masked_like_everything_else() -> None:
    line = a_line("send_failed", error=ValueError("no route to +821012345678"))
    assert line.endswith("ValueError: no route to [number]")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(InvalidInput, match="MAEUL_LOG_LEVEL"):
        set_up({"MAEUL_LOG_LEVEL": "loud"})


def test_third_parties_do_not_log_their_details(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiosqlite logs every statement with its parameters at DEBUG."""
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", "maeul", "broadcast", "voice", "channels")}
    handlers = root.handlers[:]
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    try:
        set_up({"MAEUL_LOG_LEVEL": "debug"})
        assert logging.getLogger("broadcast.dispatch").isEnabledFor(logging.DEBUG)
        for name in ("aiosqlite", "aiohttp.client", "twilio.http_client", "uvicorn.error"):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    finally:
        root.handlers[:] = handlers
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
