"""Twenty ways of recording by FFmpeg's meter, and what lies outside the telephone's band."""

from __future__ import annotations

from tests.voice.inputs import SOURCES
from tests.voice.sounds import band_db, ebur128, tone
from voice.filters import Sound
from voice.level import TELEPHONE, WEB, level, trim


def quality() -> dict[str, object]:
    """Each input's loudness and peak, and the worst of all."""
    rows, worst, over, outside = [], 0.0, -99.0, -99.0
    for name, source in SOURCES.items():
        sound, rate = source()
        row: dict[str, object] = {"input": name}
        for target, ceiling in ((WEB, -1.0), (TELEPHONE, -3.0)):
            levelled = level(trim(sound, rate), rate, target)
            lufs, peak = ebur128(levelled.sound, levelled.rate)
            kind = "telephone" if target.is_telephone else "web"
            row |= {f"{kind}_lufs": round(lufs, 2), f"{kind}_dbtp": round(peak, 2)}
            worst, over = max(worst, abs(lufs - target.lufs)), max(over, peak - ceiling)
            if target.is_telephone:
                outside = max(outside, above_the_band(levelled.sound))
        rows.append(row)
    return {
        "loudness": rows,
        "loudness_worst_lu": round(worst, 2),
        "true_peak_over_db": round(over, 2),
        "above_3600_hz_db": round(outside, 1),
        "alias_db": round(alias(), 1),
    }


def above_the_band(sound: Sound) -> float:
    """Energy above 3.6 kHz against that of the band, in dB."""
    return band_db(sound, 8_000, 3_620, 4_000) - band_db(sound, 8_000, 300, 3_400)


def alias() -> float:
    """What of a 5 kHz tone folds down to 3 kHz, against a tone that belongs there."""
    both = level(tone(1_100, 4.0) + tone(5_000, 4.0), 48_000, TELEPHONE).sound
    return band_db(both, 8_000, 2_950, 3_050) - band_db(both, 8_000, 1_050, 1_150)
