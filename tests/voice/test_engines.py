"""The engines behind the port: espeak-ng for real, gTTS against a server on this machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import espeakng_loader
import psutil
import pytest

from broadcast.errors import InvalidInput
from broadcast.ports import EngineFailed, Speech, Synthesizer
from tests.voice.conftest import CountedEspeak
from tests.voice.google import Google
from tests.voice.sounds import encoded, tone
from voice.engines import engines
from voice.engines.espeak import Espeak
from voice.engines.gtts import Gtts
from voice.speak import Voices

GREETING = "안녕하세요. 마을방송입니다."


async def say(
    engine: Synthesizer, script: str = GREETING, language: str = "ko", speed: float = 1.0
) -> Speech:
    return await engine.speak(script, language=language, voice="default", speed=speed)


async def test_espeak_speaks_korean_and_slower_when_asked(espeak: CountedEspeak) -> None:
    usual = await say(espeak)
    assert 1.0 < usual.seconds < 6.0
    assert (await say(espeak, speed=0.7)).seconds > usual.seconds * 1.2


@pytest.mark.parametrize("language", ["ko", "en", "vi", "zh", "th", "ne"])
async def test_espeak_has_every_language_of_the_emergency_templates(
    espeak: CountedEspeak, language: str
) -> None:
    assert (await say(espeak, "119", language)).seconds > 0.1


async def test_an_unknown_language_is_the_engines_failure(espeak: CountedEspeak) -> None:
    with pytest.raises(EngineFailed):
        await say(espeak, language="xx")


async def test_espeak_speaks_again_after_its_process_was_killed(espeak: CountedEspeak) -> None:
    await say(espeak)
    for child in psutil.Process().children():
        child.kill()
    assert (await say(espeak)).seconds > 1.0


async def test_many_texts_at_once_are_all_spoken(espeak: CountedEspeak) -> None:
    spoken = await asyncio.gather(*[say(espeak, f"{GREETING} {word}") for word in ("하나", "둘", "셋", "넷")])
    assert all(speech.seconds > 1.0 for speech in spoken)


def test_espeak_finds_its_data_under_a_very_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    (folder / "espeakng_loader").symlink_to(Path(espeakng_loader.__file__).parent)
    program = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(Path.cwd())!r}]\n"
        "from voice.engines.espeak_library import speak_now\n"
        "print(speak_now('안녕하세요', 'ko', 'default', 1.0).seconds > 0.3)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_unknown_repeated_or_missing_engines_are_refused() -> None:
    for names in (["espeek"], ["espeak", "espeak"], []):
        with pytest.raises(InvalidInput):
            engines(names)
    assert [engine.name for engine in engines(["gtts", "espeak"])] == ["gtts", "espeak"]


# --- gTTS -------------------------------------------------------------------------------------


@pytest.fixture
async def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Google]:
    with Google(tmp_path) as google:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{google.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        yield google


async def test_gtts_joins_the_pieces_of_a_long_text(google: Google) -> None:
    google.sound = encoded(tone(440, 1.0, 24_000), "mp3", "libmp3lame", 24_000)
    engine = Gtts()
    speech = await say(engine, "가나다라 마바사아. " * 20)
    assert google.requests > 1
    assert speech.seconds == pytest.approx(google.requests, rel=0.2)
    await engine.close()


@pytest.mark.parametrize("status", [429, 500])
async def test_a_refusal_by_google_is_the_engines_failure(google: Google, status: int) -> None:
    google.status = status
    engine = Gtts()
    with pytest.raises(EngineFailed, match=str(status)) as failure:
        await say(engine, "비밀 이름")
    assert "비밀" not in str(failure.value)
    await engine.close()


async def test_what_is_no_sound_from_google_is_the_engines_failure(google: Google) -> None:
    google.sound = b"<html>consent</html>"
    engine = Gtts()
    with pytest.raises(EngineFailed):
        await say(engine)
    await engine.close()


async def test_without_a_network_the_next_engine_speaks(
    monkeypatch: pytest.MonkeyPatch, espeak: CountedEspeak
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # discard: nobody listens
    gtts = Gtts()
    speech, engine = await Voices([gtts, espeak]).speak(GREETING)
    assert engine == "espeak"
    assert speech.seconds > 1.0
    await gtts.close()


async def test_espeak_alone_needs_no_network() -> None:
    (engine,) = engines(["espeak"])
    assert isinstance(engine, Espeak)
    assert (await say(engine)).rate == 22_050
    await engine.close()
