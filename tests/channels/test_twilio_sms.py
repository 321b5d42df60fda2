"""Twilio SMS: the exact request, the look-up, and what its reports mean."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest

from broadcast.model import Accepted, Deferred, Outcome, Reason, ReceiptKind, Rejected
from broadcast.ports import Hooked, HookReply, LooksUp
from tests.channels import twilio
from tests.channels.replies import twilio_sms as replies
from tests.channels.rig import NOW, PHONE, PUBLIC_URL, SECRET_TEXT, Reply, Talk, a_message, adapter, wired

NAME = "twilio_sms"


async def test_a_text_is_sent_exactly_so() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        assert await sender.send([a_message(NAME)]) == [Accepted(twilio.SMS)]
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", f"{twilio.ACCOUNT_PATH}/Messages.json")
    assert asked.form == [
        ("To", PHONE),
        ("From", twilio.CALLER),
        ("Body", SECRET_TEXT),
        ("StatusCallback", f"{PUBLIC_URL}/hooks/twilio_sms/status/41"),
        ("ValidityPeriod", "36000"),
    ]
    twilio.check_form("Messages.json", asked.form)


@pytest.mark.parametrize(("left_s", "valid_s"), [(-5, "1"), (0, "1"), (600, "600"), (86_400, "36000")])
async def test_twilio_sends_nothing_after_the_broadcast_expires(left_s: int, valid_s: str) -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        await sender.send([a_message(NAME, expires_at=NOW + timedelta(seconds=left_s))])
    assert dict(provider.asked[0].form)["ValidityPeriod"] == valid_s


async def test_a_text_beyond_twilios_limit_is_not_sent() -> None:
    async with wired(replies, replies.accepted) as (sender, provider):
        outcomes = await sender.send([a_message(NAME, text="가" * 1601), a_message(NAME, text="가" * 1600)])
    assert outcomes == [Rejected(Reason.TOO_LONG, "1601 characters"), Accepted(twilio.SMS)]
    assert len(provider.asked) == 1


# --- the look-up ------------------------------------------------------------------------------


async def look_up(created_s: float, body: str) -> Outcome:
    sms = {
        "sid": twilio.SMS,
        "to": PHONE,
        "body": body,
        "date_created": format_datetime(NOW + timedelta(seconds=created_s)),
    }
    date = format_datetime(NOW + timedelta(minutes=1), usegmt=True)
    async with wired(replies, Reply(200, json.dumps({"messages": [sms]}).encode(), {"Date": date})) as (
        sender,
        _,
    ):
        assert isinstance(sender, LooksUp)
        return await sender.look_up(a_message(NAME))


async def test_a_text_that_went_out_after_all_is_found() -> None:
    assert await look_up(1, SECRET_TEXT) == Accepted(twilio.SMS)
    assert await look_up(1, f"Sent from your Twilio trial account - {SECRET_TEXT}") == Accepted(twilio.SMS)


async def test_another_text_to_that_number_is_not_taken_for_ours() -> None:
    assert await look_up(1, "다른 안내입니다.") == Deferred(Reason.PROVIDER_ERROR)
    assert await look_up(-3600, SECRET_TEXT) == Deferred(Reason.PROVIDER_ERROR)


# --- reports ----------------------------------------------------------------------------------


async def told(path: str, form: dict[str, str]) -> HookReply:
    request = twilio.callback(NAME, path, {"MessageSid": twilio.SMS, **form})
    async with adapter(NAME, twilio.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        return await sender.answer(request, Talk())


def failed(code: int, kind: ReceiptKind, reason: Reason) -> tuple[dict[str, str], ReceiptKind, Reason]:
    return {"MessageStatus": "undelivered", "ErrorCode": str(code)}, kind, reason


@pytest.mark.parametrize(
    ("form", "kind", "reason"),
    [
        ({"MessageStatus": "delivered"}, ReceiptKind.DELIVERED, None),
        ({"MessageStatus": "read"}, ReceiptKind.DELIVERED, None),
        ({"MessageStatus": "canceled"}, ReceiptKind.STOPPED, Reason.STOPPED),
        ({"MessageStatus": "failed"}, ReceiptKind.FAILED, Reason.UNDELIVERED),
        ({"MessageStatus": "failed", "ErrorCode": "12345"}, ReceiptKind.FAILED, Reason.UNDELIVERED),
        ({"MessageStatus": "failed", "ErrorCode": "²"}, ReceiptKind.FAILED, Reason.UNDELIVERED),
        failed(21211, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        failed(21217, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        failed(21610, ReceiptKind.REFUSED, Reason.OPTED_OUT),
        failed(21614, ReceiptKind.REFUSED, Reason.NO_SMS),
        failed(21635, ReceiptKind.REFUSED, Reason.NO_SMS),
        failed(30005, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        failed(30006, ReceiptKind.REFUSED, Reason.NO_SMS),
        failed(30004, ReceiptKind.REFUSED, Reason.UNDELIVERED),
        failed(30007, ReceiptKind.REFUSED, Reason.UNDELIVERED),
        failed(21606, ReceiptKind.FAILED, Reason.MISCONFIGURED),
        failed(30001, ReceiptKind.FAILED, Reason.THROTTLED),
        failed(30003, ReceiptKind.FAILED, Reason.UNDELIVERED),
        failed(30008, ReceiptKind.FAILED, Reason.UNDELIVERED),
        failed(30036, ReceiptKind.FAILED, Reason.UNDELIVERED),
    ],
)
async def test_each_report_becomes_a_receipt(
    form: dict[str, str], kind: ReceiptKind, reason: Reason | None
) -> None:
    (only,) = (await told("status/41", form)).receipts
    assert (only.kind, only.reason) == (kind, reason)
    assert (only.provider, only.attempt_id, only.reference) == (NAME, 41, twilio.SMS)


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent"])
async def test_a_text_on_its_way_tells_nothing(status: str) -> None:
    reply = await told("status/41", {"MessageStatus": status})
    assert (reply.status, list(reply.receipts)) == (200, [])


async def test_a_report_told_twice_is_one_event() -> None:
    replies_twice = [await told("status/41", {"MessageStatus": "delivered"}) for _ in range(2)]
    assert len({reply.receipts[0].dedupe_key for reply in replies_twice}) == 1


async def test_a_malformed_report_or_address_is_refused() -> None:
    assert (await told("status/41", {"MessageStatus": "dancing"})).status == 400
    assert (await told("turn/41", {"MessageStatus": "delivered"})).status == 404
    assert (await told("status/0", {"MessageStatus": "delivered"})).status == 404
