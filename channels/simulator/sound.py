"""How long a sound file lasts, read from its own bytes: WAV by its header, MP3 frame by frame."""

from __future__ import annotations

import struct

WAV_TYPES = frozenset({"audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"})
MP3_TYPES = frozenset({"audio/mpeg", "audio/mp3", "audio/mpeg3"})
ULAW_TYPES = frozenset({"audio/ulaw", "audio/basic"})

# MPEG-1 and MPEG-2/2.5 layer III, kbit/s by the header's index.
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class NotPlayable(Exception):
    """The bytes are not the sound that they are said to be."""


def seconds(data: bytes, content_type: str) -> float:
    """Duration of what a telephone provider would play. Raises NotPlayable."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in WAV_TYPES:
        return _wav(data)
    if kind in MP3_TYPES:
        return _mp3(data)
    if kind in ULAW_TYPES and data:
        return len(data) / 8000
    raise NotPlayable(f"content type {kind or 'none'}")


def _wav(data: bytes) -> float:
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotPlayable("no RIFF header")
    byte_rate, at = 0, 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt " and at + 24 <= len(data):
            byte_rate = struct.unpack_from("<I", data, at + 16)[0]
        elif name == b"data" and byte_rate:
            return float(min(size, len(data) - at - 8)) / byte_rate
        at += 8 + size + size % 2
    raise NotPlayable("no data chunk")


def _mp3(data: bytes) -> float:
    at, total = _after_id3(data), 0.0
    while at + 4 <= len(data):
        frame = _frame(data, at)
        if frame is None:
            if total:
                break  # a trailing tag
            at += 1
            continue
        length, duration = frame
        total += duration
        at += length
    if not total:
        raise NotPlayable("no MPEG frame")
    return total


def _after_id3(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Bytes and seconds of the layer III frame at this place, or None."""
    if data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
    bitrate_index, rate_index = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or layer != 1 or rate_index == 3:
        return None
    bitrate = (_BITRATES_1 if version == 3 else _BITRATES_2)[bitrate_index] * 1000
    rate = _RATES[version][rate_index]
    if not bitrate:
        return None
    samples = 1152 if version == 3 else 576
    padding = data[at + 2] >> 1 & 1
    return samples // 8 * bitrate // rate + padding, samples / rate
