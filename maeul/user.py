"""The commands `user …`: accounts of those who broadcast, approve and look after the service."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from broadcast.model import Role
from maeul.mistakes import read_settings
from maeul.options import Data
from maeul.words import either

if TYPE_CHECKING:
    from broadcast.people.accounts import NewAccount
    from broadcast.settings import Settings

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when written down
PASSWORD_LETTERS, GROUP = 16, 4  # 79 bits

group = typer.Typer(no_args_is_help=True, help=either("Accounts.", "계정."))


def add(
    name: Annotated[str, typer.Argument(help=either("The name to sign in with.", "로그인할 이름."))],
    role: Annotated[Role, typer.Option(help=either("What the account may do.", "맡은 일."))],
    village: Annotated[
        str | None, typer.Option(metavar="CODE", help=either("A head's or deputy's village.", "이장의 마을."))
    ] = None,
    township: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=either("A township officer's township.", "담당자의 읍·면.")),
    ] = None,
    phone: Annotated[
        str,
        typer.Option(metavar="NUMBER", help=either("Where missed lists go.", "미수신자 명단을 받을 번호.")),
    ] = "",
    token: Annotated[
        bool,
        typer.Option(
            "--token",
            help=either(
                "Print an API token and nothing else; the account gets no password.",
                "API 토큰만 출력합니다. 비밀번호는 만들지 않습니다.",
            ),
        ),
    ] = False,
    data: Data = None,
) -> None:
    from broadcast.people.accounts import NewAccount

    password = None if token else _new_password()
    new = NewAccount(name, role, village, township, password, phone)
    given = asyncio.run(_added(read_settings(data), new))
    if password is None:
        typer.echo(given)
        return
    typer.echo(either(f"Name      {name}\nPassword  {password}", f"이름      {name}\n비밀번호  {password}"))
    typer.echo(
        either("The password is shown this once only.", "비밀번호는 지금 한 번만 보여 드립니다."), err=True
    )


async def _added(settings: Settings, new: NewAccount) -> str:
    """The new account's token; "" where it signs in with a password."""
    from broadcast.people.accounts import create_account, issue_token
    from broadcast.store.queries.accounts import AccountQueries
    from maeul.store import opened_store
    from scheduler.clock import SystemClock

    async with opened_store(settings) as database:
        store, clock = AccountQueries(database, settings.vault()), SystemClock()
        id = await create_account(store, clock, new)
        return "" if new.password else await issue_token(store, clock, id)


def disable(
    name: Annotated[str, typer.Argument(help=either("The name it signs in with.", "로그인하는 이름."))],
    data: Data = None,
) -> None:
    asyncio.run(_disabled(read_settings(data), name))
    typer.echo(
        either("Disabled; nobody is signed in with it any more.", "계정을 막고 모두 로그아웃했습니다.")
    )


async def _disabled(settings: Settings, name: str) -> None:
    from broadcast.people import accounts
    from broadcast.store.queries.accounts import AccountQueries
    from maeul.store import opened_store
    from scheduler.clock import SystemClock

    async with opened_store(settings) as database:
        await accounts.disable(AccountQueries(database, settings.vault()), SystemClock(), name)


def _new_password() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LETTERS))
    return "-".join(letters[at : at + GROUP] for at in range(0, PASSWORD_LETTERS, GROUP))


def register(app: typer.Typer) -> None:
    group.command(help=either("Add an account.", "계정을 만듭니다."))(add)
    group.command(
        help=either("End an account, its sessions and its tokens at once.", "계정과 그 접속을 모두 막습니다.")
    )(disable)
    app.add_typer(group, name="user")
