"""Promises that every adapter keeps, whatever its provider answers."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Mapping
from datetime import timedelta
from types import ModuleType

import aiohttp
import pytest

from broadcast.model import Accepted, Channel, Deferred, Outcome, Reason, Rejected, Unclear
from broadcast.ports import Hooked, Sender
from channels.registry import NotConfigured, build, discover
from tests.channels.rig import (
    CUT_IN_ANSWER,
    CUT_OFF,
    PHONE,
    PUBLIC_URL,
    SECRET_TEXT,
    SLOW,
    Reply,
    Talk,
    a_message,
    adapter,
    wired,
)

every_channel = pytest.mark.parametrize("name", discover())
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "kakao": {
        "MAEUL_KAKAO_BOT_ID": "bot",
        "MAEUL_KAKAO_REST_KEY": "hush-rest-key",
        "MAEUL_KAKAO_SKILL_SECRET": "hush-skill-secret",
    },
    "twilio": {
        "MAEUL_TWILIO_ACCOUNT_SID": "AC1",
        "MAEUL_TWILIO_AUTH_TOKEN": "hush-auth-token",
        "MAEUL_TWILIO_FROM": PHONE,
    },
}


def replies_of(name: str) -> ModuleType:
    return importlib.import_module(f"tests.channels.replies.{name}")


async def send_one(name: str, reply: Reply) -> Outcome:
    async with wired(replies_of(name), reply) as (sender, _):
        outcomes = await sender.send([a_message(name)])
    assert len(outcomes) == 1
    return outcomes[0]


def test_every_adapter_is_found_without_a_list() -> None:
    assert set(discover()) >= {"kakao", "twilio_sms", "twilio_voice"}
    assert not any("simulator" in name for name in discover())


@every_channel
async def test_an_adapter_says_what_it_is(name: str) -> None:
    async with adapter(name, replies_of(name).settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Sender)
        assert sender.name == name
        assert sender.channel in Channel
        assert sender.batch_size >= 1


@every_channel
async def test_an_accepted_message_has_the_providers_reference(name: str) -> None:
    outcome = await send_one(name, replies_of(name).accepted)
    assert isinstance(outcome, Accepted)
    assert outcome.reference


@every_channel
async def test_a_throttle_says_when_to_come_back(name: str) -> None:
    outcome = await send_one(name, replies_of(name).throttled)
    assert outcome == Deferred(Reason.THROTTLED, timedelta(seconds=7))


@every_channel
@pytest.mark.parametrize("garbled", ["soon", "-3", "9" * 40, ""])
async def test_an_unreadable_waiting_time_is_left_out(name: str, garbled: str) -> None:
    outcome = await send_one(name, Reply(429, headers={"Retry-After": garbled}))
    assert outcome == Deferred(Reason.THROTTLED)


@every_channel
async def test_a_waiting_time_may_be_a_date_by_the_providers_clock(name: str) -> None:
    headers = {"Date": "Mon, 23 Nov 2026 09:00:00 GMT", "Retry-After": "Mon, 23 Nov 2026 09:02:00 GMT"}
    assert await send_one(name, Reply(503, headers=headers)) == Deferred(
        Reason.THROTTLED, timedelta(minutes=2)
    )


@every_channel
async def test_a_permanent_refusal_is_never_tried_again(name: str) -> None:
    assert isinstance(await send_one(name, replies_of(name).permanent), Rejected)


@every_channel
async def test_wrong_credentials_are_our_mistake_and_say_so(name: str) -> None:
    outcome = await send_one(name, replies_of(name).misconfigured)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.MISCONFIGURED


@every_channel
@pytest.mark.parametrize("reply", [CUT_OFF, CUT_IN_ANSWER, SLOW], ids=lambda reply: reply.then)
async def test_a_lost_reply_is_not_taken_for_a_failure(name: str, reply: Reply) -> None:
    async with wired(replies_of(name), reply) as (sender, provider):
        (outcome,) = await sender.send([a_message(name)])
    assert isinstance(outcome, Unclear)
    assert len(provider.asked) == 1, "asked again without being told to: somebody is rung twice"


@every_channel
@pytest.mark.parametrize("status", [408, 500, 502, 504, 599])
async def test_a_gateway_error_is_not_taken_for_a_failure(name: str, status: int) -> None:
    assert isinstance(await send_one(name, Reply(status, b"<html>oops</html>")), Unclear)


@every_channel
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"sid": 5, "taskId": 5}', b"[" * 100_000])
async def test_a_success_without_a_reference_is_unclear(name: str, body: bytes) -> None:
    assert isinstance(await send_one(name, Reply(200, body)), Unclear)
    assert isinstance(await send_one(name, replies_of(name).garbage), Unclear)


@every_channel
async def test_a_redirected_request_is_not_taken_for_a_success(name: str) -> None:
    outcome = await send_one(name, Reply(302, headers={"Location": "/welcome"}))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.MISCONFIGURED


@every_channel
async def test_an_absent_provider_proves_that_nothing_was_sent(name: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it, nobody answers
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with adapter(name, replies_of(name).settings(url)) as sender:
            assert await sender.send([a_message(name)]) == [Deferred(Reason.PROVIDER_DOWN)]


@every_channel
async def test_each_message_gets_its_own_outcome(name: str) -> None:
    messages = [a_message(name, attempt=n, text=f"{SECRET_TEXT} {n}") for n in range(1, 4)]
    async with wired(replies_of(name), replies_of(name).accepted) as (sender, provider):
        outcomes = await sender.send(messages)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert len(provider.asked) == 3


@every_channel
async def test_no_messages_are_no_requests(name: str) -> None:
    async with wired(replies_of(name), replies_of(name).accepted) as (sender, provider):
        assert list(await sender.send([])) == []
    assert provider.asked == []


@every_channel
@pytest.mark.parametrize("which", ["permanent", "misconfigured", "garbage"])
async def test_an_outcome_tells_neither_number_nor_text(name: str, which: str) -> None:
    told = repr(await send_one(name, getattr(replies_of(name), which)))
    assert PHONE not in told
    assert SECRET_TEXT not in told


@every_channel
async def test_a_forged_callback_is_refused(name: str) -> None:
    replies, talk = replies_of(name), Talk()
    async with adapter(name, replies.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        for request in replies.forged_hooks():
            reply = await sender.answer(request, talk)
            assert (reply.status, list(reply.receipts)) == (403, [])
    assert talk.turns == []
    assert talk.said == []


@every_channel
async def test_a_genuine_callback_is_answered(name: str) -> None:
    replies = replies_of(name)
    async with adapter(name, replies.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        assert (await sender.answer(replies.hook(), Talk())).status == 200


@every_channel
async def test_an_adapter_without_credentials_names_what_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = SETTINGS[name.split("_")[0]]
    async with aiohttp.ClientSession() as http:
        for missing in complete:
            for variable, value in complete.items():
                monkeypatch.setenv(variable, "" if variable == missing else value)
            with pytest.raises(NotConfigured) as problem:
                build(name, http=http, public_url=PUBLIC_URL)
            assert str(problem.value) == f"{name} cannot start: {missing} is missing"
            assert "hush" not in repr(problem.getrepr())


@every_channel
async def test_an_adapter_reads_its_settings_from_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SETTINGS[name.split("_")[0]].items():
        monkeypatch.setenv(variable, value)
    async with aiohttp.ClientSession() as http:
        assert build(name, http=http, public_url=PUBLIC_URL).name == name


@every_channel
@pytest.mark.parametrize(
    "wrong", ["api.example.kr", "ftp://api.example.kr", "http://", "http://h:port", "http://a b"]
)
async def test_an_address_that_cannot_be_asked_is_found_at_start(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = name.split("_")[0]
    for variable, value in SETTINGS[provider].items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv(f"MAEUL_{provider.upper()}_API_BASE_URL", wrong)
    async with aiohttp.ClientSession() as http:
        with pytest.raises(NotConfigured, match="_API_BASE_URL"):
            build(name, http=http, public_url=PUBLIC_URL)


async def test_an_unknown_carrier_is_named_with_those_that_exist() -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(NotConfigured, match="'pigeon'; there are: kakao, twilio_sms, twilio_voice"):
            build("pigeon", http=http, public_url=PUBLIC_URL)
