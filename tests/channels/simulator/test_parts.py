"""The simulator's smaller parts: sound lengths, odds, and what survives a new start."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from fastapi import FastAPI

from channels.simulator import chances, sound
from channels.simulator.app import create, running
from channels.simulator.config import Config
from channels.simulator.records import attempt_in
from tests.channels.simulator.clock import START, JumpingClock
from tests.channels.simulator.office import wav
from tests.channels.simulator.stage import ANNA, Answer, Stage, on_stage, served


def mp3(seconds: int, rate: int) -> bytes:
    """Encoded by somebody else's code than the one that measures it."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("mp3", rate=rate, layout="mono")
        quiet = np.zeros((1, seconds * rate), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(quiet, format="s16", layout="mono")
        frame.rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("rate", [44100, 22050])
def test_an_mp3_lasts_as_long_as_its_frames(rate: int) -> None:
    assert sound.seconds(mp3(5, rate), "audio/mpeg") == pytest.approx(5, abs=0.2)


def test_a_wav_lasts_as_long_as_its_data() -> None:
    assert sound.seconds(wav(7.5), "audio/wav") == 7.5
    assert sound.seconds(wav(7.5)[: 44 + 8000], "audio/x-wav; x=y") == 1.0


@pytest.mark.parametrize(
    ("data", "kind"), [(wav(1), "text/html"), (b"<html>", "audio/wav"), (b"", "audio/mpeg"), (b"", "")]
)
def test_what_is_no_sound_is_not_played(data: bytes, kind: str) -> None:
    with pytest.raises(sound.NotPlayable):
        sound.seconds(data, kind)


def test_unknown_numbers_behave_by_the_drills_odds_and_the_same_each_time() -> None:
    numbers = [f"+8210{number:08d}" for number in range(2000)]
    drawn = [chances.county_call(1, number, 0, START, None) for number in numbers]
    assert drawn == [chances.county_call(1, number, 0, START, None) for number in numbers]
    share = {result: count / 2000 for result, count in Counter(call.results[0] for call in drawn).items()}
    for result, odds in chances.DAY.items():
        assert share[result] == pytest.approx(odds, abs=0.04)


def test_a_quick_redial_mostly_meets_the_same_result() -> None:
    before = chances.Before("busy", START - timedelta(minutes=3))
    numbers = [f"+8210{number:08d}" for number in range(1000)]
    again = Counter(chances.county_call(1, number, 1, START, before).results[0] for number in numbers)
    assert again["busy"] / 1000 == pytest.approx(0.6 + 0.4 * 0.05, abs=0.06)


@pytest.mark.parametrize(
    ("url", "attempt"),
    [
        ("https://v.example.kr/hooks/twilio_voice/status/17", "17"),
        ("https://v.example.kr/hooks/sms?attempt=18&x=1", "18"),
        ("https://v.example.kr/hooks/", ""),
    ],
)
def test_our_attempt_is_read_from_its_callback_url(url: str, attempt: str) -> None:
    assert attempt_in(url) == attempt


async def test_quick_handsets_are_done_in_a_moment() -> None:
    async with on_stage(preset="quick") as stage:
        await stage.call()
        await stage.text()
        await stage.push("user1")
        await stage.clock.run_out()
        assert stage.clock.elapsed_s < 0.2
        assert stage.office.turns[-1]["Digits"] == "1"
        assert len(stage.office.heard) == 1
        assert stage.office.verdicts[0]["AnsweredBy"] in ("human", "unknown")


async def test_a_new_start_keeps_the_witness_and_ends_what_was_under_way(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    async with on_stage(database=path) as stage:
        await stage.behaves(ANNA, name="김○자", manual=True)
        await stage.call()
        await stage.clock.run_for(5)
    async with on_stage(database=path) as stage:
        await stage.clock.run_out()
        assert [entry["n"] for entry in await stage.witnessed()] == [1]
        assert [call["status"] for call in await stage.calls()] == ["failed"]
        shown = (await stage.ask("GET", f"/control/handsets/{ANNA}")).body
        assert (shown["name"], shown["manual"]) == ("김○자", True)
        await stage.text()
        assert [entry["n"] for entry in await stage.witnessed()] == [1, 2]


async def get(stage: Stage, base: str, path: str) -> Answer:
    return await Stage(base, stage.clock, stage.office, stage.http).ask("GET", path)


async def test_it_works_mounted_under_a_prefix(stage: Stage) -> None:
    simulator = create(Config(clock=JumpingClock()))
    service = FastAPI()
    service.mount("/simulator", simulator)
    async with running(simulator), served(service) as base:
        moved = Stage(f"{base}/simulator", stage.clock, stage.office, stage.http)
        assert (await moved.text()).status == 201
        async with stage.http.get(f"{base}/simulator") as page:
            assert page.status == 200
            assert 'src="static/handsets.js"' in await page.text()
            assert str(page.url).endswith("/simulator/")
        for file in ("handsets.js", "handsets.css"):
            assert (await get(stage, base, f"/simulator/static/{file}")).status == 200


async def test_the_page_lists_ringing_handsets_first(stage: Stage) -> None:
    await stage.text()
    await stage.behaves(f"{ANNA}5", manual=True, name="박○수")
    await stage.call(f"{ANNA}5")
    await stage.clock.run_for(3)
    shown = (await stage.ask("GET", "/control/handsets")).body["handsets"]
    assert [handset["name"] for handset in shown] == ["박○수", ""]  # type: ignore[attr-defined] # JSON
    assert shown[0]["call"]["status"] == "ringing"  # type: ignore[index] # JSON
