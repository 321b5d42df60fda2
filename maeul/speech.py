"""The commands `script` and `say`: how a text is read aloud, on the screen and as sound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broadcast.errors import InvalidInput
from maeul.words import either

if TYPE_CHECKING:
    from voice.script import Script

Text = Annotated[str, typer.Argument(help=either("The announcement.", "방송할 글."), show_default=False)]
Out = Annotated[
    Path,
    typer.Option(
        help=either("The WAV file to write.", "만들 WAV 파일."), metavar="FILE.wav", show_default=False
    ),
]
Telephone = Annotated[
    bool,
    typer.Option(
        "--telephone",
        help=either("As a telephone carries it: 8 kHz G.711.", "전화로 들리는 소리: 8 kHz G.711."),
    ),
]
Engine = Annotated[
    str, typer.Option(help=either("The speech engine: espeak, gtts.", "음성 엔진: espeak, gtts."))
]


def script(text: Text) -> None:
    typer.echo(_prepared(text).text)


def say(text: Text, out: Out, telephone: Telephone = False, engine: Engine = "espeak") -> None:
    if out.suffix.lower() != ".wav":
        raise InvalidInput(
            "Only WAV files are written; end the name in .wav.",
            "WAV 파일만 만듭니다. 이름 끝을 .wav로 하세요.",
        )
    seconds = asyncio.run(_spoken(_prepared(text), out, telephone, engine))
    typer.echo(either(f"{out}: {seconds:.1f} s", f"{out}: {seconds:.1f}초"))


def _prepared(text: str) -> Script:
    from voice.script import prepare

    prepared = prepare(text)
    if prepared.unread:
        left_out = ", ".join(prepared.unread)
        typer.echo(either(f"Not read aloud: {left_out}", f"읽지 않는 것: {left_out}"), err=True)
    return prepared


async def _spoken(prepared: Script, out: Path, telephone: bool, engine: str) -> float:
    from broadcast.ports import EngineFailed
    from voice.engines import engines
    from voice.rendering import wav
    from voice.speak import Voices

    voices = Voices(engines([engine]))
    try:
        speech, _ = await voices.speak(prepared.text)
    except EngineFailed as failure:
        raise InvalidInput(
            f"The engine could not speak this text: {failure}.",
            f"음성 엔진이 이 글을 읽지 못했습니다: {failure}.",
        ) from None
    finally:
        await voices.close()
    file = await asyncio.to_thread(wav, speech, is_telephone=telephone)
    await asyncio.to_thread(_write, out, file.data)
    return file.seconds


def _write(out: Path, data: bytes) -> None:
    try:
        out.write_bytes(data)
    except OSError as error:
        raise InvalidInput(
            f"{out} cannot be written: {error.strerror}.", f"{out} 파일을 쓸 수 없습니다: {error.strerror}."
        ) from None


def register(app: typer.Typer) -> None:
    app.command(help=either("Show how a text is read aloud.", "글을 어떻게 소리 내어 읽는지 보여 줍니다."))(
        script
    )
    app.command(help=either("Read a text aloud into a sound file.", "글을 읽어 소리 파일로 만듭니다."))(say)
