"""The command `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maeul.words import either

Keep = Annotated[
    Path | None,
    typer.Option(
        help=either("Keep the demo's data in this folder.", "시연 자료를 이 폴더에 남깁니다."),
        metavar="DIR",
        file_okay=False,
    ),
]


def demo(keep: Keep = None) -> None:
    from maeul.demo import demo as play

    play(keep)


def register(app: typer.Typer) -> None:
    app.command(
        help=either(
            "Play a village's broadcasts through the simulator; needs no account and no network.",
            "한 마을의 방송을 모의 통신망으로 시연합니다. 계정도 인터넷도 필요 없습니다.",
        )
    )(demo)
