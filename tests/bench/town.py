"""A county that is reached by SMS alone, with one broadcast that is fanned out and waits to be sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from broadcast.compose import Who
from broadcast.drafts import Draft
from broadcast.model import AddressKind, Category, Priority, Role, VillageId
from broadcast.people.residents import Consent, Contact, Enrolment
from broadcast.people.villages import NewVillage
from broadcast.settings import Settings
from broadcast.store import migrate
from broadcast.store.queries.bulk import BulkQueries
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import Database, fetch
from broadcast.wiring import Maeul, opened
from scheduler.clock import SystemClock
from tests.builders import MORNING, Office, StillClock, an_account

VILLAGES = 10
SLICE = 500
TEXT = "내일 5일 오전 9시부터 낮 12시까지 단수됩니다. 물을 미리 받아 두세요."
CONSENT = Consent((Category.NOTICE,), "paper")


class MorningClock(SystemClock):
    """The machine's clock, set to ten in the morning in Korea: no quiet hours interfere."""

    def __init__(self, began_at: datetime = MORNING) -> None:
        super().__init__()
        self._began_at = began_at


async def prepare(settings: Settings, size: int) -> None:
    """Migrate, enrol `size` residents, submit, render and fan out; nothing is sent."""
    await migrate.upgrade(settings.database)
    clock = MorningClock()
    async with opened(settings, public_url="http://127.0.0.1", clock=clock) as maeul:
        await _enrol(maeul, size)
        office = Office(maeul.database, maeul.vault, StillClock(clock.now()))
        author = await an_account(office, "office", Role.ADMINISTRATOR, village=None)
        draft = Draft(
            title="단수 안내",
            villages=tuple(f"v{n}" for n in range(VILLAGES)),
            text=TEXT,
            priority=Priority.ROUTINE,
            category=Category.NOTICE,
            expires_at=clock.now() + timedelta(hours=20),
        )
        await maeul.composer.submit(draft, Who(author, Role.ADMINISTRATOR, "office"))
        await _render(maeul)
        await maeul.fan_out.run_due()
        await BulkQueries(maeul.database, maeul.vault).settle()


async def _enrol(maeul: Maeul, size: int) -> None:
    bulk, villages = BulkQueries(maeul.database, maeul.vault), VillageQueries(maeul.database, maeul.vault)
    for n in range(VILLAGES):
        new = NewVillage(f"v{n}", f"샘골{n}리", township="북면", head_name="김이장")
        village = await villages.add(new)
        share = range(n * size // VILLAGES, (n + 1) * size // VILLAGES)
        for start in range(share.start, share.stop, SLICE):
            await _some(bulk, village, f"v{n}", range(start, min(start + SLICE, share.stop)))


async def _some(bulk: BulkQueries, village: VillageId, code: str, numbers: range) -> None:
    people = [
        Enrolment(
            code,
            "박순자",
            (Contact(AddressKind.PHONE, f"+8210{20_000_000 + n}", can_sms=True),),
            CONSENT,
        )
        for n in numbers
    ]
    await bulk.enrol(village, [(person, None) for person in people], CONSENT, MORNING)


async def _render(maeul: Maeul) -> None:
    rendering = asyncio.create_task(maeul.renderer.run())
    while not await _is_scheduled(maeul.database):  # noqa: ASYNC110 (a look a moment)
        await asyncio.sleep(0.05)
    rendering.cancel()
    with suppress(asyncio.CancelledError):
        await rendering


async def _is_scheduled(database: Database) -> bool:
    async with database.read() as connection:
        return bool(await fetch(connection, "SELECT 1 FROM broadcast WHERE state = 'scheduled'"))
