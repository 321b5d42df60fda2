"""What the demo shows: progress while it plays, then a table for each broadcast and the checks in words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from broadcast.model import BroadcastId, Channel
from maeul.demo_stage import Counts, Hourglass

WIDTH = 130  # of tables where there is no terminal to ask
ROOM_FOR_WHO = 115
KOREA = ZoneInfo("Asia/Seoul")

STATES: Mapping[str, str] = {
    "open": "진행 중",
    "heard": "들음",
    "confirmed": "확인",
    "missed": "못 들음",
    "closed": "그만둠",
}
CHANNELS: Mapping[Channel, str] = {Channel.KAKAO: "카톡", Channel.VOICE: "전화", Channel.SMS: "문자"}


@dataclass(frozen=True, slots=True)
class Row:
    """One person in one broadcast; seconds are None for somebody who was never contacted."""

    name: str
    about: str
    rung: str
    channel: str
    state: str
    attempts: str
    simulated_s: float | None = None
    real_s: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Something that the demo proves. `detail`: what was counted, or what differed."""

    holds: bool
    words: str
    english: str
    detail: str = ""


class Show:
    """Progress: a live panel on a terminal, else a line for each step."""

    def __init__(self, console: Console, clock: Hourglass) -> None:
        self._console = console
        self._clock = clock
        self._began = time.monotonic()
        self._step = ""
        self._titles: dict[BroadcastId, str] = {}
        self._counts: dict[BroadcastId, Counts] = {}
        self._live = Live(get_renderable=self._panel, console=console, refresh_per_second=10, transient=True)

    def __enter__(self) -> Show:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, words: str, english: str) -> None:
        self._step = f"{words}  {english}"
        self._console.print(f"{self._moment()}  {self._step}", highlight=False)

    def follow(self, id: BroadcastId, title: str) -> None:
        self._titles[id] = title

    def look(self, id: BroadcastId, counts: Counts) -> None:
        """How far a broadcast has come; told in a line when it has come to rest."""
        was_settled = id in self._counts and self._counts[id].is_settled
        self._counts[id] = counts
        if counts.is_settled and not was_settled:
            title = self._titles.get(id, "")
            self._console.print(f"{self._moment()}    {title}: {_said(counts.reaches)}", highlight=False)

    def _moment(self) -> str:
        local = self._clock.now().astimezone(KOREA)
        return f"{local:%m-%d %H:%M:%S} (+{time.monotonic() - self._began:.1f} s)"

    def _panel(self) -> Group:
        table = Table(box=box.SIMPLE_HEAD)
        for column in ("방송 broadcast", "상태 state", "주민 residents", "전달 deliveries"):
            table.add_column(column)
        for id, title in self._titles.items():
            counts = self._counts.get(id, Counts())
            deliveries = ", ".join(f"{state} {n}" for state, n in sorted(counts.deliveries.items()))
            table.add_row(title, counts.state, _said(counts.reaches), deliveries)
        return Group(Text(f"{self._moment()}  {self._step}", style="bold"), table)


def korean(moment: str) -> datetime:
    """A moment of the carrier's log on the wall clock."""
    return datetime.fromisoformat(moment).astimezone(KOREA)


def console() -> Console:
    made = Console()
    return made if made.is_terminal else Console(width=WIDTH)


def show_tables(to: Console, tables: Sequence[tuple[str, Sequence[Row]]]) -> None:
    for title, rows in tables:
        to.print()
        to.print(_table(title, rows, shows_who=to.width >= ROOM_FOR_WHO))


def _table(title: str, rows: Sequence[Row], *, shows_who: bool) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    who = ["어떤 분\nwho"] if shows_who else []
    for column in ("주민\nresident", *who, "단계\nrung", "채널\nchannel", "상태\nstate"):
        table.add_column(column, no_wrap=True)
    for column in ("시도\nattempts", "시연\nsimulated\nseconds", "실제\nreal\nseconds"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        simulated = "–" if row.simulated_s is None else f"{row.simulated_s:,.0f}"
        real = "–" if row.real_s is None else f"{row.real_s:.2f}"
        about = [row.about] if shows_who else []
        table.add_row(row.name, *about, row.rung, row.channel, row.state, row.attempts, simulated, real)
    return table


def show_checks(to: Console, checks: Sequence[Check]) -> None:
    to.print()
    for check in checks:
        mark = Text("✓ ", "green") if check.holds else Text("✗ ", "bold red")
        detail = f"  [{check.detail}]" if check.detail else ""
        to.print(mark + Text(f"{check.words}  {check.english}{detail}"), soft_wrap=True)


def state_words(state: str) -> str:
    return f"{STATES[state]} {state}" if state in STATES else state


def channel_words(channel: Channel | None) -> str:
    return "–" if channel is None else f"{CHANNELS[channel]} {channel}"


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{STATES.get(state, state)} {n}" for state, n in sorted(counts.items()))
