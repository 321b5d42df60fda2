"""The command line `maeul`: one file a group of commands, and what every command does with mistakes."""

from __future__ import annotations

import os
import sys

import typer

from maeul import county, database, mistakes, running, showing, speech, user
from maeul.words import either

MISTAKE = 2

app = typer.Typer(
    name="maeul",
    help=either("Village broadcasts by chat, telephone and SMS.", "카카오톡, 전화, 문자로 하는 마을방송."),
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for group in (running, showing, speech, user, county, database):
    group.register(app)


def main() -> None:
    """Run the command; a mistake of the operator's is one line on standard error and ends with 2."""
    os.umask(0o077)  # the database, its copies and the recordings are nobody else's to read
    try:
        app()
    except Exception as error:
        said = mistakes.sentence(error)
        if said is None:
            raise
        typer.echo(f"maeul: {said}", err=True)
        sys.exit(MISTAKE)
