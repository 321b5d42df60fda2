"""The commands `db …`: the database's schema."""

from __future__ import annotations

import asyncio

import typer

from maeul.mistakes import read_settings
from maeul.options import Data
from maeul.words import either

group = typer.Typer(no_args_is_help=True, help=either("The database.", "데이터베이스."))


@group.callback()
def schema() -> None:
    """Keeps `upgrade` a sub-command although it is the only one."""


def upgrade(data: Data = None) -> None:
    from broadcast.store.migrate import newest
    from maeul.store import prepare

    asyncio.run(prepare(read_settings(data)))
    typer.echo(either(f"The schema is current: {newest()}.", f"데이터베이스 구조가 최신입니다: {newest()}."))


def register(app: typer.Typer) -> None:
    group.command(help=either("Bring the schema up to date.", "데이터베이스 구조를 최신으로 만듭니다."))(
        upgrade
    )
    app.add_typer(group, name="db")
