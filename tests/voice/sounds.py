"""Sounds to test with, and meters that share no code with ours: FFmpeg's own ebur128 and spectrum."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np

from voice.decoding import Limits, decode_now
from voice.encoding import to_sound
from voice.filters import Sound

AUDIO = Path(__file__).parents[1] / "data" / "audio"


def tone(frequency: float, seconds: float = 1.0, rate: int = 48_000, level: float = 0.5) -> Sound:
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def recorded(name: str) -> tuple[Sound, int]:
    """One of the sample recordings, decoded."""
    speech = decode_now(AUDIO / name, Limits()).speech
    return to_sound(speech), speech.rate


def decoded(data: bytes) -> tuple[Sound, int]:
    """A finished file as samples."""
    speech = decode_now(data, Limits()).speech
    return to_sound(speech), speech.rate


def as_wav(sound: Sound, rate: int = 48_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def encoded(sound: Sound, container: str, codec: str, rate: int = 48_000) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(sound[np.newaxis, :], format="flt", layout="mono")
        frame.rate, frame.pts = rate, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def silent_video() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def hours_of_amr(hours: float) -> bytes:
    """A file that unpacks to far more than its size: 13 bytes for each 20 ms."""
    return b"#!AMR\n" + (b"\x04" + bytes(range(12))) * round(hours * 3600 * 50)


def ebur128(sound: Sound, rate: int) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP as FFmpeg measures them."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono")
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(sound[np.newaxis, :]), format="flt", layout="mono"
    )
    frame.rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    said: dict[str, str] = {}
    while True:
        try:
            said = graph.pull().metadata or said  # the last, incomplete tenth of a second says nothing
        except av.error.EOFError:
            break
    return float(said["lavfi.r128.I"]), 20 * np.log10(float(said["lavfi.r128.true_peak"]))


def band_db(sound: Sound, rate: int, low: float, high: float) -> float:
    """Energy between two frequencies in dB, on any fixed scale."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    chosen = spectrum[(frequencies >= low) & (frequencies <= high)]
    return float(10 * np.log10(chosen.sum() + 1e-20))
