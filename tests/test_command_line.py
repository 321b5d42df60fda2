"""The console script as an operator meets it: real processes, their exit codes and what they say."""

from __future__ import annotations

import os
import signal
import sqlite3
import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maeul import cli
from tests.console import Running, ask, ask_until, maeul, running, surroundings

SYNTHETIC_VILLAGE = "9900110001"
COMMANDS = ("serve", "worker", "simulator", "demo", "script", "say", "seed", "user", "db")
UNFINISHED = "SELECT count(*) FROM delivery WHERE state IN ('claimed', 'sending', 'unconfirmed')"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    """A service with the simulator, where everybody picks up at once, over a village of 12."""
    data = tmp_path_factory.mktemp("service") / "마을 자료"
    done = maeul("seed", "--villages", "1", "--residents", "12", "--data", data)
    assert done.returncode == 0, done.stderr
    serve = ("serve", "--port", "0", "--with-simulator", "--data", data)
    with running(data.parent, *serve, MAEUL_SIMULATOR_PRESET="quick") as one:
        yield one, data


def a_token(data: Path, name: str) -> str:
    done = maeul("user", "add", name, "--role", "administrator", "--token", "--data", data)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def an_exercise() -> dict[str, object]:
    """Goes out in any hour, to everybody enrolled in drills, and needs no second person."""
    return {
        "title": "대피 훈련",
        "text": "지금 학교 운동장으로 나오십시오.",
        "villages": [SYNTHETIC_VILLAGE],
        "category": "disaster",
        "cap_status": "Exercise",
        "severity": "Extreme",
        "urgency": "Immediate",
        "certainty": "Observed",
        "response_type": "Evacuate",
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }


# --- the service ------------------------------------------------------------------------------


def test_a_posted_broadcast_reaches_every_simulated_resident(service: tuple[Running, Path]) -> None:
    one, data = service
    assert ask(f"{one.url}/healthz") == {"status": "alive"}
    token = a_token(data, "office")
    made = ask(f"{one.url}/api/v1/broadcasts", token, an_exercise())
    told = ask_until(made["url"], ("state", "done"), token)
    assert told["reaches"] == {"confirmed": 12}
    assert ask(f"{one.url}/simulator/control/log")["entries"] != []


def test_the_greeting_names_the_pages(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0", "--data", tmp_path / "d") as one:
        assert one.stop(signal.SIGINT) == 0
        assert one.process.stdout is not None
        rest = one.process.stdout.read()
    assert f"{one.url}/api/v1/openapi.json" in rest
    assert "simulator" not in rest
    assert "maeul user add NAME --role administrator" in rest  # nobody could sign in


def test_a_stop_in_mid_broadcast_leaves_nothing_on_the_wire(tmp_path: Path) -> None:
    data = tmp_path / "d"
    maeul("seed", "--villages", "1", "--residents", "300", "--data", data)
    with running(tmp_path, "serve", "--port", "0", "--with-simulator", "--data", data) as one:
        token = a_token(data, "office")
        made = ask(f"{one.url}/api/v1/broadcasts", token, an_exercise())
        ask_until(made["url"], ("state", "sending"), token)
        assert one.stop() == 0
        assert "Traceback" not in one.log.read_text()
    with closing(sqlite3.connect(data / "maeul.db")) as base:
        assert base.execute(UNFINISHED).fetchone() == (0,)
        assert base.execute("SELECT count(*) FROM attempt").fetchone() > (0,)
        assert base.execute("SELECT count(*) FROM attempt WHERE outcome IS NULL").fetchone() == (0,)


def test_one_database_is_served_by_one_process_only(service: tuple[Running, Path]) -> None:
    done = maeul("serve", "--port", "0", "--data", service[1])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "maeul: Another maeul serve is using this database; stop it first.\n"


def test_a_taken_port_is_said_with_its_remedy(service: tuple[Running, Path], tmp_path: Path) -> None:
    port = service[0].url.rpartition(":")[2]
    done = maeul("serve", "--data", tmp_path, PORT=port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"maeul: Port {port} on 127.0.0.1 cannot be opened")
    assert "--port" in done.stderr


def test_the_simulator_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, "simulator", "--port", "0", "--database", tmp_path / "s.db") as one:
        assert ask(f"{one.url}/control/handsets") == {"handsets": [], "known": 0}
        assert one.stop() == 0
    assert (tmp_path / "s.db").exists()


