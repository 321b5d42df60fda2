"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maeul.words import either

Data = Annotated[
    Path | None,
    typer.Option(
        help=either(
            "The folder with database, media and key; else MAEUL_DATA_DIR, else var.",
            "데이터베이스, 음성, 열쇠를 두는 폴더. 없으면 MAEUL_DATA_DIR, 그것도 없으면 var.",
        ),
        metavar="DIR",
        file_okay=False,
        show_default=False,
    ),
]
HOST_HELP = either("The address to listen on.", "접속을 받을 주소.")
PORT_HELP = either("The port to listen on; 0 takes a free one.", "접속을 받을 포트. 0이면 빈 포트를 씁니다.")
