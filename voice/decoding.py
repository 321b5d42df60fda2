"""Decodes a stranger's sound file with PyAV, in a worker process only: FFmpeg reads what anybody may send."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from broadcast.errors import InvalidInput, NotAudio
from broadcast.ports import Speech
from voice.filters import Sound, spans
from voice.hearing import Advice, Ear

# Demuxers that open further files or addresses (hls, concat, sdp, images …) must never be reached.
CONTAINERS = "mov,matroska,webm,ogg,mp3,wav,w64,aac,amr,flac,aiff,caf,asf"
OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
HIGHEST_RATE = 24_000  # nothing that we make has more; ten minutes are 29 MB at this rate
LOWEST_RATE = 4_000
BAD_PACKETS = 200  # more than this in a row without any sound: the rest is rubbish
SIGNS_OF_A_CUT = ("ended prematurely", "do not match", "packet corrupt", "partial file", "truncat")
# What FFmpeg says may quote the file; we look at it here, and it goes to no log.
logging.getLogger("libav").setLevel(logging.CRITICAL)
READ_ERRORS = (av.FFmpegError, ValueError, ArithmeticError, LookupError, OSError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an upload may be at most; `wall_s` is the time that its decoding may take."""

    max_bytes: int = 50_000_000
    seconds: float = 600.0
    wall_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upload as mono sound at its own rate (at most 24 kHz), with what was found in the file.

    `truncated`: the file ends too early or has damaged parts; what could be read is in `speech`.
    `advice`: what the author could do better; the recording may be sent all the same.
    """

    speech: Speech
    container: str
    codec: str
    channels: int
    truncated: bool
    advice: tuple[Advice, ...] = ()

    @property
    def seconds(self) -> float:
        return self.speech.seconds


@dataclass(slots=True)
class _Reading:
    """What has been decoded so far, as samples at one rate; a second at a time is resampled and kept."""

    pcm: bytearray = field(default_factory=bytearray)
    rate: int = 0
    seconds: float = 0.0
    channels: int = 1
    is_damaged: bool = False
    ear: Ear = field(default_factory=Ear)
    _waiting: list[Sound] = field(default_factory=list)
    _stream: soxr.ResampleStream | None = None
    _from_rate: int = 0

    def add(self, frame: AudioFrame) -> None:
        self.rate = self.rate or min(frame.rate, HIGHEST_RATE)
        if frame.rate != self._from_rate:
            self.end()
            self._begin(frame.rate)
        self.channels = max(self.channels, len(frame.layout.channels))
        self.seconds += frame.samples / frame.rate
        self._waiting.append(mono(frame))
        if sum(map(len, self._waiting)) >= frame.rate:
            self._take()

    def end(self) -> None:
        """Keep what is still waiting; after it there may be sound of another rate."""
        if self._from_rate:
            self._take(is_last=True)

    def _begin(self, rate: int) -> None:
        self._from_rate = rate
        is_same = rate == self.rate
        self._stream = None if is_same else soxr.ResampleStream(rate, self.rate, 1, dtype="float32")

    def _take(self, *, is_last: bool = False) -> None:
        block = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        self._waiting.clear()
        if len(block):
            self.ear.hear(block, self._from_rate)
        if self._stream is not None:
            block = self._stream.resample_chunk(block, last=is_last)
        self.pcm += to_pcm(block)


def resample(sound: Sound, from_rate: int, to_rate: int) -> Sound:
    """soxr, which does not alias, unlike pydub's set_frame_rate."""
    if from_rate == to_rate or not len(sound):
        return sound
    return np.asarray(soxr.resample(sound, from_rate, to_rate), dtype=np.float32)


def mono(frame: AudioFrame) -> Sound:
    """The mean of all channels as floats from -1 to 1, whatever the sample format."""
    data: npt.NDArray[np.generic] = frame.to_ndarray()
    channels = len(frame.layout.channels)
    if not frame.format.is_planar and channels > 1:
        data = data.reshape(-1, channels).T
    mixed = np.mean(data.astype(np.float64), axis=0)
    if data.dtype == np.uint8:
        mixed = (mixed - 128) / 128
    elif np.issubdtype(data.dtype, np.integer):
        mixed /= 2.0 ** (8 * data.dtype.itemsize - 1)
    return np.asarray(np.nan_to_num(mixed, nan=0.0, posinf=1.0, neginf=-1.0), dtype=np.float32)


