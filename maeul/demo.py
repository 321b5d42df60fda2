"""The demo: a village's broadcasts through the simulator, on one machine, without account or network."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import uvloop
from pydantic import SecretStr
from rich.console import Console

from broadcast.errors import Conflict
from broadcast.settings import Settings
from broadcast.store.lock import only_server
from broadcast.store.unit import Database
from maeul.demo_checks import checks
from maeul.demo_endings import tables
from maeul.demo_play import Play
from maeul.demo_played import Account, Played
from maeul.demo_report import KOREA, Show, console, show_checks, show_tables
from maeul.demo_stage import Hourglass, Stage, Surprise
from maeul.service import Simulated, serving

DAYS_AGO = 7  # so that the demo's last day lies before the present, in which a kept one is gone on with
BEGINS = time(9)
LINES = 12  # few, so that the next village's calls have to wait for one another
MARK = "demo.txt"  # says that a folder holds a demo, and how to sign in to it
MADE = ("maeul.db", "maeul.db-wal", "maeul.db-shm", "simulator.db", "simulator.db-wal", "simulator.db-shm",
        "secret.key", MARK)  # fmt: skip
DIFFERS = 1


def demo(keep: Path | None = None) -> None:
    """Play it; `keep` names the folder in which the data stay. Raises SystemExit, 0 only if all went well."""
    to = console()
    if keep is not None:
        if make_room(keep):
            to.print("앞선 시연의 자료를 지우고 새로 시작합니다. The former demo's data are replaced.")
        raise SystemExit(_played(keep, to, is_kept=True))
    with TemporaryDirectory(prefix="maeul-demo-") as folder:
        status = _played(Path(folder), to, is_kept=False)
    raise SystemExit(status)


def make_room(folder: Path) -> bool:
    """Whether a former demo's files had to go. Raises Conflict where there are others, that nobody asked us
    to delete, and where a service is using them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_demo = (folder / MARK).exists()
    if (folder / "maeul.db").exists() and not is_demo:
        raise Conflict(
            f"{folder} holds a database that is not a demo's; choose another folder.",
            f"{folder}에는 시연용이 아닌 데이터베이스가 있습니다. 다른 폴더를 고르세요.",
        )
    with only_server(Database(_settings(folder).database)):
        for name in MADE if is_demo else ():
            (folder / name).unlink(missing_ok=True)
        if is_demo:
            shutil.rmtree(folder / "media", ignore_errors=True)
    return is_demo


def _played(folder: Path, to: Console, *, is_kept: bool) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            played, clock = runner.run(_play(folder, to))
    except Surprise as surprise:
        to.print(f"시연이 중간에 멈췄습니다. The demo came to a stop: {surprise}", markup=False)
        return DIFFERS
    found = checks(played)
    show_tables(to, tables(played, clock))
    show_checks(to, found)
    if is_kept:
        _say_how_to_go_on(folder, played, to)
    return 0 if all(check.holds for check in found) else DIFFERS


async def _play(folder: Path, to: Console) -> tuple[Played, Hourglass]:
    today = datetime.now(KOREA).date()
    begins_at = datetime.combine(today - timedelta(days=DAYS_AGO), BEGINS, KOREA)
    clock = Hourglass(begins_at)
    simulated = Simulated(database=folder / "simulator.db")
    (folder / MARK).write_text("")
    async with (
        serving(_settings(folder), clock, simulated=simulated) as served,
        aiohttp.ClientSession() as http,
    ):
        passwords = (secrets.token_urlsafe(9), secrets.token_urlsafe(9))
        with Show(to, clock) as show:
            played = await Play(Stage(served, clock, http), show, begins_at, passwords).run()
    return played, clock


def _settings(folder: Path) -> Settings:
    """Everything in the folder, whatever the environment says: the demo rings nobody's telephone."""
    empty = SecretStr("")
    return Settings(
        data_dir=folder,
        database_url="",
        media_url="",
        public_url="",
        secret_key=empty,
        data_keys=empty,
        blind_index_key=empty,
        carriers="simulator",
        simulator_url="",
        tts_engines="espeak",
        lines=LINES,
    )


def _say_how_to_go_on(folder: Path, played: Played, to: Console) -> None:
    lines = [
        f"이장 로그인  head's sign-in:  {_sign_in(played.head)}",
        f"군청 로그인  county officer's sign-in:  {_sign_in(played.officer)}",
        f"API 토큰  the officer's token:  {played.officer.token}",
    ]
    mark = folder / MARK
    mark.touch(mode=0o600)
    mark.chmod(0o600)
    mark.write_text("\n".join(lines) + "\n")
    to.print()
    to.print(f"자료는 {folder}에 남았습니다. The data are kept in {folder}.", markup=False, highlight=False)
    for line in lines:
        to.print(line, markup=False, highlight=False, soft_wrap=True)
    to.print(
        f"이어서  go on with:  maeul serve --with-simulator --data {folder}", markup=False, highlight=False
    )


def _sign_in(account: Account) -> str:
    return f"{account.name} / {account.password}"
