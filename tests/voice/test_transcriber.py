"""Words proposed for a recording, where a Whisper model is there."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from broadcast.errors import InvalidInput
from broadcast.ports import Speech
from tests.bench.whisper import model_folder
from tests.voice.sounds import recorded
from voice.decoding import to_pcm
from voice.transcriber import Transcriber, WhisperSettings, transcriber


def test_nothing_is_proposed_where_no_model_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAEUL_WHISPER_MODEL", raising=False)
    assert transcriber() is None


def test_a_missing_package_or_model_is_told_in_both_languages() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Transcriber(WhisperSettings(model="nowhere"))
    wanted = "maeul[whisper]" if find_spec("faster_whisper") is None else "MAEUL_WHISPER_MODEL"
    assert wanted in refusal.value.detail
    assert wanted in refusal.value.detail_ko


async def test_a_recording_gets_proposed_words() -> None:
    folder = model_folder()
    if isinstance(folder, str):
        pytest.skip(folder)
    whisper = Transcriber(WhisperSettings(model=str(folder)))
    sound, rate = recorded("chrome.webm")
    assert isinstance(await whisper.propose(Speech(to_pcm(sound), rate)), str)
    await whisper.close()
