"""A town, its service and its fake carrier in processes of their own, on one clock that this one moves."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from broadcast.model import Role
from broadcast.store.queries.leases import LeaseQueries
from broadcast.store.unit import Database, fetch
from broadcast.store.vault import Vault
from tests.builders import MORNING, Office, StillClock, a_token, an_account
from tests.faults import town
from tests.faults.clock import SharedClock
from tests.faults.processes import Part, free_port
from tests.faults.town import Home

SECRET = bytes(range(32))
LEASE_S = 20  # longer than a request may take
DOWN = timedelta(seconds=61)  # how long the service is down by the shared clock: leases and keys run out
LATENCY_S = 0.15
QUIET_S = 0.4
ENDS_WITHIN_S = 150

FINGERPRINT = """
    SELECT (SELECT COUNT(*) FROM receipt) AS receipts, (SELECT COUNT(*) FROM attempt) AS attempts,
           (SELECT SUM(updated_at) FROM delivery) AS moved, (SELECT SUM(deadline_at) FROM reach) AS deadlines,
           (SELECT COUNT(*) FROM attempt WHERE settled) AS settled,
           (SELECT SUM(lease_until) FROM delivery) AS leases
"""

# DESIGN, "Lost": nobody works for the person any more and no tick will.
LOST = """
    SELECT r.id, r.state, b.state AS broadcast FROM reach r JOIN broadcast b ON b.id = r.broadcast_id
    WHERE r.state = 'open' AND r.deadline_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
                      WHERE l.reach_id = r.id
                      AND d.state IN ('held','queued','claimed','sending','unconfirmed','sent'))
