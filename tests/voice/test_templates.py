"""Templates: fixed parts spoken beforehand, changing words at once, particles as they should be."""

from __future__ import annotations

import pytest

from broadcast.errors import InvalidInput
from tests.voice.conftest import CountedEspeak
from voice.media import FolderMedia
from voice.renditions import Studio
from voice.templates import Template, pause_after, with_particles

FIRE = (
    "긴급 방송입니다. {village} 주민은 지금 {place}(으)로 대피하십시오. 뒷산에 불이 났습니다. "
    "다시 말씀드립니다."
)


def phrases(template: Template, **values: str) -> list[tuple[str, float]]:
    return [(words, pause_after(words)) for words in template.filled(values)]


def test_words_with_slots_are_parted_from_the_fixed_ones() -> None:
    template = Template.of(FIRE)
    assert template.slots == {"village", "place"}
    assert template.fixed == (
        "긴급 방송입니다.",
        "주민은 지금",
        "대피하십시오. 뒷산에 불이 났습니다. 다시 말씀드립니다.",
    )
    filled = template.filled({"village": "행복리", "place": "행복초등학교"})
    assert filled[1::2] == ("행복리", "행복초등학교로")
    assert " ".join(filled).startswith("긴급 방송입니다. 행복리 주민은 지금 행복초등학교로 대피하십시오.")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("학교(으)로", "학교로"),
        ("교실(으)로", "교실로"),
        ("회관(으)로", "회관으로"),
        ("행복리은(는)", "행복리는"),
        ("행복읍이(가)", "행복읍이"),
        ("물을(를) 불을(를)", "물을 불을"),
        ("학교과(와)", "학교와"),
        ("은(는)", "은(는)"),
    ],
)
def test_particles_follow_the_last_sound(written: str, said: str) -> None:
    assert with_particles(written) == said


@pytest.mark.parametrize("text", ["", "  ", "{Village} 주민", "{village 주민", "{} 주민", "주민}"])
def test_a_text_that_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Template.of(text)


@pytest.mark.parametrize(
    "values",
    [
        {"village": "행복리"},
        {"village": "행복리", "place": "학교", "more": "것"},
        {"village": " ", "place": "학교"},
        {"village": "행복리", "place": "{village}"},
        {"village": "행복리", "place": "가" * 61},
    ],
)
def test_missing_unknown_or_unusable_values_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Template.of(FIRE).filled(values)
    assert (refusal.value.field or "").startswith("slots")


async def test_at_send_time_only_the_changing_words_are_spoken(studio: Studio, espeak: CountedEspeak) -> None:
    template = Template.of(FIRE)
    await studio.prepare_phrases(template.fixed)
    assert espeak.calls == len(template.fixed)
    first = await studio.from_phrases(phrases(template, village="행복리", place="마을회관"))
    assert espeak.calls == len(template.fixed) + 2
    assert first.files.keys() == {"mp3", "opus", "telephone", "telephone_pcm", "peaks"}
    assert 5 < first.seconds < 20
    other = await studio.from_phrases(phrases(template, village="기쁨리", place="마을회관"))
    assert espeak.calls == len(template.fixed) + 3
    assert other.hash != first.hash
    assert await studio.from_phrases(phrases(template, village="행복리", place="마을회관")) == first


async def test_a_damaged_phrase_is_spoken_again(
    studio: Studio, espeak: CountedEspeak, media: FolderMedia
) -> None:
    await studio.prepare_phrases(["안녕하세요."])
    (file,) = (media.root / "phrases").rglob("*.wav")
    file.write_bytes(b"RIFF")
    await studio.prepare_phrases(["안녕하세요."])
    assert espeak.calls == 2
