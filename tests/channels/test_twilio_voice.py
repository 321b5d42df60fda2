"""Twilio calls: the exact request, what its codes mean, the look-up, the stop."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from broadcast.model import (
    Accepted,
    Deferred,
    Outcome,
    Reason,
    Rejected,
    Unclear,
)
from broadcast.ports import LooksUp, Stoppable
from channels._twilio import PAGE_SIZE
from tests.channels import twilio
from tests.channels.replies import twilio_voice as replies
from tests.channels.rig import CUT_OFF, NOW, PHONE, PUBLIC_URL, Reply, a_message, wired

NAME = "twilio_voice"
HOOKS = f"{PUBLIC_URL}/hooks/twilio_voice"


# --- the request ------------------------------------------------------------------------------


async def test_a_call_is_asked_for_exactly_so() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        assert await sender.send([a_message(NAME)]) == [Accepted(twilio.CALL)]
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", f"{twilio.ACCOUNT_PATH}/Calls.json")
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.headers["Content-Type"] == twilio.FORM
    assert asked.form == [
        ("To", PHONE),
        ("From", twilio.CALLER),
        ("Url", f"{HOOKS}/turn/41"),
        ("Method", "POST"),
        ("StatusCallback", f"{HOOKS}/status/41"),
        ("StatusCallbackMethod", "POST"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("Timeout", "40"),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", f"{HOOKS}/amd/41"),
        ("AsyncAmdStatusCallbackMethod", "POST"),
    ]
    twilio.check_form("Calls.json", asked.form)


async def test_a_village_calls_from_its_own_number() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send([a_message(NAME, caller="+82316409999")])
    assert dict(provider.asked[0].form)["From"] == "+82316409999"


async def test_the_text_of_a_broadcast_is_not_sent_to_twilio() -> None:
    message = a_message(NAME)
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send([message])
    assert not any(message.text in value or message.title in value for _, value in provider.asked[0].form)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        *((code, Rejected(Reason.BAD_ADDRESS, str(code))) for code in (21211, 21217, 30005)),
        *((code, Rejected(Reason.NO_SMS, str(code))) for code in (21614, 21635, 30006)),
        (21610, Rejected(Reason.OPTED_OUT, "21610")),
        (21617, Rejected(Reason.TOO_LONG, "21617")),
        *(
            (code, Rejected(Reason.MISCONFIGURED, str(code)))
            for code in (20003, 20005, 21205, 21212, 21408, 21606, 21608, 21609)
        ),
        *((code, Deferred(Reason.THROTTLED)) for code in (20429, 21611, 30001)),
        *((code, Deferred(Reason.UNDELIVERED)) for code in (30003, 30008, 30036)),
        *((code, Rejected(Reason.UNDELIVERED, str(code))) for code in (30004, 30007)),
        (99999, Rejected(Reason.UNKNOWN, "HTTP 400")),
    ],
)
async def test_each_of_twilios_codes_has_its_meaning(code: int, outcome: Outcome) -> None:
    async with wired(replies, Reply(400, twilio.error(code))) as (sender, _):
        assert await sender.send([a_message(NAME)]) == [outcome]


async def test_the_county_may_correct_what_a_code_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAEUL_TWILIO_CODES", '{"21211": ["transient", "undelivered"]}')
    async with wired(replies, replies.permanent) as (sender, _):
        assert await sender.send([a_message(NAME)]) == [Deferred(Reason.UNDELIVERED)]


# --- the look-up ------------------------------------------------------------------------------


def call(created_s: float | None, sid: str = twilio.CALL, **changes: object) -> dict[str, object]:
    """A call as Twilio lists it, created so many seconds after our attempt began."""
    created = None if created_s is None else format_datetime(NOW + timedelta(seconds=created_s))
    return {
        "sid": sid,
        "to": PHONE,
        "from": twilio.CALLER,
        "status": "queued",
        "date_created": created,
        **changes,
    }


def listing(*calls: dict[str, object], later_s: float = 60.0) -> Reply:
    """Twilio's list, asked for so many seconds after our attempt began."""
    date = format_datetime(NOW + timedelta(seconds=later_s), usegmt=True)
    return Reply(200, json.dumps({"calls": calls}).encode(), {"Date": date})


