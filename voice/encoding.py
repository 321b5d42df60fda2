"""Writes finished sound as MP3, Ogg/Opus, telephone WAV and waveform peaks, with PyAV's own encoders."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Mapping
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer

from broadcast.ports import Speech
from voice.filters import Sound

MP3_BITS, OPUS_BITS = 64_000, 24_000
PEAKS = 400  # as many bars as a waveform on the page can show
CHUNK_S = 1
BITEXACT = {"fflags": "+bitexact"}  # the same sound gives the same bytes: no names, no dates


def mp3(speech: Speech) -> bytes:
    """64 kbit/s mono, without tags: they would name the encoder and the day."""
    # Lame's effort 7 of 0 (most) to 9: at 64 kbit/s no difference is heard in speech, at half the time.
    return _encode(speech, "mp3", "libmp3lame", MP3_BITS, {"compression_level": "7"}, {"id3v2_version": "0"})


def opus(speech: Speech) -> bytes:
    """24 kbit/s mono in Ogg, as Telegram's voice messages want it."""
    options = {"application": "audio", "frame_duration": "60", "compression_level": "5"}
    return _encode(speech, "ogg", "libopus", OPUS_BITS, options, {})


def telephone(speech: Speech) -> bytes:
    """WAV with G.711 mu-law, what telephone networks carry."""
    return _encode(speech, "wav", "pcm_mulaw", None, {}, {})


def telephone_pcm(speech: Speech) -> bytes:
    """WAV with 16-bit samples, for exchanges that do their own coding."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(speech.rate)
        writer.writeframes(speech.pcm)
    return file.getvalue()


def from_wav(data: bytes) -> Speech:
    """What `telephone_pcm` wrote; only for files of our own. ValueError if it is none."""
    try:
        with wave.open(io.BytesIO(data), "rb") as reader:
            if (reader.getnchannels(), reader.getsampwidth()) != (1, 2):
                raise ValueError("not mono 16-bit")
            return Speech(reader.readframes(reader.getnframes()), reader.getframerate())
    except (wave.Error, EOFError) as error:
        raise ValueError(str(error)) from None


def peaks(speech: Speech) -> bytes:
    """JSON: the duration and up to 400 levels from 0 to 1."""
    samples = np.frombuffer(speech.pcm, "<i2")
    bars = np.array_split(samples, min(PEAKS, max(1, len(samples))))
    levels = [round(max(int(bar.max(initial=0)), -int(bar.min(initial=0))) / 32768, 3) for bar in bars]
    return json.dumps({"seconds": round(speech.seconds, 3), "peaks": levels}).encode()


def to_sound(speech: Speech) -> Sound:
    sound = np.frombuffer(speech.pcm, "<i2").astype(np.float32)
    sound *= np.float32(1 / 32768)
    return sound


def _encode(
    speech: Speech,
    container_name: str,
    codec: str,
    bits: int | None,
    codec_options: Mapping[str, str],
    container_options: dict[str, str],
) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container_name, options=container_options | BITEXACT) as container:
        _write(container, speech, codec, bits, codec_options)
    return file.getvalue()


def _write(
    container: OutputContainer, speech: Speech, codec: str, bits: int | None, options: Mapping[str, str]
) -> None:
    stream = container.add_stream(codec, rate=speech.rate, options=dict(options))
    assert isinstance(stream, av.AudioStream)
    stream.layout = "mono"
    if bits:
        stream.bit_rate = bits
    samples = np.frombuffer(speech.pcm, "<i2")
    for start in range(0, len(samples), speech.rate * CHUNK_S):
        chunk = samples[np.newaxis, start : start + speech.rate * CHUNK_S]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="s16", layout="mono")
        frame.rate = speech.rate
        frame.pts, frame.time_base = start, Fraction(1, speech.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
