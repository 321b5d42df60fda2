"""The service and the fake carrier as processes: started, killed, and always cleaned up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN_S = 20.0


class Died(AssertionError):
    """A process ended by itself, or says that something went wrong."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Part:
    """One module run as a process, as often as it is started; what it writes is kept in `log`."""

    module: str
    arguments: Sequence[str]
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    family: set[psutil.Process] = field(default_factory=set)

    def start(self) -> None:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("MAEUL_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env={**clean, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def require_sound(self) -> None:
        """Raises Died if it ended by itself, or met a bug."""
        if self.process is not None and self.process.poll() is not None:
            raise Died(f"{self.module} ended with {self.process.returncode}:\n{self.tail()}")
        if "Traceback" in self.log.read_text(errors="replace"):
            raise Died(f"{self.module} met a bug:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL to the process alone, as the kernel would do; its children have to see it for themselves."""
        assert self.process is not None
        self._note_family()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End everything that was ever started here."""
        if self.process is None:
            return
        self._note_family()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for one in self.left_over(0):
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def left_over(self, within_s: float = ENDS_WITHIN_S) -> list[psutil.Process]:
        """Children of killed processes that have not ended by themselves."""
        end = time.monotonic() + within_s
        own = psutil.Process(self.process.pid) if self.process and self.process.poll() is None else None
        kept = set(own.children(recursive=True)) if own else set()
        while alive := [one for one in self.family - kept if one.is_running() and _lives(one)]:
            if time.monotonic() > end:
                return alive
            time.sleep(0.05)
        return []

    def tail(self, most: int = 6_000) -> str:
        return self.log.read_text(errors="replace")[-most:] if self.log.exists() else ""

    def _note_family(self) -> None:
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            self.family |= set(psutil.Process(self.process.pid).children(recursive=True))


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
