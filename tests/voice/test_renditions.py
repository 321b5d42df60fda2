"""From words or a recording to every sound file on the shelf."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping

import numpy as np
import psutil
import pytest

from broadcast.errors import NotAudio, NotFound
from broadcast.model import Priority
from broadcast.ports import RenditionInfo
from tests.voice.conftest import CountedEspeak
from tests.voice.sounds import AUDIO, band_db, decoded, ebur128
from voice.assembly import chime, join
from voice.media import FolderMedia
from voice.renditions import Studio
from voice.speak import Voices

NOTICE = "안녕하세요. 행복리 이장입니다. 내일 오전 아홉 시부터 물이 나오지 않습니다. 물을 받아 두세요."
FORMATS = {"mp3", "opus", "telephone", "telephone_pcm", "peaks"}


async def check_sounds(files: Mapping[str, RenditionInfo], media: FolderMedia) -> None:
    """Every file decodes to what its label says, by a meter that is not ours."""
    assert files.keys() == FORMATS
    for name, lufs, ceiling in (
        ("mp3", -16, -1),
        ("opus", -16, -1),
        ("telephone", -13, 0),
        ("telephone_pcm", -13, -3),
    ):
        info = files[name]
        sound, rate = decoded(await media.get(info.key))
        measured, peak = ebur128(sound, rate)
        assert measured == pytest.approx(lufs, abs=1.0), name
        assert info.loudness_lufs == pytest.approx(measured, abs=0.6), name
        assert peak <= ceiling, name
        assert len(sound) / rate == pytest.approx(info.seconds, abs=0.1)
    bars = json.loads(await media.get(files["peaks"].key))
    assert len(bars["peaks"]) <= 400
    assert 0.3 < max(bars["peaks"]) <= 1


async def test_a_text_becomes_every_format_at_its_level(studio: Studio, media: FolderMedia) -> None:
    rendered = await studio.from_script(NOTICE)
    assert rendered.engine == "espeak"
    await check_sounds(rendered.files, media)


async def test_a_recording_becomes_every_format_at_its_level(studio: Studio, media: FolderMedia) -> None:
    await media.put("recordings/one.webm", (AUDIO / "chrome.webm").read_bytes(), "audio/webm")
    rendered = await studio.from_recording("recordings/one.webm")
    assert rendered.engine == "recording"
    assert 2.0 < rendered.seconds < 6.0
    await check_sounds(rendered.files, media)


async def test_the_telephone_file_is_what_carriers_play(studio: Studio, media: FolderMedia) -> None:
    files = (await studio.from_script(NOTICE)).files
    wav = await media.get(files["telephone"].key)
    code, channels, rate = struct.unpack("<HHI", wav[20:28])
    assert (wav[:4], wav[8:12], code, channels, rate) == (b"RIFF", b"WAVE", 7, 1, 8_000)
    sound, _ = decoded(await media.get(files["telephone_pcm"].key))
    assert band_db(sound, 8_000, 300, 3_400) - band_db(sound, 8_000, 3_650, 4_000) > 40


async def test_one_word_is_enough_for_a_rendition(studio: Studio) -> None:
    assert 0.1 < (await studio.from_script("네.")).seconds < 1.5


async def test_the_same_words_are_spoken_once(studio: Studio, espeak: CountedEspeak) -> None:
    first = await studio.from_script(NOTICE)
    again = await studio.from_script(NOTICE)
    assert again == first
    assert espeak.calls == 1
    slower = await studio.from_script(NOTICE, speed=0.7)
    assert slower.hash != first.hash
    assert slower.seconds > first.seconds
    assert espeak.calls == 2


async def test_the_same_words_at_once_are_spoken_once(studio: Studio, espeak: CountedEspeak) -> None:
    all_of_them = await asyncio.gather(*[studio.from_script(NOTICE) for _ in range(5)])
    assert all(rendered == all_of_them[0] for rendered in all_of_them)
    assert espeak.calls == 1


async def test_one_who_gives_up_does_not_stop_the_others(studio: Studio, espeak: CountedEspeak) -> None:
    impatient = asyncio.create_task(studio.from_script(NOTICE))
    patient = asyncio.create_task(studio.from_script(NOTICE))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).files.keys() == FORMATS
    assert espeak.calls == 1


async def test_the_shelf_outlives_the_studio(
    studio: Studio, media: FolderMedia, espeak: CountedEspeak
) -> None:
    first = await studio.from_script(NOTICE)
    other = Studio(Voices([espeak]), media)
    assert await other.from_script(NOTICE) == first
    assert espeak.calls == 1
    await other.close()


class FullDisk(FolderMedia):
    """Fails at the last write, as a disk that fills up or a process that is killed."""

    is_full = True

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.is_full and key.endswith("manifest.json"):
            raise OSError("disk full")
        await super().put(key, data, content_type)


async def test_a_half_written_rendition_is_made_again(espeak: CountedEspeak, media: FolderMedia) -> None:
    disk = FullDisk(media.root)
    studio = Studio(Voices([espeak]), disk)
    with pytest.raises(OSError, match="disk full"):
        await studio.from_script(NOTICE)
    disk.is_full = False
    await check_sounds((await studio.from_script(NOTICE)).files, disk)
    assert espeak.calls == 2
    await studio.close()


async def test_killed_workers_cost_no_rendition(studio: Studio) -> None:
    await studio.from_script("하나.")
    for child in psutil.Process().children():
        child.kill()
    assert (await studio.from_script("둘.")).files.keys() == FORMATS


async def test_the_same_recording_is_worked_on_once(studio: Studio, media: FolderMedia) -> None:
    data = (AUDIO / "iphone.m4a").read_bytes()
    await media.put("recordings/a", data, "audio/mp4")
    await media.put("recordings/b", data, "audio/mp4")
    assert await studio.from_recording("recordings/a") == await studio.from_recording("recordings/b")


async def test_a_recording_that_is_missing_or_no_sound_is_refused(studio: Studio, media: FolderMedia) -> None:
    with pytest.raises(NotFound):
        await studio.from_recording("recordings/none")
    await media.put("recordings/bad", b"not a sound", "audio/webm")
    with pytest.raises(NotAudio):
        await studio.from_recording("recordings/bad")


# --- assembly ---------------------------------------------------------------------------------


async def test_chimes_differ_by_priority_and_are_kept_like_speech(studio: Studio) -> None:
    lengths = {round(chime(priority).seconds, 2) for priority in Priority}
    assert len(lengths) == len(Priority)
    rendered = await studio.from_chime(Priority.URGENT)
    assert rendered.files.keys() == FORMATS


def test_pieces_are_joined_with_pauses_and_without_clicks() -> None:
    bell = chime(Priority.ROUTINE)
    joined = join([0.5, bell, 1.0, bell])
    assert joined.seconds == pytest.approx(1.5 + 2 * bell.seconds, abs=0.01)
    sound = np.frombuffer(joined.pcm, "<i2").astype(float) / 32768
    assert np.abs(np.diff(sound)).max() < 0.1
    assert not sound[: int(0.49 * joined.rate)].any()


def test_a_piece_at_another_rate_keeps_its_length() -> None:
    narrow = join([chime(Priority.ROUTINE)], 8_000)
    assert narrow.rate == 8_000
    assert narrow.seconds == pytest.approx(chime(Priority.ROUTINE).seconds, abs=0.01)
