"""Child processes for the sound work: a crash or a hang in a C library costs a child, not the service."""

from __future__ import annotations

import asyncio
import builtins
import io
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import is_dataclass
from queue import Empty, LifoQueue
from typing import IO, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_LENGTH = struct.Struct(">Q")
# A script of our own, not multiprocessing: its spawn re-imports the parent's main module in every child.
_BOOT = "import sys; sys.path[:] = sys.argv[1].split('\\n'); from voice.worker import serve; serve()"
_FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_START_S = 60.0


class WorkerDied(Exception):
    """The child ended before it answered: a crash in a library, or somebody killed it."""


class TookTooLong(WorkerDied):
    """The child was killed because the deadline had passed."""


class WorkerFailed(Exception):
    """The function raised something that does not travel; the text names its type only."""


class Workers:
    """Up to `count` child processes, started when needed, replaced when they die or after `tasks` calls.

    `memory_mb` bounds what a child may allocate, where the system can do that. `preload` names modules
    that a child imports at its start. Functions and arguments must be picklable.
    """

    def __init__(
        self, name: str, count: int = 1, *, tasks: int = 500, memory_mb: int = 0, preload: Sequence[str] = ()
    ) -> None:
        self._tasks = tasks
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
        return await loop.run_in_executor(
            self._threads, lambda: self._run(deadline_s, function, *args, **kwargs)
        )

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

    def _run(self, deadline_s: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        child = self._take()
        try:
            is_good, value = child.call(pickle.dumps((function, args, kwargs)), deadline_s)
        except WorkerDied:
            self._forget(child)
            raise
        self._give_back(child)
        if is_good:
            return value  # type: ignore[return-value]  # what the function returned in the child
        assert isinstance(value, Exception)
        raise value

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


class _Child:
    """The parent's side of one child: framed pickles over its standard streams."""

    def __init__(self) -> None:
        self.calls = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, "\n".join(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _FEW_THREADS,
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
            answer: tuple[bool, object] = _Answer(io.BytesIO(_read_frame(self._from_child))).load()
            return answer
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            raise TookTooLong("deadline") if is_late.is_set() else WorkerDied("gone") from None
        finally:
            timer.cancel()

    def _send(self, frame: bytes) -> None:
        try:
            _write_frame(self._to_child, frame)
        except OSError:
            self._process.kill()

    def kill(self) -> None:
        with self._lock:
            self._process.kill()
            self._process.wait()
            for stream in (self._to_child, self._from_child):
                with suppress(OSError):  # what was still buffered for the dead child
                    stream.close()


def _write_frame(stream: IO[bytes], frame: bytes) -> None:
    stream.write(_LENGTH.pack(len(frame)))
    stream.write(frame)
    stream.flush()


def _read_frame(stream: IO[bytes]) -> bytes:
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(header)
    frame = stream.read(length)
    if len(frame) < length:
        raise EOFError
    return frame


class _Answer(pickle.Unpickler):
    """Builds values and mistakes only: a child that a hostile file has taken over must not reach us."""

    MODULES = frozenset(
        {"broadcast.errors", "broadcast.ports", "voice.decoding", "voice.rendering", "voice.worker"}
    )

    def find_class(self, module_name: str, name: str) -> type:
        is_ours = module_name in self.MODULES
        found = (
            getattr(sys.modules.get(module_name), name, None) if is_ours else getattr(builtins, name, None)
        )
        if isinstance(found, type) and (issubclass(found, Exception) or (is_ours and is_dataclass(found))):
            return found
        raise pickle.UnpicklingError(f"{module_name}.{name}")


# --- the child's side -------------------------------------------------------------------------


def serve() -> None:
    """The child's loop: until the parent closes the pipe, by ending or by being killed."""
    requests, answers = _own_streams()
    try:
        memory_mb, preload = pickle.loads(_read_frame(requests))  # noqa: S301  # from our parent
        for module in preload:
            __import__(module)
        _limit_memory(memory_mb)
        _write_frame(answers, pickle.dumps((True, "ready")))
        while True:
            _write_frame(answers, _answer(_read_frame(requests)))
    except (EOFError, BrokenPipeError):
        return


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes under private numbers, so that a library which prints cannot break the framing."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, answers


def _limit_memory(memory_mb: int) -> None:
    if not memory_mb:
        return
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
    except (ImportError, ValueError, OSError):
        pass  # not on this system: the limits on bytes and seconds still hold


def _answer(request: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(request)  # noqa: S301  # from our parent
        return pickle.dumps((True, function(*args, **kwargs)), protocol=5)
    except Exception as error:  # noqa: BLE001  # it belongs to the caller in the parent
        return _pickled_error(error)


def _pickled_error(error: Exception) -> bytes:
    try:
        frame = pickle.dumps((False, error))
        _Answer(io.BytesIO(frame)).load()
        return frame
    except Exception:  # noqa: BLE001  # it does not travel; its text may hold what must not be logged
        return pickle.dumps((False, WorkerFailed(type(error).__name__)))


__all__ = ["TookTooLong", "WorkerDied", "WorkerFailed", "Workers", "serve"]
