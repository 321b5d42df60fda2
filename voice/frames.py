"""What travels between a worker's two processes: pickles with their length before them."""

from __future__ import annotations

import builtins
import io
import pickle
import struct
import sys
from dataclasses import is_dataclass
from typing import IO

_LENGTH = struct.Struct(">Q")


class WorkerFailed(Exception):
    """The function raised something that does not travel; the text names its type only."""


def write_frame(stream: IO[bytes], frame: bytes) -> None:
    stream.write(_LENGTH.pack(len(frame)))
    stream.write(frame)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes:
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
        {
            "broadcast.errors",
            "broadcast.ports",
            "voice.decoding",
            "voice.hearing",
            "voice.rendering",
            "voice.frames",
        }
    )

    def find_class(self, module_name: str, name: str) -> type:
        is_ours = module_name in self.MODULES
        found = (
            getattr(sys.modules.get(module_name), name, None) if is_ours else getattr(builtins, name, None)
        )
        if isinstance(found, type) and (issubclass(found, Exception) or (is_ours and is_dataclass(found))):
            return found
        raise pickle.UnpicklingError(f"{module_name}.{name}")


def load_answer(frame: bytes) -> tuple[bool, object]:
    """Whether the function returned, and what it returned or raised."""
    is_good, value = _Answer(io.BytesIO(frame)).load()
    return bool(is_good), value
