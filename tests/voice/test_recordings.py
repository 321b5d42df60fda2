"""Uploads: every format of telephones and browsers, and every way in which one can be wrong."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import numpy as np
import psutil
import pytest

from broadcast.errors import CallerMistake, InvalidInput, NotAudio, TooLarge
from tests.voice.sounds import AUDIO, as_wav, encoded, hours_of_amr, recorded, silent_video, tone
from voice import recordings
from voice.decoding import Limits, resample
from voice.filters import Sound
from voice.media import FolderMedia
from voice.renditions import Studio

NOISE = np.random.default_rng(1)

SAMPLES = [
    ("mediarecorder.webm", "opus", 1, 3.0),
    ("chrome.webm", "opus", 2, 6.0),
    ("iphone.m4a", "aac", 1, 6.0),
    ("stereo.mp3", "mp3float", 2, 6.0),
    ("old.3gp", "amrnb", 1, 60.0),
]
MADE = [
    ("wav", "pcm_s16le"),
    ("wav", "pcm_s24le"),
    ("wav", "pcm_u8"),
    ("ogg", "libopus"),
    ("flac", "flac"),
    ("adts", "aac"),
]


@pytest.mark.parametrize(("name", "codec", "channels", "seconds"), SAMPLES)
async def test_real_recordings_are_decoded(name: str, codec: str, channels: int, seconds: float) -> None:
    decoded = await recordings.decode(AUDIO / name)
    assert (decoded.codec, decoded.channels, decoded.truncated) == (codec, channels, False)
    assert decoded.seconds == pytest.approx(seconds, abs=0.1)
    assert decoded.speech.rate <= 24_000


@pytest.mark.parametrize(("container", "codec"), MADE)
async def test_other_common_formats_are_decoded(container: str, codec: str) -> None:
    decoded = await recordings.decode(encoded(tone(440, 2.0), container, codec))
    assert decoded.seconds == pytest.approx(2.0, abs=0.1)
    sound = np.frombuffer(decoded.speech.pcm, "<i2") / 32768
    assert np.sqrt((sound**2).mean()) == pytest.approx(0.5 / np.sqrt(2), abs=0.03)


async def test_high_sampling_rates_come_down_to_24_khz() -> None:
    decoded = await recordings.decode(as_wav(tone(440, 1.0, 96_000), 96_000))
    assert (decoded.speech.rate, round(decoded.seconds, 2)) == (24_000, 1.0)


async def test_the_name_of_a_file_plays_no_part(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes((AUDIO / "stereo.mp3").read_bytes())
    assert (await recordings.decode(path)).container == "mp3"


async def test_a_recording_cut_half_way_is_kept_and_marked() -> None:
    for name in ("chrome.webm", "stereo.mp3", "mediarecorder.webm"):
        data = (AUDIO / name).read_bytes()
        whole = await recordings.decode(data)
        half = await recordings.decode(data[: len(data) // 2])
        assert half.truncated
        assert 0.3 < half.seconds / whole.seconds < 0.7


async def test_damage_in_the_middle_is_passed_over_and_marked() -> None:
    data = bytearray((AUDIO / "old.3gp").read_bytes())
    data[40_000:44_000] = NOISE.bytes(4_000)
    assert (await recordings.decode(bytes(data))).seconds > 50


def wrong_files() -> list[tuple[str, bytes, type[CallerMistake]]]:
    m4a = (AUDIO / "iphone.m4a").read_bytes()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{AUDIO}/stereo.mp3\n#EXT-X-ENDLIST\n"
    return [
        ("empty", b"", InvalidInput),
        ("text", "안녕하세요, 마을방송입니다.\n".encode() * 200, NotAudio),
        ("picture", b"\x89PNG\r\n\x1a\n" + NOISE.bytes(5_000), NotAudio),
        ("zeros", bytes(10_000), NotAudio),
        ("noise", NOISE.bytes(100_000), NotAudio),
        ("m4a without its end", m4a[: len(m4a) // 2], NotAudio),
        ("video without sound", silent_video(), NotAudio),
        ("a playlist of other files", playlist.encode(), NotAudio),
        ("a list of other files", f"ffconcat version 1.0\nfile {AUDIO}/stereo.mp3\n".encode(), NotAudio),
        ("silence", as_wav(np.zeros(48_000, np.float32)), InvalidInput),
        ("near silence", as_wav((NOISE.normal(0, 0.0003, 96_000)).astype(np.float32)), InvalidInput),
        ("constant offset", as_wav(np.full(48_000, 0.3, np.float32)), InvalidInput),
        ("wav without samples", as_wav(np.zeros(0, np.float32)), NotAudio),
        ("three hours in seven megabytes", hours_of_amr(3), InvalidInput),
    ]


@pytest.mark.parametrize(("data", "mistake"), [pytest.param(d, m, id=n) for n, d, m in wrong_files()])
async def test_wrong_files_get_a_sentence_in_both_languages(
    data: bytes, mistake: type[CallerMistake]
) -> None:
    with pytest.raises(mistake) as refusal:
        await recordings.decode(data)
    assert refusal.value.field == "file"
    assert re.search("[가-힣]", refusal.value.detail_ko)
    assert not re.search("[가-힣]", refusal.value.detail)


async def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(TooLarge):
        await recordings.decode(bytes(2_000), Limits(max_bytes=1_000))


async def test_a_stalling_file_is_given_up_at_its_time_limit() -> None:
    with pytest.raises(NotAudio, match="too long"):
        await recordings.decode(AUDIO / "old.3gp", Limits(wall_s=0.001))


async def test_a_file_that_kills_the_decoder_is_refused_and_the_next_one_decoded() -> None:
    with pytest.raises(NotAudio, match="damaged"):
        await recordings.in_a_decoder(30.0, os.abort)
    assert (await recordings.decode(AUDIO / "stereo.mp3")).seconds > 5


# --- advice -----------------------------------------------------------------------------------


def speech(level: float, noise: float = 0.0005) -> Sound:
    """A recorded voice at a level, with noise around it."""
    sound, rate = recorded("chrome.webm")
    sound = resample(sound, rate, 48_000)
    sound = sound / np.float32(np.abs(sound).max()) * np.float32(level)
    return (sound + NOISE.normal(0, noise, len(sound))).astype(np.float32)


@pytest.mark.parametrize(
    ("sound", "codes"),
    [
        (speech(0.5), ()),
        (speech(0.02), ("too_quiet",)),
        (np.clip(speech(4.0), -1, 1), ("clipped",)),
        (speech(0.3, 0.1), ("noisy",)),
    ],
    ids=["well made", "too quiet", "too loud", "noisy"],
)
async def test_authors_are_told_what_to_do_better(sound: Sound, codes: tuple[str, ...]) -> None:
    decoded = await recordings.decode(as_wav(sound))
    assert tuple(one.code for one in decoded.advice) == codes
    assert all(re.search("[가-힣]", one.korean) and one.english for one in decoded.advice)


# --- damage -----------------------------------------------------------------------------------


def mutated(data: bytes) -> bytes:
    """A damaged copy: bytes changed, cut out, doubled or cut off."""
    copy = bytearray(data)
    way, place = NOISE.integers(5), int(NOISE.integers(len(copy)))
    length = int(NOISE.integers(1, 400))
    if way == 0:
        copy[place : place + length] = NOISE.bytes(length)
    elif way == 1:
        del copy[place : place + length]
    elif way == 2:
        copy[place:place] = copy[place : place + length] * int(NOISE.integers(1, 20))
    elif way == 3:
        del copy[place:]
    for spot in NOISE.integers(0, max(1, min(len(copy), 2_000)), int(NOISE.integers(12))):
        if len(copy):
            copy[int(spot) % len(copy)] = int(NOISE.integers(256))
    return bytes(copy)


async def hold_against_damage(count: int) -> int:
    """How many of the damaged copies still held sound; all others got a sentence."""
    originals = [(AUDIO / name).read_bytes() for name, *_ in SAMPLES if name != "old.3gp"]
    originals.append((AUDIO / "old.3gp").read_bytes()[:20_000])
    originals += [encoded(tone(440, 1.0), container, codec) for container, codec in MADE]
    heard = 0
    for number in range(count):
        with contextlib.suppress(CallerMistake):
            assert (await recordings.decode(mutated(originals[number % len(originals)]))).seconds > 0
            heard += 1
    return heard


async def test_two_hundred_damaged_files_end_in_sound_or_a_sentence() -> None:
    assert 20 < await hold_against_damage(200) < 200
    assert (await recordings.decode(AUDIO / "stereo.mp3")).seconds > 5


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thousands_of_damaged_files_end_in_sound_or_a_sentence() -> None:
    assert 200 < await hold_against_damage(2_200) < 2_200
    assert (await recordings.decode(AUDIO / "stereo.mp3")).seconds > 5


# --- memory -----------------------------------------------------------------------------------


async def test_ten_minutes_take_less_than_three_hundred_megabytes(studio: Studio, media: FolderMedia) -> None:
    """Each process for itself; what matters on a small machine is that none grows with the upload."""
    minute = speech(0.5)[: 48_000 * 3]
    await media.put("recordings/long", encoded(np.tile(minute, 199), "ogg", "libopus"), "audio/ogg")
    rendered = await studio.from_recording("recordings/long")
    assert rendered.seconds > 590
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    assert children
    assert max(peak_mb(child.pid) for child in children) < 300


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024