async def look_up(reply: Reply) -> Outcome:
    async with wired(replies, reply) as (sender, _):
        assert isinstance(sender, LooksUp)
        return await sender.look_up(a_message(NAME))


async def test_a_call_that_was_made_after_all_is_found() -> None:
    async with wired(replies, listing(call(1))) as (sender, provider):
        assert isinstance(sender, LooksUp)
        assert await sender.look_up(a_message(NAME)) == Accepted(twilio.CALL)
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("GET", f"{twilio.ACCOUNT_PATH}/Calls.json")
    assert asked.query == {"To": PHONE, "PageSize": "100"}
    twilio.check_query("Calls.json", asked.query)


@pytest.mark.parametrize("created_s", [None, -4.0, 0.0, 59.0])
async def test_a_call_of_that_moment_is_ours(created_s: float | None) -> None:
    assert await look_up(listing(call(created_s))) == Accepted(twilio.CALL)


@pytest.mark.parametrize(
    "other",
    [call(-6), call(-3600), call(61), call(1, to="+821099990000"), call(1, **{"from": "+82310000000"})],
    ids=["just before", "an hour ago", "a later attempt", "another number", "another village"],
)
async def test_another_call_is_not_taken_for_ours(other: dict[str, object]) -> None:
    assert await look_up(listing(other)) == Deferred(Reason.PROVIDER_ERROR)


async def test_of_two_calls_to_one_number_the_first_since_is_ours() -> None:
    calls = call(50, "CAlater"), call(1, "CAours"), call(-120, "CAearlier")
    assert await look_up(listing(*calls)) == Accepted("CAours")


async def test_a_call_that_another_attempt_holds_is_not_ours() -> None:
    message = replace(a_message(NAME), taken=("CAtheirs",))
    for calls, outcome in (
        ((call(2, "CAours"), call(1, "CAtheirs")), Accepted("CAours")),
        ((call(1, "CAtheirs"),), Deferred(Reason.PROVIDER_ERROR)),
    ):
        async with wired(replies, listing(*calls)) as (sender, _):
            assert isinstance(sender, LooksUp)
            assert await sender.look_up(message) == outcome


@pytest.mark.parametrize("later_s", [-3600.0, 0.0, 29.0])
async def test_absence_proves_nothing_in_the_first_half_minute(later_s: float) -> None:
    assert isinstance(await look_up(listing(later_s=later_s)), Unclear)


async def test_absence_from_the_list_proves_that_nobody_was_rung() -> None:
    assert await look_up(listing(later_s=30)) == Deferred(Reason.PROVIDER_ERROR)


async def test_a_full_page_of_later_calls_proves_nothing() -> None:
    full = [call(100 + n, f"CA{n}") for n in range(PAGE_SIZE)]
    assert isinstance(await look_up(listing(*full)), Unclear)
    assert await look_up(listing(*full, call(-10))) == Deferred(Reason.PROVIDER_ERROR)


@pytest.mark.parametrize(
    "reply", [CUT_OFF, Reply(500), Reply(401), Reply(200, b"{}"), Reply(200, b"nonsense")]
)
async def test_a_failed_look_up_leaves_it_unclear(reply: Reply) -> None:
    assert isinstance(await look_up(reply), Unclear)


# --- stopping ---------------------------------------------------------------------------------


async def test_a_call_is_stopped_by_completing_it() -> None:
    async with wired(replies, Reply(200, b"{}")) as (sender, provider):
        assert isinstance(sender, Stoppable)
        assert await sender.stop(twilio.CALL)
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", f"{twilio.ACCOUNT_PATH}/Calls/{twilio.CALL}.json")
    assert asked.form == [("Status", "completed")]


@pytest.mark.parametrize("reply", [Reply(400, twilio.error(21220)), CUT_OFF, Reply(503)])
async def test_a_call_that_is_over_cannot_be_stopped(reply: Reply) -> None:
    async with wired(replies, reply) as (sender, _):
        assert isinstance(sender, Stoppable)
        assert not await sender.stop(twilio.CALL)
