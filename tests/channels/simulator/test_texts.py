"""SMS: what becomes of a message and what our service is told."""

from __future__ import annotations

from tests.channels.simulator.stage import ANNA, CALLER, Stage, on_stage


def told(stage: Stage) -> list[str]:
    return [event["MessageStatus"] for event in stage.office.sms]


async def test_a_message_is_sent_then_delivered(stage: Stage) -> None:
    created = await stage.text()
    assert (created.status, created.body["status"]) == (201, "queued")
    await stage.clock.run_out()
    assert told(stage) == ["sent", "delivered"]
    assert {event["MessageSid"] for event in stage.office.sms} == {created.body["sid"]}
    assert stage.office.forged == 0


async def test_an_undelivered_message_names_its_code_then_gets_through(stage: Stage) -> None:
    await stage.behaves(ANNA, sms={"results": ["30003", "delivered"], "after_s": 4})
    await stage.text()
    await stage.clock.run_out()
    assert told(stage) == ["sent", "undelivered"]
    assert stage.office.sms[-1]["ErrorCode"] == "30003"
    assert stage.clock.elapsed_s == 4
    await stage.text()
    await stage.clock.run_out()
    assert told(stage)[2:] == ["sent", "delivered"]


async def test_a_landline_takes_no_message(stage: Stage) -> None:
    await stage.text("+82431234567")
    await stage.clock.run_out()
    assert stage.office.sms[-1]["ErrorCode"] == "30006"


async def test_the_inbox_shows_what_arrived(stage: Stage) -> None:
    await stage.text(body="[청풍리] 내일 단수")
    await stage.clock.run_out()
    inbox = (await stage.ask("GET", f"/control/handsets/{ANNA}")).body["sms"]
    assert [(sms["body"], sms["status"]) for sms in inbox] == [("[청풍리] 내일 단수", "delivered")]  # type: ignore[attr-defined] # JSON


async def test_a_resident_writes_to_our_number(stage: Stage) -> None:
    assert (await stage.act(ANNA, "say", words="확인", to=CALLER)).body["status"] == 200
    (written,) = stage.office.sms
    assert (written["From"], written["To"], written["Body"]) == (ANNA, CALLER, "확인")
    assert stage.office.forged == 0


async def test_nobody_can_write_or_call_where_no_hook_answers() -> None:
    async with on_stage(sms_url="", voice_url="") as stage:
        assert (await stage.act(ANNA, "say", words="예", to=CALLER)).status == 409
        assert (await stage.act(ANNA, "call-in", to=CALLER)).status == 409
