"""Uploaded recordings: checked and decoded in worker processes, within limits."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from broadcast.errors import InvalidInput, NotAudio, TooLarge
from voice.decoding import Decoded, Limits, decode_now
from voice.worker import TookTooLong, WorkerDied, WorkerFailed, Workers

P = ParamSpec("P")
T = TypeVar("T")

MEMORY_MB = 1_500
# One pool a process of ours: uploads never take a child that renders a broadcast.
_decoders = Workers("decode", 2, tasks=50, memory_mb=MEMORY_MB, preload=("voice.rendering", "pyloudnorm"))
atexit.register(_decoders.close_now)


async def decode(data: bytes | Path, limits: Limits | None = None) -> Decoded:
    """An upload as sound. Its name and claimed type play no part: what it holds decides.

    Raises TooLarge, NotAudio or InvalidInput with a sentence for the author; a file that crashes or
    stalls the decoder is NotAudio.
    """
    limits = limits or Limits()
    await check_size(data, limits)
    return await in_a_decoder(limits.wall_s, decode_now, data, limits)


async def check_size(data: bytes | Path, limits: Limits) -> None:
    """Refuse an empty upload and one of too many bytes before anything reads it."""
    size = len(data) if isinstance(data, bytes) else (await asyncio.to_thread(data.stat)).st_size
    if size == 0:
        raise InvalidInput(
            "The file is empty. Record again, or choose another file.",
            "빈 파일입니다. 다시 녹음하거나 다른 파일을 골라 주세요.",
            field="file",
        )
    if size > limits.max_bytes:
        megabytes = limits.max_bytes // 1_000_000
        raise TooLarge(
            f"The file is larger than {megabytes} MB. Please send a shorter recording.",
            f"파일이 {megabytes}MB보다 큽니다. 더 짧은 녹음을 올려 주세요.",
            field="file",
        )


async def in_a_decoder(deadline_s: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work on an untrusted file in a child process; its death is the file's fault."""
    try:
        return await _decoders.run(deadline_s, function, *args, **kwargs)
    except TookTooLong:
        raise NotAudio(
            "Reading this file took too long. Please send it in another format, or record again.",
            "이 파일을 읽는 데 시간이 너무 오래 걸립니다. 다른 형식으로 올리거나 다시 녹음해 주세요.",
            field="file",
        ) from None
    except (WorkerDied, WorkerFailed, MemoryError):
        raise NotAudio(
            "This file is damaged and cannot be read. Please record again.",
            "파일이 손상되어 읽을 수 없습니다. 다시 녹음해 주세요.",
            field="file",
        ) from None


async def close() -> None:
    """End the decoders' processes; the next `decode` starts new ones."""
    await asyncio.to_thread(_decoders.end_children)
