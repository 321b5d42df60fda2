"""The service as a process of its own on the shared clock: run_service.py CLOCK PORT, settings by environment."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import uvloop

from broadcast.settings import Settings
from maeul.service import serving
from tests.faults.clock import SharedClock


async def main(clock: Path, port: int) -> None:
    async with serving(Settings(), SharedClock(clock), port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
