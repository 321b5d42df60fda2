"""Runs the real console script `maeul` as a process of its own, in an environment without our settings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(sys.executable).with_name("maeul")
LONGEST_S = 30.0

Json = dict[str, Any]


def surroundings(**settings: str) -> dict[str, str]:
    """This environment without what would reach the command, and with these settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAEUL_", "LC_")) and name not in ("HOST", "PORT", "LANG", "COLUMNS")
    }
    return {**inherited, "LANG": "C.UTF-8", "COLUMNS": "100", **settings}


def maeul(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    return subprocess.run(
        [SCRIPT, *arguments],
        env=surroundings(**settings),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


@dataclass
class Running:
    """A command that runs until it is stopped; `url` is where it says that it serves."""

    process: subprocess.Popen[str]
    log: Path
    url: str = ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after this signal."""
        self.process.send_signal(number)
        return self.process.wait(LONGEST_S)

    def greeting(self) -> str:
        """The first line on standard output. Fails with what was said on standard error."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return line


@contextmanager
def running(folder: Path, *arguments: str | Path, **settings: str) -> Iterator[Running]:
    """The command, once it has said its first line; killed at the end if it still runs."""
    log = folder / f"{arguments[0]}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [SCRIPT, *arguments],
            env=surroundings(**settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
        )
    with process:
        one = Running(process, log)
        try:
            if found := re.search(r"http://[\d.:]+", one.greeting()):
                one.url = found.group()
            yield one
        finally:
            process.kill()


def ask(url: str, token: str = "", body: object = None) -> Json:
    """The answer's JSON; a body is posted."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=LONGEST_S) as answer:
        found: Json = json.load(answer)
        return found


def ask_until(url: str, wanted: tuple[str, object], token: str = "") -> Json:
    """Ask until a field has this value; fails with the last answer after half a minute."""
    field, value = wanted
    until = time.monotonic() + LONGEST_S
    while (found := ask(url, token))[field] != value:
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found
