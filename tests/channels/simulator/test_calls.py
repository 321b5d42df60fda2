"""Calls through real HTTP: what our service is asked, told, and what the handset makes of it."""

from __future__ import annotations

from tests.channels.simulator.office import READING_S, gather
from tests.channels.simulator.stage import ACCOUNT, ANNA, CALLER, Stage

CALLS = f"{ACCOUNT}/Calls.json"


async def test_an_answered_call_is_played_keyed_and_reported_in_order(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["answer"], "ring_s": 6, "keys": "1", "key_after_s": 3})
    created = await stage.call()
    assert created.status == 201
    assert created.body["status"] == "queued"
    await stage.clock.run_out()
    office = stage.office
    assert office.statuses == ["initiated", "ringing", "in-progress", "completed"]
    assert [event["SequenceNumber"] for event in office.events] == ["0", "1", "2", "3"]
    # 0.5 s set-up, 6 s ringing; then 1 s silence, the reading, and the key 3 s after it.
    assert office.events[-1]["CallDuration"] == str(1 + READING_S + 3)
    assert office.events[-1]["SipResponseCode"] == "200"
    assert [turn.get("Digits") for turn in office.turns] == [None, "1"]
    assert {turn["CallSid"] for turn in office.turns} == {created.body["sid"]}
    assert office.turns[0]["CallStatus"] == "in-progress"
    assert [verdict["AnsweredBy"] for verdict in office.verdicts] == ["human"]
    assert office.fetched == [f"{READING_S}.wav"]
    assert office.forged == 0


async def test_a_key_during_the_reading_cuts_it_short(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"keys": "1", "key_when": "during", "key_after_s": 4})
    await stage.call()
    await stage.clock.run_out()
    (call,) = await stage.calls()
    assert [played["heard_s"] for played in call["played"]] == [4.0]  # type: ignore[attr-defined] # JSON
    assert stage.office.turns[-1]["Digits"] == "1"


async def test_nobody_presses_and_the_document_hears_of_it(stage: Stage) -> None:
    await stage.behaves(ANNA, call={})
    await stage.call()
    await stage.clock.run_out()
    assert stage.office.turns[-1]["Digits"] == ""
    assert stage.office.events[-1]["CallDuration"] == str(1 + READING_S + 5)


async def test_a_busy_number_answers_on_the_second_try(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["busy", "answer"]})
    await stage.call()
    await stage.clock.run_out()
    assert stage.office.statuses == ["initiated", "busy"]
    assert stage.office.events[-1]["SipResponseCode"] == "486"
    await stage.call()
    await stage.clock.run_out()
    assert stage.office.statuses[2:] == ["initiated", "ringing", "in-progress", "completed"]


async def test_a_second_call_meets_a_number_that_is_talking(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"ring_s": 2})
    await stage.call()
    await stage.clock.run_for(5)
    await stage.call()
    await stage.clock.run_out()
    assert sorted(str(call["status"]) for call in await stage.calls()) == ["busy", "completed"]


async def test_voicemail_listens_to_the_end_and_presses_nothing(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["voicemail"], "voicemail_after_s": 24, "keys": "1"})
    await stage.call()
    await stage.clock.run_out()
    assert [verdict["AnsweredBy"] for verdict in stage.office.verdicts] == ["machine_start"]
    assert stage.office.turns[-1]["Digits"] == ""
    (call,) = await stage.calls()
    assert call["keys"] == ""
    assert stage.office.statuses[-1] == "completed"
    assert stage.clock.elapsed_s == 0.5 + 24 + 1 + READING_S + 5


async def test_nobody_answers_until_the_ring_time_is_over(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["no_answer"]})
    await stage.call(Timeout="25")
    await stage.clock.run_out()
    assert stage.office.statuses == ["initiated", "ringing", "no-answer"]
    assert stage.office.events[-1]["CallDuration"] == "0"
    assert stage.clock.elapsed_s == 25.5
    assert stage.office.turns == []


async def test_a_number_that_does_not_exist_fails_with_404(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"results": ["unallocated"]})
    await stage.call()
    await stage.clock.run_out()
    assert stage.office.statuses[-1] == "failed"
    assert stage.office.events[-1]["SipResponseCode"] == "404"


async def test_a_caller_who_hangs_up_early_leaves_no_verdict(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"hangs_up_after_s": 2})
    await stage.call()
    await stage.clock.run_out()
    assert stage.office.events[-1]["CallDuration"] == "2"
    assert stage.office.verdicts[-1]["AnsweredBy"] == "unknown"
    (call,) = await stage.calls()
    assert call["played"][0]["heard_s"] == 1.0  # type: ignore[index] # JSON


