"""The demo runs as its users run it, and leaves what they go on with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from broadcast.errors import Conflict
from broadcast.settings import Settings
from broadcast.store.lock import only_server
from broadcast.store.unit import Database
from maeul.demo import MARK, make_room
from maeul.demo_people import CAST, GUARDIAN
from maeul.service import Simulated, serving
from scheduler.clock import SystemClock

MAEUL = (sys.executable, "-c", "from maeul.cli import main; main()")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One demo for all: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    command = [*MAEUL, "demo", "--keep", str(folder)]
    return folder, subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.timeout(300)
def test_everybody_ends_as_expected_and_is_named(
    kept: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, ran = kept
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-6000:]
    assert "✗" not in ran.stdout
    assert ran.stdout.count("✓") == 15
    assert [p.name for p in (*CAST, GUARDIAN) if p.name not in ran.stdout] == []
    assert ran.stderr == ""


@pytest.mark.timeout(300)
async def test_what_was_kept_is_gone_on_with(kept: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = kept
    name, _, password = (folder / MARK).read_text().splitlines()[0].partition(":  ")[2].partition(" / ")
    settings = Settings(data_dir=folder)
    simulated = Simulated(database=folder / "simulator.db")
    async with (
        serving(settings, SystemClock(), simulated=simulated) as served,
        aiohttp.ClientSession() as http,
    ):
        signed_in = await http.post(f"{served.url}/api/v1/session", json={"name": name, "password": password})
        assert signed_in.status == 201
        chat = await http.get(f"{served.url}/simulator/control/chats/{GUARDIAN.kakao}")
        assert any("대피 전화가 닿지 않았습니다" in one["text"] for one in (await chat.json())["bubbles"])


def test_a_folder_with_other_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "maeul.db").write_bytes(b"somebody's village")
    with pytest.raises(Conflict):
        make_room(tmp_path)
    assert (tmp_path / "maeul.db").read_bytes() == b"somebody's village"


def test_a_demo_that_is_being_served_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "maeul.db").touch()
    (tmp_path / MARK).touch()
    with only_server(Database(Settings(data_dir=tmp_path).database)), pytest.raises(Conflict):
        make_room(tmp_path)
    assert (tmp_path / "maeul.db").exists()