def test_nobody_else_on_the_machine_reads_what_is_kept(tmp_path: Path) -> None:
    """Even where the folder was made beforehand, for everybody to look into."""
    data = tmp_path / "d"
    data.mkdir(mode=0o755)
    with running(tmp_path, "serve", "--port", "0", "--with-simulator", "--data", data) as one:
        assert ask(f"{one.url}/readyz")["status"] == "ready"
        kept = {path.name: path.stat().st_mode & 0o077 for path in data.rglob("*")}
    assert {"maeul.db", "simulator.db", "secret.key", "media"} <= kept.keys()
    assert set(kept.values()) == {0}


# --- accounts ---------------------------------------------------------------------------------


def test_a_token_is_all_that_standard_output_shows(service: tuple[Running, Path]) -> None:
    one, data = service
    token = a_token(data, "alone")
    assert token.startswith("maeul_")
    assert "\n" not in token
    assert ask(f"{one.url}/api/v1/villages", token)["items"][0]["code"] == SYNTHETIC_VILLAGE


def test_a_new_account_is_given_a_password_once(service: tuple[Running, Path]) -> None:
    arguments = (
        "user",
        "add",
        "이장",
        "--role",
        "head",
        "--village",
        SYNTHETIC_VILLAGE,
        "--data",
        service[1],
    )
    done = maeul(*arguments)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split("Password")[1].strip()) == 19
    again = maeul(*arguments)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "maeul: This name is in use.\n"


# --- seed -------------------------------------------------------------------------------------


def test_a_seed_that_is_repeated_adds_nobody(tmp_path: Path) -> None:
    seed = ("seed", "--villages", "3", "--residents", "40", "--seed", "7", "--data", tmp_path)
    assert maeul(*seed).stdout.startswith("3 villages, 40 residents added")
    assert maeul(*seed).stdout.startswith("3 villages, 0 residents added")
    with closing(sqlite3.connect(tmp_path / "maeul.db")) as base:
        assert base.execute("SELECT count(*) FROM resident").fetchone() == (40,)
        assert base.execute("SELECT name FROM county").fetchone() == ("우리군",)


def test_the_county_is_named_by_its_setting(tmp_path: Path) -> None:
    seed = ("seed", "--villages", "1", "--residents", "0", "--data", tmp_path)
    for name in ("우리군", "샘골군", "다른군"):  # only the stand-in gives way
        assert maeul(*seed, MAEUL_COUNTY_NAME=name).returncode == 0
    with closing(sqlite3.connect(tmp_path / "maeul.db")) as base:
        assert base.execute("SELECT id, name FROM county").fetchall() == [(1, "샘골군")]


# --- texts and sound --------------------------------------------------------------------------


def test_script_prints_what_will_be_spoken() -> None:
    done = maeul("script", "화재 신고 119 😀")
    assert (done.returncode, done.stdout) == (0, "화재 신고 일일구\n")
    assert done.stderr == "Not read aloud: 😀\n"


@pytest.mark.parametrize(
    ("options", "form"),
    [((), (1, 1, 24_000)), (("--telephone",), (7, 1, 8_000))],
    ids=["page", "telephone"],
)
def test_say_writes_a_sound_file(tmp_path: Path, options: tuple[str, ...], form: tuple[int, ...]) -> None:
    out = tmp_path / "said.wav"
    done = maeul("say", "안녕하세요. 마을방송입니다.", "--out", out, *options)
    assert done.returncode == 0, done.stderr
    data = out.read_bytes()
    assert data[:4] == b"RIFF"
    assert struct.unpack_from("<HHI", data, data.index(b"fmt ") + 8) == form
    assert len(data) > 8_000


# --- mistakes ---------------------------------------------------------------------------------

