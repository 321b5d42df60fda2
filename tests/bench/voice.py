"""Speed and quality of speech: `make bench-voice` prints a table and writes build/bench/voice.json.

Times are medians; what the machine's load was stands beside them.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.levels import quality
from tests.bench.results import ROOT, machine, path_of
from tests.bench.whisper import ear, with_hearing_loss
from tests.voice.sounds import decoded, encoded
from voice import recordings
from voice.decoding import resample
from voice.encoding import to_sound
from voice.engines.espeak import Espeak
from voice.media import FolderMedia
from voice.renditions import Studio
from voice.script import prepare
from voice.speak import Voices
from voice.templates import Template, pause_after

NOTICE = (
    "주민 여러분께 알려 드립니다. 내일 3월 5일(목) 오전 9시부터 오후 6시까지 상수도 공사로 행복1리와 2리 "
    "52가구에 물이 나오지 않습니다. 미리 물을 받아 두시기 바랍니다. 급수차 2대가 오전 10시와 오후 2시에 "
    "마을회관 앞으로 옵니다. 흐린 물이 나오면 5분에서 10분쯤 틀어 놓으세요. 거동이 불편하신 분은 "
    "이장에게 말씀해 주시면 물을 가져다 드리겠습니다. 문의는 면사무소 031-123-4567로 해 주세요. "
    "그리고 이번 주 토요일 10시에는 마을 대청소가 있으니 빗자루와 장갑을 가지고 마을회관으로 나와 주시기 "
    "바랍니다. 끝나고 점심을 함께 드시겠습니다. 비가 오면 다음 주로 미룹니다. 궁금하신 점은 언제든지 "
    "이장에게 물어봐 주세요. 이웃 어르신께도 꼭 전해 주시기 바랍니다. 오늘도 좋은 하루 보내세요. 고맙습니다."
)[:400]
# One reading: that it is read twice is the call's doing.
FIRE = "긴급 방송입니다. {village} 주민은 지금 {place}(으)로 대피하십시오. 뒷산에 불이 났습니다."
ROUNDS = 5
CHOICES = 13
CORPUS = Path(__file__).parents[1] / "voice" / "corpus.tsv"
GOALS = {
    "render_s": "<= 1.0",
    "shelved_ms": "<= 50",
    "recording_s": "<= 3.0",
    "template_ms": "< 300",
    "loop_lag_ms_p99": "< 20",
    "peak_mb": "< 300",
    "loudness_worst_lu": "<= 1.0",
    "true_peak_over_db": "<= 0",
    "above_3600_hz_db": "<= -40",
    "alias_db": "<= -60",
    "forced_choice_right": ">= 24",
}
Figures = dict[str, object]


class Lag:
    """How much later than asked the event loop comes back, while others work."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def watch(self) -> None:
        while True:
            asked = perf_counter()
            await asyncio.sleep(0.001)
            self.late_ms.append((perf_counter() - asked - 0.001) * 1000)

    def p99(self) -> float:
        return float(np.quantile(self.late_ms, 0.99))


@asynccontextmanager
async def a_studio() -> AsyncIterator[tuple[Studio, FolderMedia]]:
    with tempfile.TemporaryDirectory() as folder:
        media = FolderMedia(Path(folder))
        studio = Studio(Voices([Espeak()]), media)
        try:
            await studio.warm()
            await studio.from_script("하나, 둘, 셋.")
            yield studio, media
        finally:
            await studio.close()


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = perf_counter()
    await work()
    return perf_counter() - started


async def speed() -> Figures:
    """Text, shelf, recording and template to finished files, and the event loop meanwhile."""
    lag = Lag()
    async with a_studio() as (studio, media):
        recording = await a_minute(studio)
        await studio.from_recording(await kept(media, recording, 0))  # starts the decoders' processes
        watching = asyncio.create_task(lag.watch())
        before = processor_s()
        rendered = [await seconds(lambda n=n: speak(studio, n)) for n in range(ROUNDS)]  # type: ignore[misc]
        rendering_s = (processor_s() - before) / ROUNDS
        shelved = [await seconds(lambda n=n: speak(studio, n)) for n in range(ROUNDS)]  # type: ignore[misc]
        recorded = []
        for n in range(1, ROUNDS + 1):
            key = await kept(media, recording, n)
            recorded.append(await seconds(lambda key=key: studio.from_recording(key)))  # type: ignore[misc]
        before = processor_s()
        templates = await template_seconds(studio)
        template_s = (processor_s() - before) / ROUNDS
        watching.cancel()
    return {
        "characters": len(NOTICE),
        "render_s": median(rendered),
        "shelved_ms": median(shelved, 1000),
        "recording_s": median(recorded),
        "template_ms": median(templates, 1000),
        "loop_lag_ms_p99": round(lag.p99(), 2),
        "render_cpu_s": round(rendering_s, 2),  # of all processes: what a busy machine cannot blur
        "template_cpu_ms": round(template_s * 1000),
        "render_s_all": [round(one, 3) for one in rendered],
        "recording_s_all": [round(one, 3) for one in recorded],
        "template_ms_all": [round(one * 1000) for one in templates],
    }


