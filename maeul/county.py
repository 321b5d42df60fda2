"""The command `seed`: a synthetic county, the same for the same seed."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from maeul.mistakes import read_settings
from maeul.options import Data
from maeul.words import either

if TYPE_CHECKING:
    from broadcast.settings import Settings
    from broadcast.store.queries.bulk import BulkQueries
    from broadcast.store.queries.villages import VillageQueries
    from maeul.synthetic import County

SLICE = 250  # residents a transaction: a serving process never waits for more than some 50 ms


def seed(
    villages: Annotated[int, typer.Option(help=either("How many villages.", "마을 수."))],
    residents: Annotated[int, typer.Option(help=either("How many residents in all.", "전체 주민 수."))],
    seed: Annotated[
        int, typer.Option(help=either("The same gives the same.", "같은 수는 같은 자료."))
    ] = 20261123,
    data: Data = None,
) -> None:
    from maeul.synthetic import County

    began = time.monotonic()
    county = County(villages, residents, seed)
    added = asyncio.run(_seeded(read_settings(data), county))
    took = time.monotonic() - began
    typer.echo(
        either(
            f"{villages:,} villages, {added:,} residents added in {took:.1f} s.",
            f"마을 {villages:,}곳, 주민 {added:,}명을 {took:.1f}초에 넣었습니다.",
        )
    )
    if added < residents:
        typer.echo(
            either(
                "Villages that were there already kept their residents.",
                "이미 있던 마을은 그대로 두었습니다.",
            ),
            err=True,
        )


async def _seeded(settings: Settings, county: County) -> int:
    """How many residents were added."""
    from rich.console import Console
    from rich.progress import Progress

    from broadcast.store.queries.bulk import BulkQueries
    from broadcast.store.queries.villages import VillageQueries
    from maeul.store import opened_store

    async with opened_store(settings) as database:
        bulk, places = BulkQueries(database, settings.vault()), VillageQueries(database, settings.vault())
        await places.name_county(settings.county_name)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(either("Residents", "주민"), total=county.residents)
            added = 0
            for n in range(county.villages):
                added += await _village(bulk, places, county, n)
                progress.update(task, advance=county.sizes[n])
        await bulk.settle()
    return added


async def _village(bulk: BulkQueries, places: VillageQueries, county: County, n: int) -> int:
    """Add what is missing of this village: a seed that was stopped half-way is taken up where it was."""
    from maeul.synthetic import CONSENT
    from scheduler.clock import SystemClock

    new = county.village(n)
    found = await bulk.village(new.code)
    village_id, already = found or (await places.add(new), 0)
    people = islice(county.people(n), already, None)
    added = 0
    while slice := [(person.enrolment, person.guardian) for person in islice(people, SLICE)]:
        await bulk.enrol(village_id, slice, CONSENT, SystemClock().now())
        added += len(slice)
    return added


def register(app: typer.Typer) -> None:
    app.command(
        help=either("Fill the database with a made-up county.", "가상의 군을 데이터베이스에 채웁니다.")
    )(seed)
