"""The child's side of a worker: runs what the parent asks for, one call at a time."""

from __future__ import annotations

import os
import pickle
import signal
from typing import IO

from voice.frames import WorkerFailed, load_answer, read_frame, write_frame


def serve() -> None:
    """The child's loop: until the parent closes the pipe, by ending or by being killed."""
    requests, answers = _own_streams()
    try:
        memory_mb, preload = pickle.loads(read_frame(requests))  # noqa: S301  # from our parent
        for module in preload:
            __import__(module)
        _limit_memory(memory_mb)
        write_frame(answers, pickle.dumps((True, "ready")))
        while True:
            write_frame(answers, _answer(read_frame(requests)))
    except (EOFError, BrokenPipeError):
        return


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes under private numbers, so that a library which prints cannot break the framing."""
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
        del request  # a long recording; the work on it needs the room
        return pickle.dumps((True, function(*args, **kwargs)), protocol=5)
    except Exception as error:  # noqa: BLE001  # it belongs to the caller in the parent
        return _pickled_error(error)


def _pickled_error(error: Exception) -> bytes:
    try:
        frame = pickle.dumps((False, error))
        load_answer(frame)
        return frame
    except Exception:  # noqa: BLE001  # it does not travel; its text may hold what must not be logged
        return pickle.dumps((False, WorkerFailed(type(error).__name__)))