def processor_s() -> float:
    """What this process and its children have used so far."""
    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children())]
    return sum(one.user + one.system for one in times)


async def speak(studio: Studio, number: int) -> None:
    await studio.from_script(prepare(NOTICE[:-2] + f"{number}.").text)


async def template_seconds(studio: Studio) -> list[float]:
    """From the head's press to finished files; the words in the slots are new each time."""
    template = Template.of(FIRE)
    await studio.prepare_phrases([prepare(words).text for words in template.fixed])
    found = []
    for name in ("행복", "기쁨", "소망", "은혜", "사랑", "평화", "보람")[:ROUNDS]:
        values = {"village": f"{name}리", "place": f"{name}초등학교"}
        phrases = [(prepare(words).text, pause_after(words)) for words in template.filled(values)]
        found.append(await seconds(lambda phrases=phrases: studio.from_phrases(phrases)))  # type: ignore[misc]
    return found


async def a_minute(studio: Studio, times: int = 1) -> bytes:
    """A minute of speech, as a browser records it."""
    speech, _ = await studio.voices.speak(prepare(NOTICE).text)
    sound = resample(to_sound(speech), speech.rate, 48_000)[: 60 * 48_000]
    return encoded(np.tile(sound, times), "webm", "libopus")


async def kept(media: FolderMedia, recording: bytes, number: int) -> str:
    """On the shelf under a name of its own, with a byte that makes it another file."""
    key = f"recordings/{number}"
    await media.put(key, recording + bytes([number]), "audio/webm")
    return key


async def memory() -> Figures:
    """The highest that a child process came to over an upload of ten minutes."""
    async with a_studio() as (studio, media):
        key = await kept(media, await a_minute(studio, 10), 0)
        taken = await seconds(lambda: studio.from_recording(key))
        peaks = [peak_mb(child.pid) for child in psutil.Process().children()]
        return {"peak_mb": round(max(peaks)), "ten_minutes_s": round(taken, 1)}


def peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def median(times: list[float], factor: float = 1.0) -> float:
    return round(statistics.median(times) * factor, 3)


async def intelligibility(console: Console) -> Figures:
    """Which of thirteen sentences it was, twice, by telephone and through an old ear."""
    listener = ear()
    if isinstance(listener, str):
        console.print(f"[yellow]Intelligibility skipped: {escape(listener)}[/]")
        return {"forced_choice_skipped": listener}
    sentences = [line.split("\t")[1].replace("\\n", " ") for line in CORPUS.read_text("utf-8").splitlines()]
    chosen = [prepare(one).text for one in sentences if 20 < len(one) < 45][: 2 * CHOICES]
    right = old = 0
    async with a_studio() as (studio, media):
        for number, sentence in enumerate(chosen):
            start = number // CHOICES * CHOICES
            choices = chosen[start : start + CHOICES]
            rendered = await studio.from_script(sentence)
            sound, rate = decoded(await media.get(rendered.files["telephone"].key))
            right += listener.choose(sound, rate, choices) == number - start
            old += listener.choose(with_hearing_loss(sound, rate), rate, choices) == number - start
    return {
        "forced_choice_right": right,
        "forced_choice_total": len(chosen),
        "forced_choice_right_hearing_loss": old,
    }


# --- report -----------------------------------------------------------------------------------


def is_met(value: object, goal: str) -> bool:
    sign, limit = goal.split()
    assert isinstance(value, int | float)
    tests = {"<=": value <= float(limit), "<": value < float(limit), ">=": value >= float(limit)}
    return tests[sign]


def table(figures: Figures) -> Table:
    shown = Table("figure", "value", "wanted", "")
    for name, goal in GOALS.items():
        if name in figures:
            mark = "[green]ok[/]" if is_met(figures[name], goal) else "[red]missed[/]"
            shown.add_row(name, str(figures[name]), goal, mark)
    for name in (
        "render_cpu_s",
        "template_cpu_ms",
        "forced_choice_total",
        "forced_choice_right_hearing_loss",
        "ten_minutes_s",
    ):
        if name in figures:
            shown.add_row(name, str(figures[name]), "", "")
    return shown


async def measure(console: Console) -> Figures:
    figures: Figures = {"machine": machine()}
    figures |= await speed()
    figures |= await memory()
    figures |= await asyncio.to_thread(quality)
    figures |= await intelligibility(console)
    await recordings.close()
    return figures


def main() -> None:
    console = Console()
    figures = asyncio.run(measure(console))
    path = ROOT / path_of("voice")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    console.print(table(figures))
    console.print(
        f"{path_of('voice')}; load before: {machine()['load_before']} on {machine()['cores']} cores"
    )


if __name__ == "__main__":
    main()