def decode_now(source: bytes | Path, limits: Limits) -> Decoded:
    """Decode in this process. Raises NotAudio or InvalidInput; never trusts a name or a claimed type."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with file, av.logging.Capture(local=True) as log:
        av.logging.set_level(av.logging.WARNING)
        try:
            with av.open(file, "r", options=OPTIONS, metadata_errors="replace") as container:
                return _decode(container, limits, log)
        except READ_ERRORS:
            raise _unreadable(log) from None


def _decode(container: InputContainer, limits: Limits, log: list[tuple[int, str, str]]) -> Decoded:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise NotAudio(
            "This file has no sound in it.", "이 파일에는 소리가 들어 있지 않습니다.", field="file"
        )
    reading = _read(container, stream, limits)
    if not reading.rate:
        raise _unreadable(log)
    declared = float(container.duration or 0) / av.time_base
    if reading.ear.is_silent:
        raise _nothing_heard()
    return Decoded(
        Speech(bytes(reading.pcm), reading.rate),
        container.format.name,
        stream.codec_context.name,
        reading.channels,
        reading.is_damaged or _says_cut(log) or declared - reading.seconds > max(0.5, declared * 0.02),
        reading.ear.advice(),
    )


def to_pcm(sound: Sound) -> bytes:
    """16-bit little-endian samples."""
    samples: npt.NDArray[np.int16] = np.empty(len(sound), "<i2")
    for start, end in spans(len(sound)):
        samples[start:end] = (np.clip(sound[start:end], -1.0, 1.0) * 32767).round()
    return samples.tobytes()


def _read(container: InputContainer, stream: AudioStream, limits: Limits) -> _Reading:
    reading = _Reading()
    for frame in _frames(container, stream, reading):
        if frame.rate >= LOWEST_RATE and frame.samples:
            reading.add(frame)
        if reading.seconds > limits.seconds:
            raise _too_long(limits.seconds)
    reading.end()
    return reading


def _frames(container: InputContainer, stream: AudioStream, reading: _Reading) -> Iterator[AudioFrame]:
    """All frames that can be decoded; damaged packets are passed over, as players do."""
    bad = 0
    packets = container.demux(stream)
    while bad <= BAD_PACKETS:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except READ_ERRORS:
            reading.is_damaged = True
            return
        try:
            yield from packet.decode()
            bad = 0
        except av.FFmpegError:
            reading.is_damaged = True
            bad += 1


def _nothing_heard() -> InvalidInput:
    return InvalidInput(
        "Nothing can be heard in this recording. Check that the microphone is on, "
        "hold the phone closer and record again.",
        "녹음에서 소리가 들리지 않습니다. 마이크가 켜져 있는지 보시고, "
        "전화기를 입 가까이 대고 다시 녹음해 주세요.",
        field="file",
    )


def _says_cut(log: list[tuple[int, str, str]]) -> bool:
    return any(sign in message.lower() for _, _, message in log for sign in SIGNS_OF_A_CUT)


def _unreadable(log: list[tuple[int, str, str]]) -> NotAudio:
    if any("moov atom not found" in message for _, _, message in log):  # MP4 keeps its index at the end
        return NotAudio(
            "The recording was cut off before its end arrived, so it cannot be played. Send it again.",
            "녹음 파일이 끝까지 올라오지 않아 재생할 수 없습니다. 다시 올려 주세요.",
            field="file",
        )
    return NotAudio(
        "This file is not a sound recording that we can read. Send M4A, MP3, WAV, OGG, WebM, 3GP or AMR.",
        "소리 파일이 아니거나 읽을 수 없습니다. M4A, MP3, WAV, OGG, WebM, 3GP, AMR 파일을 올려 주세요.",
        field="file",
    )


def _too_long(seconds: float) -> InvalidInput:
    minutes = f"{seconds / 60:g}"
    return InvalidInput(
        f"The recording is longer than {minutes} minutes. Please record a shorter one.",
        f"녹음이 {minutes}분을 넘습니다. 더 짧게 녹음해 주세요.",
        field="file",
    )