async def test_a_ringing_call_is_stopped_before_anybody_answers(stage: Stage) -> None:
    await stage.behaves(ANNA, manual=True)
    sid = (await stage.call()).body["sid"]
    await stage.clock.run_for(10)
    stopped = await stage.ask("POST", f"{ACCOUNT}/Calls/{sid}.json", form={"Status": "canceled"})
    assert stopped.status == 200
    await stage.clock.run_out()
    assert stage.office.statuses == ["initiated", "ringing", "canceled"]
    again = await stage.ask("POST", f"{ACCOUNT}/Calls/{sid}.json", form={"Status": "completed"})
    assert (again.status, again.body["code"]) == (400, 21220)


async def test_a_call_in_progress_is_stopped_as_completed(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"ring_s": 1})
    sid = (await stage.call()).body["sid"]
    await stage.clock.run_for(5)
    cancelled = await stage.ask("POST", f"{ACCOUNT}/Calls/{sid}.json", form={"Status": "canceled"})
    assert cancelled.body["status"] == "in-progress"
    await stage.ask("POST", f"{ACCOUNT}/Calls/{sid}.json", form={"Status": "completed"})
    await stage.clock.run_out()
    assert stage.office.statuses[-1] == "completed"
    assert stage.office.events[-1]["CallDuration"] == "4"


async def test_a_person_answers_presses_and_hangs_up_by_hand(stage: Stage) -> None:
    await stage.behaves(ANNA, manual=True)
    await stage.call()
    await stage.clock.run_for(20)
    assert (await stage.act(ANNA, "press", key="1")).status == 409
    assert (await stage.act(ANNA, "answer")).status == 200
    await stage.clock.run_for(3)
    shown = (await stage.ask("GET", f"/control/handsets/{ANNA}")).body["call"]
    assert shown["playing"].endswith(f"/sound/{READING_S}.wav")  # type: ignore[index] # JSON
    stage.office.after_key = gather("<Say>확인했습니다.</Say>")
    await stage.act(ANNA, "press", key="9")
    await stage.clock.run_for(1)
    await stage.act(ANNA, "hangup")
    await stage.clock.run_out()
    assert stage.office.turns[-1]["Digits"] == "9"
    assert stage.office.statuses[-1] == "completed"


async def test_a_sound_that_cannot_be_fetched_ends_the_call(stage: Stage) -> None:
    await stage.behaves(ANNA, call={})
    stage.office.document = "<Response><Play>/sound/missing.wav</Play></Response>"
    await stage.call()
    await stage.clock.run_out()
    (call,) = await stage.calls()
    assert (call["status"], call["errors"]) == ("completed", [11200])


async def test_a_document_that_is_no_twiml_ends_the_call(stage: Stage) -> None:
    await stage.behaves(ANNA, call={})
    stage.office.document = "<Response><Dance/></Response>"
    await stage.call()
    await stage.clock.run_out()
    assert (await stage.calls())[0]["errors"] == [12200]


async def test_a_redirect_reads_twice_and_keeps_the_key_for_the_listening(stage: Stage) -> None:
    await stage.behaves(ANNA, call={"keys": "1", "key_after_s": 2})
    hooks = "/hooks/voice/turn/7"
    stage.office.document = f"<Response><Play>/sound/a.wav</Play><Redirect>{hooks}/key</Redirect></Response>"
    stage.office.after_key = gather("<Play>/sound/a.wav</Play>").replace("turn/7/key", "turn/7/key?turn=2")
    await stage.call()
    await stage.clock.run_for(18)
    stage.office.after_key = "<Response><Hangup/></Response>"
    await stage.clock.run_out()
    assert stage.office.turns[-1]["Digits"] == "1"
    assert stage.office.forged == 0


async def test_twilio_dials_at_the_pace_of_the_account(stage: Stage) -> None:
    await stage.carrier(calls_per_second=0.5)
    for number in range(3):
        await stage.behaves(f"{ANNA}{number}", call={"results": ["busy"]})
        await stage.call(f"{ANNA}{number}")
    await stage.clock.run_out()
    assert stage.clock.elapsed_s == 4.5


async def test_a_resident_calls_in_and_presses_what_is_asked(stage: Stage) -> None:
    assert (await stage.act(ANNA, "call-in", to=CALLER, keys="2")).status == 200
    await stage.clock.run_out()
    first, last = stage.office.turns
    assert (first["Direction"], first["From"], first["To"]) == ("inbound", ANNA, CALLER)
    assert last["Digits"] == "2"
    assert await stage.witnessed() == []
    assert stage.office.forged == 0
