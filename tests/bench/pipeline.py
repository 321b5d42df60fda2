"""`make bench`: SMS deliveries through the whole pipeline, beside the same client without a store.

Every run of a store has a run of the bare client right before it, because a machine's pace drifts; the ratio is
of such a pair. The bare client is the same adapter on the same session with as many requests at once, given
finished messages.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

from broadcast.dispatch import Limits
from broadcast.model import Accepted, Message
from broadcast.ports import Sender
from broadcast.settings import Settings
from broadcast.store.unit import Database, fetch
from broadcast.wiring import opened
from channels.registry import build
from maeul import collector
from scheduler.worker import attach
from tests import postgres
from tests.bench import results, sink
from tests.bench.cores import core_for_sink
from tests.bench.sink import Sink
from tests.bench.town import TEXT, MorningClock, prepare
from tests.channels.rig import a_message

LOOK_S = 0.03
STORES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Run:
    """One pair of measurements, in deliveries a second."""

    deliveries_per_s: float
    no_store_per_s: float

    @property
    def ratio(self) -> float:
        return self.deliveries_per_s / self.no_store_per_s


@dataclass(frozen=True, slots=True)
class Bench:
    folder: Path
    sink: Sink
    size: int
    limits: Limits
    postgres_url: str

    # --- databases ---

    def settings(self, url: str) -> Settings:
        return Settings.model_validate(
            {
                "data_dir": self.folder,
                "database_url": url,
                "secret_key": base64.b64encode(bytes(range(32))).decode(),
                "carriers": "twilio_sms",
            }
        )

    @asynccontextmanager
    async def template(self, store: str) -> AsyncIterator[str]:
        """A database with everything queued, to be copied for each run."""
        if store == "sqlite":
            url = f"sqlite+aiosqlite:///{self.folder / 'template.db'}"
            await prepare(self.settings(url), self.size)
            yield url
            return
        url = await postgres.fresh_database(self.postgres_url)
        await prepare(self.settings(url), self.size)
        yield url
        await postgres.drop_database(self.postgres_url, url)

    @asynccontextmanager
    async def copied(self, template: str) -> AsyncIterator[str]:
        if template.startswith("sqlite"):
            path = self.folder / "run.db"
            shutil.copy(self.folder / "template.db", path)
            yield f"sqlite+aiosqlite:///{path}"
            for left in self.folder.glob("run.db*"):
                left.unlink()
            return
        url = await postgres.fresh_database(self.postgres_url, template.rpartition("/")[2])
        yield url
        await postgres.drop_database(self.postgres_url, url)

    # --- measurements ---

    async def pipeline(self, template: str) -> float:
        """Deliveries a second from the worker's start until the last outcome is written back."""
        async with self.copied(template) as url:
            before = self.sink.count()
            clock = MorningClock()
            async with opened(
                self.settings(url), public_url="http://127.0.0.1", clock=clock, limits=self.limits
            ) as maeul:
                worker = attach(maeul)
                began = time.perf_counter()
                async with worker.running():
                    while not await _all_sent(maeul.database):  # noqa: ASYNC110 (a look a moment)
                        await asyncio.sleep(LOOK_S)
                    took = time.perf_counter() - began
                await _require_complete(maeul.database, self.size)
            assert self.sink.count() - before == self.size, "not one request a delivery"
        return self.size / took

    async def bare(self) -> float:
        """Requests a second of the same adapter with as many at once, and nothing kept."""
        connector = aiohttp.TCPConnector(limit=1_000)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            sender = build("twilio_sms", http=http, public_url="http://127.0.0.1")
            messages = [
                a_message("twilio_sms", n, to=f"+8210{20_000_000 + n}", text=TEXT) for n in range(self.size)
            ]
            waiting = iter(messages)
            at_once = self.limits.concurrency - self.limits.reserved
            began = time.perf_counter()
            await asyncio.gather(*(_send_each(sender, waiting) for _ in range(at_once)))
            return self.size / (time.perf_counter() - began)


async def _send_each(sender: Sender, waiting: Iterator[Message]) -> None:
    for message in waiting:
        (outcome,) = await sender.send([message])
        assert isinstance(outcome, Accepted), outcome


async def _all_sent(database: Database) -> bool:
    async with database.read() as connection:
        return not await fetch(
            connection,
            "SELECT 1 FROM delivery WHERE broadcast_id = 1 AND state IN ('queued', 'claimed', 'sending') LIMIT 1",
        )