NOWHERE = "postgresql+asyncpg://maeul:s3cret@127.0.0.1:1/maeul"

MISTAKES = [
    (["script", "😀"], {}, "There is nothing in this text that can be read aloud."),
    (["script", "😀"], {"LANG": "ko_KR.UTF-8"}, "소리 내어 읽을 수 있는 글자가 없습니다."),
    (["say", "가", "--out", "a.mp3"], {}, "Only WAV files are written"),
    (["say", "가", "--out", "no/such/folder.wav"], {}, "cannot be written: No such file or directory"),
    (["say", "가", "--out", "a.wav", "--engine", "parrot"], {}, "Speech engines must be one or more of"),
    (["user", "add", "x", "--role", "king"], {}, "'king' is not one of 'head'"),
    (["user", "add", "x", "--role", "head"], {}, "A head or deputy needs a village."),
    (["user", "add", "x", "--role", "head", "--village", "1"], {}, "There is no village with this code."),
    (["user", "add", "x", "--role", "auditor", "--phone", "12"], {}, "This is not a telephone number"),
    (["user", "add", "x", "--role", "auditor"], {"MAEUL_SECRET_KEY": "short"}, "must be 32 bytes in base64"),
    (["db", "upgrade"], {"MAEUL_DATABASE_URL": "nonsense"}, "the address is malformed"),
    (["db", "upgrade"], {"MAEUL_DATABASE_URL": "mysql://x/y"}, "must begin with sqlite+aiosqlite:///"),
    (["db", "upgrade"], {"MAEUL_DATABASE_URL": NOWHERE}, "The database cannot be used: "),
    (["db", "upgrade"], {"MAEUL_LINES": "many"}, "A setting is wrong. MAEUL_LINES: "),
    (["seed", "--villages", "0", "--residents", "1"], {}, "A county has 1 to 10,000 villages"),
    (["sing"], {}, "No such command 'sing'"),
]

SERVING_MISTAKES = [
    (["serve"], {"MAEUL_LOG_LEVEL": "loud"}, "MAEUL_LOG_LEVEL must be one of"),
    (["serve"], {"PORT": "many"}, "Invalid value for '--port'"),
    (["serve", "--port", "0"], {"MAEUL_CARRIERS": "pigeon"}, "MAEUL_CARRIERS names 'pigeon'"),
    (["serve", "--port", "0"], {"MAEUL_CARRIERS": "kakao"}, "MAEUL_KAKAO_BOT_ID is missing"),
    (["serve", "--port", "0", "--with-simulator"], {"MAEUL_CARRIERS": "kakao"}, "The simulator is refused"),
    (["worker"], {}, "A worker needs PostgreSQL"),
    (["simulator", "--port", "0"], {"MAEUL_SIMULATOR_PRESET": "odd"}, "MAEUL_SIMULATOR_PRESET"),
]


@pytest.mark.parametrize(
    ("arguments", "settings", "said"), MISTAKES, ids=[" ".join([*a, *s]) for a, s, _ in MISTAKES]
)
def test_a_mistake_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    settings: dict[str, str],
    said: str,
) -> None:
    """In this process, which has loaded everything already."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(surroundings()):
        monkeypatch.delenv(name)
    for name, value in surroundings(**settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["maeul", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert said in (told := capsys.readouterr().err)
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    SERVING_MISTAKES,
    ids=[" ".join([*a, *s]) for a, s, _ in SERVING_MISTAKES],
)
def test_what_cannot_be_served_is_one_clear_line(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], said: str
) -> None:
    done = maeul(*arguments, **{"MAEUL_DATA_DIR": str(tmp_path), **settings})
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "maeul.db"
    file.write_text("The office's shopping list.\n" * 50)
    before = file.read_bytes()
    done = maeul("serve", "--port", "0", "--data", tmp_path)
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
    assert file.read_bytes() == before


def test_help_lists_every_command() -> None:
    done = maeul("--help")
    assert done.returncode == 0
    assert [name for name in COMMANDS if f" {name} " not in done.stdout] == []
