"""The commands that run until they are stopped: `serve`, `worker` and `simulator`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broadcast.errors import InvalidInput
from maeul.mistakes import read_settings
from maeul.options import HOST_HELP, PORT_HELP, Data
from maeul.words import either

if TYPE_CHECKING:
    from broadcast.settings import Settings
    from channels.simulator.config import Config
    from maeul.service import Served, Simulated

SIMULATOR_FILE = "simulator.db"  # in the data folder, where the simulator is mounted


def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help=HOST_HELP)] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help=PORT_HELP)] = 8000,
    with_simulator: Annotated[
        bool,
        typer.Option(
            "--with-simulator",
            help=either("Mount the simulated carriers at /simulator.", "/simulator에 모의 통신망을 엽니다."),
        ),
    ] = False,
    data: Data = None,
) -> None:
    from maeul import logs
    from maeul.stopping import run

    logs.set_up()
    settings = read_settings(data)
    if with_simulator:
        _require_loopback(host)
    run(_serve(settings, host, port, _simulated(settings) if with_simulator else None))


async def _serve(settings: Settings, host: str, port: int, simulated: Simulated | None) -> None:
    from maeul import collector
    from maeul.service import serving
    from maeul.stopping import asked_to_stop, until_asked
    from scheduler.clock import SystemClock

    with asked_to_stop() as asked:
        async with serving(settings, SystemClock(), host=host, port=port, simulated=simulated) as served:
            await _name_county(served)
            await _greet(served)
            collector.settle()
            await until_asked(asked, served.running)


def _require_loopback(host: str) -> None:
    """The simulator's credentials are published: whoever reaches it can play every resident."""
    if host not in ("localhost", "::1") and not host.startswith("127."):
        raise InvalidInput(
            f"The simulator is only for this machine: serve it on 127.0.0.1, not on {host}.",
            f"모의 통신망은 이 컴퓨터에서만 쓸 수 있습니다. {host}가 아니라 127.0.0.1에서 여세요.",
            field="host",
        )


def _simulated(settings: Settings) -> Simulated:
    """The handsets as MAEUL_SIMULATOR_* describes them; their calls and messages are kept with the data."""
    from maeul.service import Simulated

    told = _simulator_config()
    return Simulated(
        told.preset, seed=told.seed, database=told.database or settings.data_dir / SIMULATOR_FILE
    )


async def _name_county(served: Served) -> None:
    from broadcast.store.queries.villages import VillageQueries

    maeul = served.maeul
    await VillageQueries(maeul.database, maeul.vault).name_county(maeul.settings.county_name)


async def _greet(served: Served) -> None:
    from broadcast.store.queries.accounts import AccountQueries

    url = served.url
    typer.echo(
        either(f"Maeul serves on {url} (Ctrl-C stops it)", f"마을이 {url} 에서 일합니다 (멈추려면 Ctrl-C)")
    )
    pages = [(either("Sign in", "로그인"), f"{url}/"), ("API", f"{url}/api/v1/openapi.json")]
    if served.simulator is not None:
        pages.insert(1, (either("Handsets", "모의 전화기"), f"{url}/simulator/"))
    for title, page in pages:
        typer.echo(f"  {page:<46} {title}")
    maeul = served.maeul
    if not await AccountQueries(maeul.database, maeul.vault).are_there():
        typer.echo(
            either(
                "Nobody can sign in yet: maeul user add NAME --role administrator",
                "아직 계정이 없습니다: maeul user add 이름 --role administrator",
            )
        )


def worker(data: Data = None) -> None:
    from maeul import logs
    from maeul.stopping import run

    logs.set_up()
    settings = read_settings(data)
    run(_work(settings, _shared(settings)))


async def _work(settings: Settings, public_url: str) -> None:
    """Everything but the web. Other processes wake this one through the database."""
    from broadcast.wiring import opened
    from maeul import collector
    from maeul.stopping import asked_to_stop
    from maeul.store import prepare
    from scheduler.clock import SystemClock
    from scheduler.worker import attach

    await prepare(settings)
    with asked_to_stop() as asked:
        async with opened(settings, public_url=public_url, clock=SystemClock()) as maeul:
            attach(maeul)
            collector.settle()
            async with maeul.run_background():
                typer.echo(
                    either("The worker is working (Ctrl-C stops it)", "일꾼이 일합니다 (멈추려면 Ctrl-C)")
                )
                await asked.wait()


def _shared(settings: Settings) -> str:
    """Where the providers reach the web of these workers. Raises InvalidInput where nothing is shared."""
    from broadcast.errors import InvalidInput

    if settings.database.startswith("sqlite"):
        raise InvalidInput(
            "A worker needs PostgreSQL (MAEUL_DATABASE_URL); on SQLite `maeul serve` does all the work.",
            "일꾼을 따로 두려면 PostgreSQL이 필요합니다(MAEUL_DATABASE_URL). SQLite에서는 maeul serve가 모두 합니다.",
            field="MAEUL_DATABASE_URL",
        )
    if not settings.public_url and not settings.is_simulated:
        raise InvalidInput(
            "A worker must be told where the service is reached: set MAEUL_PUBLIC_URL.",
            "서비스에 접속하는 주소를 MAEUL_PUBLIC_URL로 알려 주세요.",
            field="MAEUL_PUBLIC_URL",
        )
    return settings.public_url or "http://127.0.0.1:8000"


def simulator(
    host: Annotated[str, typer.Option(help=HOST_HELP)] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help=PORT_HELP)] = 8001,
    database: Annotated[
        Path | None,
        typer.Option(
            help=either(
                "The file that keeps calls and messages; else MAEUL_SIMULATOR_DATABASE, else memory.",
                "통화와 문자를 남길 파일. 없으면 MAEUL_SIMULATOR_DATABASE, 그것도 없으면 메모리.",
            ),
            metavar="FILE",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    from dataclasses import replace

    from maeul import logs
    from maeul.stopping import run

    logs.set_up()
    told = _simulator_config()
    run(_simulate(replace(told, database=database or told.database), host, port))


async def _simulate(config: Config, host: str, port: int) -> None:
    from channels.simulator import app as carriers
    from maeul.service import bound, listened, web_address
    from maeul.stopping import asked_to_stop, until_asked

    with asked_to_stop() as asked, bound(host, port) as listening:
        url = web_address(host, listening)
        async with listened(carriers.create(config), listening) as (_, running):
            typer.echo(either(f"The handsets are on {url}/", f"모의 전화기는 {url}/ 에 있습니다"))
            await until_asked(asked, running)


def _simulator_config() -> Config:
    from broadcast.errors import InvalidInput
    from channels.simulator.config import Config

    try:
        return Config.from_env()
    except ValueError:
        raise InvalidInput(
            "MAEUL_SIMULATOR_SEED must be a whole number, MAEUL_SIMULATOR_PRESET county, quick or manual.",
            "MAEUL_SIMULATOR_SEED는 정수, MAEUL_SIMULATOR_PRESET은 county, quick, manual 중 하나여야 합니다.",
        ) from None


def register(app: typer.Typer) -> None:
    app.command(help=either("Serve the pages, the API and everything behind them.", "서비스를 시작합니다."))(
        serve
    )
    app.command(help=either("Work beside `serve` (PostgreSQL only).", "serve를 돕습니다 (PostgreSQL 전용)."))(
        worker
    )
    app.command(help=either("Simulate carriers and handsets.", "통신사와 전화기를 흉내 냅니다."))(simulator)