"""

Json = dict[str, Any]


@dataclass
class Rig:
    clock: SharedClock
    service: Part
    carrier: Part
    service_url: str
    carrier_url: str
    database: Database
    vault: Vault
    http: aiohttp.ClientSession
    token: str
    chance: random.Random
    homes: list[Home] = field(default_factory=list)
    broadcasts: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    struck: Counter[str] = field(default_factory=Counter)  # in which states the kills found deliveries

    # --- the service ---

    async def start(self) -> None:
        self.service.start()
        await self._answers(self.service, self.service_url + "/healthz")

    async def kill(self) -> None:
        """The service dies; by the shared clock it is down for a minute."""
        self.service.kill()
        self.kills += 1
        await self.require_none_lost()
        for row in await self.rows("SELECT state, COUNT(*) AS n FROM delivery GROUP BY state"):
            self.struck[row["state"]] += row["n"]
        self.clock.move_to(self.clock.now() + DOWN)

    async def submit(self, key: str, broadcast: Json) -> bool:
        """Post a broadcast; False if the service died over it. May be asked again with the same key."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        try:
            async with self.http.post(
                f"{self.service_url}/api/v1/broadcasts", json=broadcast, headers=headers
            ) as reply:
                body = await reply.json()
        except (aiohttp.ClientError, TimeoutError):
            return False
        if reply.status == 409:  # the request that died has the key until its time is over
            return False
        assert reply.status == 202, body
        self.broadcasts[key] = body["id"]
        return True

    # --- the carrier ---

    async def control(self, method: str, path: str, body: object = None) -> Json:
        async with self.http.request(method, f"{self.carrier_url}/control{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            return dict(await reply.json())

    async def latency(self, seconds: float) -> None:
        callbacks = {"retries": 5_000, "retry_after_s": 0.3}
        await self.control("PUT", "/carrier", {"latency_s": seconds, "callbacks": callbacks})

    # --- looking ---

    async def rows(self, sql: str, **params: object) -> list[Mapping[str, Any]]:
        async with self.database.read() as connection:
            return [dict(row._mapping) for row in await fetch(connection, sql, **params)]

    async def require_none_lost(self) -> None:
        assert await self.rows(LOST) == []

    async def is_over(self) -> bool:
        rows = await self.rows("SELECT state FROM broadcast WHERE state NOT IN ('done', 'expired')")
        live = await self.rows(
            "SELECT 1 FROM delivery WHERE state IN ('held','queued','claimed','sending','unconfirmed','sent')"
        )
        return not rows and not live

    async def calls_may_go(self, within_s: float = 10) -> None:
        """Until every broadcast has its sound, so that telephones ring."""
        end = time.monotonic() + within_s
        silent = "SELECT 1 FROM broadcast WHERE voice_state = 'pending'"
        while await self.rows(silent) and time.monotonic() < end:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)

    async def finish(self) -> None:
        """Let everything come to its end: time jumps to the next moment whenever nothing goes on."""
        leases = LeaseQueries(self.database, self.vault)
        deadline = time.monotonic() + ENDS_WITHIN_S
        while not await self.is_over():
            self.service.require_sound()
            assert time.monotonic() < deadline, await self._why_not_over()
            await self.require_none_lost()
            if await self._is_quiet() and (moment := await leases.next_moment()) is not None:
                self.clock.move_to(moment + timedelta(seconds=5))
        while (await self.control("GET", "/carrier"))["in_progress"]:
            assert time.monotonic() < deadline, "the carrier does not come to rest"
            await asyncio.sleep(0.05)

    async def _is_quiet(self) -> bool:
        before = await self._fingerprint()
        await asyncio.sleep(QUIET_S)
        under_way = (await self.control("GET", "/carrier"))["in_progress"]
        return not under_way and before == await self._fingerprint()

    async def _fingerprint(self) -> list[Mapping[str, Any]]:
        return await self.rows(FINGERPRINT)

    async def _why_not_over(self) -> str:
        states = await self.rows("SELECT channel, state, COUNT(*) AS n FROM delivery GROUP BY channel, state")
        reaches = await self.rows("SELECT state, COUNT(*) AS n FROM reach GROUP BY state")
        under_way = (await self.control("GET", "/carrier"))["in_progress"]
        return f"not over: {states} {reaches} carrier: {under_way}\n{self.service.tail()}"

    async def _answers(self, part: Part, url: str) -> None:
        """Until a process that was just started answers."""
        while True:
            part.require_sound()
            try:
                async with self.http.get(url) as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def rigged(url: str, folder: Path, *, villages: int, size: int, seed: int) -> AsyncIterator[Rig]:
    """`url`: a migrated database. The carrier runs, the service does not yet."""
    clock_file = folder / "clock"
    clock = SharedClock(clock_file)
    clock.move_to(_next_morning())
    ports = free_port(), free_port()
    service_url, carrier_url = (f"http://127.0.0.1:{port}" for port in ports)
    settings = {
        "MAEUL_DATA_DIR": str(folder),
        "MAEUL_DATABASE_URL": url,
        "MAEUL_SECRET_KEY": base64.b64encode(SECRET).decode(),
        "MAEUL_SIMULATOR_URL": carrier_url,
        "MAEUL_LEASE_SECONDS": str(LEASE_S),
    }
    service = Part(
        "tests.faults.run_service", [str(clock_file), str(ports[0])], folder / "service.log", settings
    )
    carrier = Part(
        "tests.faults.run_simulator", [str(clock_file), str(ports[1]), service_url], folder / "carrier.log"
    )
    async with AsyncExitStack() as stack:
        stack.callback(carrier.stop)
        stack.callback(service.stop)
        database, vault = Database(url), Vault.from_secret(SECRET)
        stack.push_async_callback(database.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        token = await _token(database, vault, clock)
        rig = Rig(
            clock, service, carrier, service_url, carrier_url, database, vault, http, token,
            random.Random(seed),
        )  # fmt: skip
        rig.homes = await town.settle(database, vault, clock, town.homes(villages, size))
        carrier.start()
        await rig._answers(carrier, carrier_url + "/control/carrier")
        handsets = {home.number: home.handset.model_dump() for home in rig.homes if home.handset}
        await rig.control("PUT", "/handsets", handsets)
        await rig.latency(LATENCY_S)
        yield rig


async def _token(database: Database, vault: Vault, clock: SharedClock) -> str:
    office = Office(database, vault, StillClock(clock.now()))
    return await a_token(office, await an_account(office, "office", Role.ADMINISTRATOR, village=None))


def _next_morning() -> datetime:
    """Ten o'clock in Korea on a day to come: calls may ring, and nothing is due soon by the hour."""
    day = datetime.now(UTC).date() + timedelta(days=2)
    return datetime.combine(day, MORNING.timetz())
