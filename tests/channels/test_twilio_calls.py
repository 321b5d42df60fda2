"""Twilio calls once they ring: the telephone conversation as TwiML, and what Twilio reports."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from broadcast.errors import NotFound
from broadcast.model import AttemptId, Reason, Receipt, ReceiptKind
from broadcast.ports import CallTurn, Hooked, HookReply
from tests.channels import twilio
from tests.channels.rig import NOW, Talk, adapter

NAME = "twilio_voice"


async def told(path: str, form: dict[str, str], talk: Talk | None = None, *, query: str = "") -> HookReply:
    request = twilio.callback(NAME, path, {"CallSid": twilio.CALL, **form}, query=query)
    async with adapter(NAME, twilio.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        return await sender.answer(request, talk or Talk())


async def receipt(path: str, form: dict[str, str], *, query: str = "") -> Receipt:
    reply = await told(path, form, query=query)
    assert reply.status == 200
    (only,) = reply.receipts
    assert (only.provider, only.attempt_id, only.reference) == (NAME, 41, twilio.CALL)
    return only


# --- the conversation -------------------------------------------------------------------------

READING = CallTurn(["https://m.example.kr/a.wav", "https://m.example.kr/b.wav?x=1&y=2"], 1, "read", 6)


async def test_a_turn_becomes_sounds_that_listen_for_one_key() -> None:
    talk = Talk(READING)
    reply = await told("turn/41", {"CallStatus": "in-progress"}, talk)
    assert talk.turns == [(41, "", "")]
    assert list(reply.receipts) == []
    assert reply.content_type == "application/xml; charset=utf-8"
    assert reply.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Pause length="1" />'
        '<Gather action="https://maeul.example.kr/hooks/twilio_voice/turn/41/read?turn=1"'
        ' actionOnEmptyResult="true" finishOnKey="" method="POST" numDigits="1" timeout="6">'
        "<Play>https://m.example.kr/a.wav</Play><Play>https://m.example.kr/b.wav?x=1&amp;y=2</Play>"
        "</Gather></Response>"
    )


async def test_the_last_turn_hangs_up_after_its_sounds() -> None:
    reply = await told("turn/41/end", {"Digits": "1"}, Talk(CallTurn(["https://m.example.kr/bye.wav"])))
    response = ElementTree.fromstring(reply.body)
    assert [verb.tag for verb in response] == ["Play", "Hangup"]


async def test_twilio_is_never_asked_to_wait_no_time_at_all() -> None:
    reply = await told("turn/41", {}, Talk(CallTurn(["https://m.example.kr/a.wav"], next_step="read")))
    gather = ElementTree.fromstring(reply.body).find("Gather")
    assert gather is not None
    assert gather.get("timeout") == "1"


async def test_the_end_of_the_first_reading_is_told() -> None:
    told_of = await receipt("turn/41/read", {"Digits": "", "CallStatus": "in-progress"}, query="?turn=1")
    assert told_of.kind is ReceiptKind.PLAYED
    assert told_of.raw.startswith(b"CallSid=")


async def test_hanging_up_during_the_reading_is_not_hearing_it() -> None:
    for form in (
        {"Digits": "", "CallStatus": "completed"},
        {"Digits": "hangup", "CallStatus": "in-progress"},
    ):
        assert list((await told("turn/41/read", form, query="?turn=1")).receipts) == []


@pytest.mark.parametrize("key", list("0123456789*#"))
async def test_a_pressed_key_is_told_and_answered(key: str) -> None:
    talk = Talk(READING)
    reply = await told("turn/41/read", {"Digits": key, "CallStatus": "in-progress"}, talk, query="?turn=1")
    assert [(said.kind, said.key) for said in reply.receipts] == [(ReceiptKind.KEYED, key)]
    assert talk.turns == [(41, "read", key)]
    assert b"/turn/41/read?turn=2" in reply.body


async def test_the_same_key_press_told_twice_is_one_event() -> None:
    press = {"Digits": "2", "CallStatus": "in-progress"}
    first, again = [await receipt("turn/41/read", press, query="?turn=1") for _ in range(2)]
    assert first.dedupe_key == again.dedupe_key


async def test_two_key_presses_are_two_events() -> None:
    told_of = [
        await receipt(path, {"Digits": key}, query=query)
        for path, key, query in [
            ("turn/41/read", "2", "?turn=1"),
            ("turn/41/read", "2", "?turn=2"),
            ("turn/41/read", "9", "?turn=2"),
            ("turn/41/keys", "9", "?turn=2"),
        ]
    ]
    assert len({one.dedupe_key for one in told_of}) == 4


async def test_a_changed_turn_number_breaks_the_signature() -> None:
    signed = twilio.callback(NAME, "turn/41/read", {"CallSid": twilio.CALL, "Digits": "1"}, query="?turn=1")
    forged = twilio.callback(
        NAME,
        "turn/41/read",
        {"CallSid": twilio.CALL, "Digits": "1"},
        query="?turn=2",
        signature=signed.headers["x-twilio-signature"],
    )
    async with adapter(NAME, twilio.settings("http://127.0.0.1:9")) as sender:
        assert isinstance(sender, Hooked)
        assert (await sender.answer(forged, Talk())).status == 403


class NobodyKnows(Talk):
    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        raise NotFound("no such attempt")


async def test_an_unknown_attempt_is_not_found() -> None:
    reply = await told("turn/41/read", {"Digits": "1"}, NobodyKnows())
    assert (reply.status, list(reply.receipts)) == (404, [])


# --- reports ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "kind", "reason"),
    [
        ({"CallStatus": "ringing"}, ReceiptKind.RINGING, None),
        ({"CallStatus": "in-progress"}, ReceiptKind.ANSWERED, None),
        ({"CallStatus": "completed", "CallDuration": "17"}, ReceiptKind.COMPLETED, None),
        ({"CallStatus": "busy"}, ReceiptKind.BUSY, Reason.BUSY),
        ({"CallStatus": "no-answer"}, ReceiptKind.NO_ANSWER, Reason.NO_ANSWER),
        ({"CallStatus": "canceled"}, ReceiptKind.STOPPED, Reason.STOPPED),
        ({"CallStatus": "failed"}, ReceiptKind.FAILED, Reason.PROVIDER_ERROR),
        ({"CallStatus": "failed", "SipResponseCode": "503"}, ReceiptKind.FAILED, Reason.PROVIDER_ERROR),
        ({"CallStatus": "failed", "SipResponseCode": "404"}, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        ({"CallStatus": "failed", "SipResponseCode": "410"}, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        ({"CallStatus": "failed", "SipResponseCode": "484"}, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        ({"CallStatus": "failed", "SipResponseCode": "604"}, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        ({"CallStatus": "failed", "ErrorCode": "21211"}, ReceiptKind.REFUSED, Reason.BAD_ADDRESS),
        ({"CallStatus": "failed", "ErrorCode": "20005"}, ReceiptKind.FAILED, Reason.MISCONFIGURED),
    ],
)
async def test_each_call_status_becomes_a_receipt(
    form: dict[str, str], kind: ReceiptKind, reason: Reason | None
) -> None:
    told_of = await receipt("status/41", form)
    assert (told_of.kind, told_of.reason) == (kind, reason)
    assert told_of.seconds == (17.0 if kind is ReceiptKind.COMPLETED else None)
    assert told_of.at == NOW


@pytest.mark.parametrize("status", ["queued", "initiated"])
async def test_a_call_that_has_not_rung_tells_nothing(status: str) -> None:
    reply = await told("status/41", {"CallStatus": status})
    assert (reply.status, list(reply.receipts)) == (200, [])


@pytest.mark.parametrize(
    ("picked_up_by", "kind"),
    [
        ("human", ReceiptKind.HUMAN),
        ("machine_start", ReceiptKind.MACHINE),
        ("machine_end_beep", ReceiptKind.MACHINE),
        ("machine_end_silence", ReceiptKind.MACHINE),
        ("machine_end_other", ReceiptKind.MACHINE),
        ("fax", ReceiptKind.MACHINE),
        ("unknown", ReceiptKind.NOT_KNOWN),
    ],
)
async def test_who_or_what_picked_up_is_told(picked_up_by: str, kind: ReceiptKind) -> None:
    told_of = await receipt("amd/41", {"AnsweredBy": picked_up_by, "MachineDetectionDuration": "2140"})
    assert told_of.kind is kind


async def test_a_report_told_twice_is_one_event_and_two_are_two() -> None:
    forms = [{"CallStatus": "ringing"}, {"CallStatus": "ringing"}, {"CallStatus": "in-progress"}]
    keys = [(await receipt("status/41", form)).dedupe_key for form in forms]
    keys.append((await receipt("amd/41", {"AnsweredBy": "human"})).dedupe_key)
    assert len(keys) == 4
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    "path",
    [
        "",
        "status",
        "status/0",
        "status/x",
        "status/41/read",
        "status/99999999999999999999",
        "turn/41/../7",
        "inbound",
    ],
)
async def test_an_address_that_we_never_gave_is_not_found(path: str) -> None:
    assert (await told(path, {"CallStatus": "busy"})).status == 404


@pytest.mark.parametrize("form", [{}, {"CallStatus": "dancing"}, {"CallStatus": "busy", "CallSid": ""}])
async def test_a_malformed_report_is_refused(form: dict[str, str]) -> None:
    reply = await told("status/41", form)
    assert (reply.status, list(reply.receipts)) == (400, [])


async def test_blank_values_are_part_of_the_signature() -> None:
    told_of = await receipt("status/41", {"CallStatus": "busy", "CallerName": "", "SipResponseCode": ""})
    assert told_of.kind is ReceiptKind.BUSY
