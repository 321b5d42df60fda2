"""Child processes for the sound work: a crash or a hang in a C library costs a child, not the service."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, LifoQueue
from typing import ParamSpec, TypeVar

from voice.frames import WorkerFailed, load_answer, read_frame, write_frame

P = ParamSpec("P")
T = TypeVar("T")

# A script of our own, not multiprocessing: its spawn re-imports the parent's main module in every child.
_BOOT = "import sys; sys.path[:] = sys.argv[1].split('\\n'); from voice.worker_child import serve; serve()"
_FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# glibc keeps freed blocks of up to 32 MB for itself; sounds are about as long, and shall go back at once.
_GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "16777216", "MALLOC_ARENA_MAX": "2"}
_START_S = 60.0


class WorkerDied(Exception):
    """The child ended before it answered: a crash in a library, or somebody killed it."""


class TookTooLong(WorkerDied):
    """The child was killed because the deadline had passed."""


class Workers:
    """Up to `count` child processes, started when needed, replaced when they die or after `tasks` calls.

    `retries`: how often a call whose child died is given to another; 0 where the input may be what kills.
    `memory_mb` bounds what a child may allocate, where the system can do that. `preload` names modules
    that a child imports at its start. Functions and arguments must be picklable.
    """

    def __init__(
        self,
        name: str,
        count: int = 1,
        *,
        tasks: int = 500,
        retries: int = 0,
        memory_mb: int = 0,
        preload: Sequence[str] = (),
    ) -> None:
        self._tasks = tasks
        self._retries = retries
        self._settings = (memory_mb, tuple(preload))
        self._idle: LifoQueue[_Child] = LifoQueue()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"maeul-{name}")
        self._lock = threading.Lock()
        self._children: set[_Child] = set()
        self._is_closed = False

    async def run(self, deadline_s: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, from a child. Waiting for a free child does not count for the deadline.

        Raises what the function raises, WorkerDied or TookTooLong.
        """
        loop = asyncio.get_running_loop()
        call = (function, args, kwargs)
        is_good, value = await loop.run_in_executor(self._threads, self._answer, call, deadline_s)
        if is_good:
            return value  # type: ignore[return-value]  # what the function returned in the child
        assert isinstance(value, Exception)
        raise value

    async def warm(self) -> None:
        """Start one child beforehand, so that the first call does not pay for its imports."""
        await self.run(60.0, os.getpid)

    async def close(self) -> None:
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """End all children, also those at work, and start no more."""
        with self._lock:
            self._is_closed = True
        self.end_children()
        self._threads.shutdown(cancel_futures=True)

    def end_children(self) -> None:
        """End all children, also those at work; the next call starts a new one."""
        with self._lock:
            children = list(self._children)
        for child in children:
            child.kill()

    def _answer(self, call: object, deadline_s: float) -> tuple[bool, object]:
        request = pickle.dumps(call)
        for retries_left in range(self._retries, -1, -1):
            child = self._take()
            try:
                answer = child.call(request, deadline_s)
            except TookTooLong:
                self._forget(child)
                raise
            except WorkerDied:
                self._forget(child)
                if not retries_left:
                    raise
            else:
                self._give_back(child)
                return answer
        raise WorkerDied("gone")

    def _take(self) -> _Child:
        try:
            child = self._idle.get_nowait()
        except Empty:
            return self._start()
        if child.is_alive():
            return child
        self._forget(child)
        return self._take()

    def _start(self) -> _Child:
        with self._lock:
            if self._is_closed:
                raise WorkerDied("closed")
            child = _Child()
            self._children.add(child)
        try:
            child.call(pickle.dumps(self._settings), _START_S)  # imports do not count for a deadline
        except WorkerDied:
            self._forget(child)
            raise
        return child

    def _give_back(self, child: _Child) -> None:
        if child.calls >= self._tasks or self._is_closed:
            self._forget(child)
        else:
            self._idle.put(child)

    def _forget(self, child: _Child) -> None:
        child.kill()
        with self._lock:
            self._children.discard(child)


def _environment() -> dict[str, str]:
    """Ours without our settings: a child that reads strangers' files needs no secret key."""
    return (
        {name: value for name, value in os.environ.items() if not name.startswith("MAEUL_")}
        | _FEW_THREADS
        | _GIVE_BACK
    )


class _Child:
    """The parent's side of one child: framed pickles over its standard streams."""

    def __init__(self) -> None:
        self.calls = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, "\n".join(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to_child, self._from_child = self._process.stdin, self._process.stdout
        self._lock = threading.Lock()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def call(self, request: bytes, deadline_s: float) -> tuple[bool, object]:
        self.calls += 1
        is_late = threading.Event()

        def give_up() -> None:
            is_late.set()
            self._process.kill()

        timer = threading.Timer(deadline_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            self._send(request)
            return load_answer(read_frame(self._from_child))
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            raise TookTooLong("deadline") if is_late.is_set() else WorkerDied("gone") from None
        finally:
            timer.cancel()

    def _send(self, frame: bytes) -> None:
        try:
            write_frame(self._to_child, frame)
        except OSError:
            self._process.kill()

    def kill(self) -> None:
        with self._lock:
            self._process.kill()
            self._process.wait()
            for stream in (self._to_child, self._from_child):
                with suppress(OSError):  # what was still buffered for the dead child
                    stream.close()


__all__ = ["TookTooLong", "WorkerDied", "WorkerFailed", "Workers"]
