"""The whole service with simulated carriers, at ten in the morning in Korea, and villages to try it on."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from broadcast.model import Role
from broadcast.settings import Settings
from channels.simulator.handsets import Handset
from maeul.service import Served, Simulated, serving
from scheduler.clock import SystemClock
from tests.builders import MORNING, Office, StillClock, a_resident, a_village, an_account

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


class MorningClock(SystemClock):
    """Real seconds, but telephones may ring whenever the tests are run."""

    def __init__(self) -> None:
        super().__init__()
        self._began_at = MORNING


@dataclass
class Stage:
    served: Served
    office: Office
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.served.url

    async def handset(self, address: str, handset: Handset) -> None:
        """Say how somebody behaves; the others answer at once and press 1."""
        where = f"{self.url}/simulator/control/handsets/{address}"
        async with self.http.put(where, json=handset.model_dump()) as answer:
            assert answer.status == 200, await answer.text()


@dataclass
class Scene:
    """A village of its own for one test, with its head's sign-in and its residents' numbers by name."""

    stage: Stage
    code: str
    village: str
    head: str
    people: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Stage]:
    settings = Settings(data_dir=folder)
    async with (
        aiohttp.ClientSession() as http,
        serving(settings, MorningClock(), simulated=Simulated(preset="quick")) as served,
    ):
        office = Office(served.maeul.database, served.maeul.vault, StillClock())
        await served.maeul.studio.warm()
        yield Stage(served, office, http)


async def a_scene(stage: Stage, *names: str, village: str = "샘골리", **handsets: Handset) -> Scene:
    """Residents by name, each with a telephone. The village's name is the same unless it matters, because
    its opening and ending are then rendered once. `handsets` by name say who behaves how."""
    n = next(_numbers)
    scene = Scene(stage, f"41820250{n:02}", village, f"{village} 이장 {n}")
    await a_village(stage.office, scene.code, village)
    await an_account(stage.office, scene.head, village=scene.code, password=PASSWORD)
    for name in (*names, *handsets):
        await _settle(scene, name, handsets)
    return scene


async def _settle(scene: Scene, name: str, handsets: Mapping[str, Handset]) -> None:
    number = f"+8210{next(_numbers):08}"
    scene.people[name] = number
    await a_resident(scene.stage.office, village=scene.code, name=name, phone=number)
    if name in handsets:
        await scene.stage.handset(number, handsets[name])


async def an_officer(stage: Stage) -> str:
    name = f"재난 담당 {next(_numbers)}"
    await an_account(stage.office, name, Role.DISASTER_OFFICER, village=None, password=PASSWORD)
    return name