async def _require_complete(database: Database, size: int) -> None:
    """Nothing was left out to be fast: every delivery is sent, with one accepted attempt."""
    async with database.read() as connection:
        (row,) = await fetch(
            connection,
            "SELECT COUNT(*) AS n, COUNT(DISTINCT t.reference) AS sids FROM delivery d"
            " JOIN attempt t ON t.id = d.attempt_id WHERE d.state = 'sent' AND t.outcome = 'accepted'",
        )
        (attempts,) = await fetch(connection, "SELECT COUNT(*) AS n FROM attempt")
    assert (row.n, row.sids, attempts.n) == (size, size, size), (row, attempts)


# --- the run ----------------------------------------------------------------------------------


async def measure(bench: Bench, stores: Sequence[str], runs: int, console: Console) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {store: [] for store in stores}
    async with AsyncExitStack() as stack:
        templates: dict[str, str] = {}
        for store in stores:
            console.print(f"{store}: {bench.size:,} residents, one broadcast, fanned out")
            templates[store] = await stack.enter_async_context(bench.template(store))
        await bench.bare()  # the first one of all is slower
        collector.settle()  # for both, as `maeul serve` does
        for number in range(runs):
            for store in stores:
                no_store = await bench.bare()
                run = Run(await bench.pipeline(templates[store]), no_store)
                found[store].append(run)
                console.print(
                    f"run {number + 1}, {store}: {run.deliveries_per_s:,.0f} deliveries/s,"
                    f" without a store {run.no_store_per_s:,.0f}/s, ratio {run.ratio:.2f}"
                )
    return found


def figures(runs: Sequence[Run], bench: Bench) -> dict[str, object]:
    return {
        "deliveries_per_s": round(statistics.median(run.deliveries_per_s for run in runs)),
        "no_store_per_s": round(statistics.median(run.no_store_per_s for run in runs)),
        "ratio_no_store": round(statistics.median(run.ratio for run in runs), 3),
        "runs": [
            {
                "deliveries_per_s": round(run.deliveries_per_s),
                "no_store_per_s": round(run.no_store_per_s),
                "ratio_no_store": round(run.ratio, 3),
            }
            for run in runs
        ],
        "deliveries": bench.size,
        "sink": bench.sink.name,
        "concurrency": bench.limits.concurrency - bench.limits.reserved,
    }


def show(found: dict[str, list[Run]], console: Console) -> None:
    table = Table(title="Deliveries through the whole pipeline (medians)")
    table.add_column("store")
    for name in ("deliveries/s", "client without a store /s", "ratio", "ratios of the runs"):
        table.add_column(name, justify="right")
    for store, runs in found.items():
        table.add_row(
            store,
            f"{statistics.median(run.deliveries_per_s for run in runs):,.0f}",
            f"{statistics.median(run.no_store_per_s for run in runs):,.0f}",
            f"{statistics.median(run.ratio for run in runs):.2f}",
            " ".join(f"{run.ratio:.2f}" for run in runs),
        )
    console.print(table)


def environment(sink_url: str) -> dict[str, str]:
    return {
        "MAEUL_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "MAEUL_TWILIO_AUTH_TOKEN": "0" * 32,
        "MAEUL_TWILIO_FROM": "+82310000000",
        "MAEUL_TWILIO_API_BASE_URL": sink_url,
    }


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=10_000, help="deliveries a run")
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs for each store")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    return parser.parse_args()


def main() -> None:
    chosen, console = asked(), Console()
    for name in [name for name in os.environ if name.startswith("MAEUL_") and "TEST" not in name]:
        del os.environ[name]  # what is measured does not depend on who measures
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maeul-bench-")))
        url = ""
        if "postgresql" in chosen.stores:
            url = stack.enter_context(postgres.server(fsync="on", full_page_writes="on"))
        answering = stack.enter_context(sink.running(core_for_sink()))
        os.environ.update(environment(answering.url))
        bench = Bench(folder, answering, chosen.size, Limits(), url)
        found = uvloop.run(measure(bench, chosen.stores, chosen.runs, console))
        show(found, console)
        for store, runs in found.items():
            results.keep("dispatch", store, figures(runs, bench))
        console.print(f"written to {results.path_of('dispatch')}")


if __name__ == "__main__":
    main()
