"""The speech engines by the names that the setting TTS_ENGINES uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from broadcast.errors import InvalidInput
from broadcast.ports import Synthesizer
from voice.engines.espeak import Espeak
from voice.engines.gtts import Gtts
from voice.engines.piper import Piper
from voice.engines.supertonic import Supertonic

ENGINES: Mapping[str, Callable[[], Synthesizer]] = {
    Supertonic.name: Supertonic,
    Piper.name: Piper,
    Gtts.name: Gtts,
    Espeak.name: Espeak,
}


def engines(names: Sequence[str]) -> list[Synthesizer]:
    """The engines in the order given; InvalidInput for an unknown name, a repeated one or none at all.

    Also where an engine's package or model is missing: the service says so at its start, not in an emergency.
    """
    known = ", ".join(ENGINES)
    unknown = [name for name in names if name not in ENGINES]
    if unknown or not names or len(set(names)) < len(names):
        raise InvalidInput(
            f"Speech engines must be one or more of: {known}, each named once.",
            f"음성 엔진은 다음 중에서 한 번씩만 골라야 합니다: {known}.",
            field="tts_engines",
        )
    return [ENGINES[name]() for name in names]
