"""Loudness, peaks and bands of finished sound, measured by FFmpeg's meter and by spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from pyloudnorm import IIRfilter, Meter

from tests.voice.inputs import NOISE, SOURCES, Source
from tests.voice.sounds import band_db, ebur128, recorded, tone
from voice.decoding import resample
from voice.filters import hum_lines, remove_hum
from voice.level import TELEPHONE, WEB, Target, high_pass, level, loudness, telephone_band, trim, true_peak


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("target", [WEB, TELEPHONE], ids=["web", "telephone"])
def test_loudness_is_met_under_the_ceiling(source: Source, target: Target) -> None:
    sound, rate = source()
    levelled = level(trim(sound, rate), rate, target)
    lufs, peak = ebur128(levelled.sound, levelled.rate)
    assert lufs == pytest.approx(target.lufs, abs=1.0)
    assert peak <= (-3.0 if target.is_telephone else -1.0)
    assert levelled.lufs == pytest.approx(lufs, abs=0.5)
    assert levelled.true_peak_dbtp == pytest.approx(peak, abs=0.5)  # FFmpeg oversamples otherwise


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3, 0.39, 0.41])
def test_very_short_sounds_are_levelled_too(seconds: float) -> None:
    for target in (WEB, TELEPHONE):
        levelled = level(tone(800, seconds), 48_000, target)
        assert levelled.lufs == pytest.approx(target.lufs, abs=1.0)
        assert true_peak(levelled.sound) <= target.ceiling_dbtp + 0.1


def test_nothing_stays_nothing() -> None:
    for sound in (np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(48_000, np.float32)):
        assert not level(trim(sound, 48_000), 48_000, WEB).sound.any()


def test_silence_is_trimmed_at_both_ends_but_a_breath() -> None:
    pause = NOISE.normal(0, 0.0005, 96_000).astype(np.float32)
    trimmed = trim(np.concatenate([pause, tone(440, 1.0), pause]), 48_000)
    assert 1.0 <= len(trimmed) / 48_000 <= 1.5


def test_a_tone_above_the_band_does_not_fold_down_into_the_telephone() -> None:
    both = level(tone(1_100, 4.0) + tone(5_000, 4.0), 48_000, TELEPHONE).sound
    wanted = band_db(both, 8_000, 1_050, 1_150)
    folded = band_db(both, 8_000, 2_950, 3_050)
    assert wanted - folded > 60


def test_the_telephone_band_is_kept_whole_and_its_outside_is_gone() -> None:
    noise = NOISE.normal(0, 0.1, 80_000).astype(np.float32)
    passed = telephone_band(noise, 8_000)

    def gain(low: float, high: float) -> float:
        return band_db(passed, 8_000, low, high) - band_db(noise, 8_000, low, high)

    for low, high in ((300, 400), (1_000, 1_200), (3_300, 3_400)):
        assert gain(low, high) == pytest.approx(0.0, abs=1.0)
    assert gain(10, 90) < -40
    assert gain(3_620, 3_990) < -40


def test_rumble_and_offset_are_filtered() -> None:
    sound = tone(500, 2.0) + tone(30, 2.0) + np.float32(0.2)
    levelled = level(sound, 48_000, WEB)
    assert band_db(levelled.sound, WEB.rate, 450, 550) - band_db(levelled.sound, WEB.rate, 0, 35) > 30
    assert loudness(levelled.sound, WEB.rate) == pytest.approx(WEB.lufs, abs=0.5)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_loudness_in_blocks_is_what_pyloudnorm_measures(source: Source) -> None:
    sound, rate = source()
    assert loudness(sound, rate) == pytest.approx(Meter(rate).integrated_loudness(sound), abs=0.1)


def test_a_long_sound_is_worked_on_as_if_it_were_one_piece() -> None:
    noise = NOISE.normal(0, 0.1, 700_000).astype(np.float32)
    whole = noise
    for quality in (0.5412, 1.3066):
        whole = IIRfilter(0.0, quality, 80.0, 24_000, "high_pass").apply_filter(whole)
    assert np.abs(high_pass(noise, 24_000) - whole).max() < 1e-4
    assert true_peak(noise) == pytest.approx(20 * np.log10(np.abs(resample(noise, 1, 4)).max()), abs=0.05)


def test_the_mains_hum_is_taken_out_and_the_voice_is_not() -> None:
    voice, rate = recorded("chrome.webm")
    hum = sum((tone(f, len(voice) / rate, rate, 0.02) for f in (60, 120, 180, 300)), np.zeros(1, np.float32))
    hummed = (voice + hum[: len(voice)]).astype(np.float32)
    assert hum_lines(hummed, rate)[:3] == [60, 120, 180]
    assert hum_lines(voice, rate) == []
    before = band_db(hummed, rate, 118, 122), band_db(hummed, rate, 500, 3_000)
    remove_hum(hummed, rate)
    assert before[0] - band_db(hummed, rate, 118, 122) > 15
    assert before[1] == pytest.approx(band_db(hummed, rate, 500, 3_000), abs=0.5)
