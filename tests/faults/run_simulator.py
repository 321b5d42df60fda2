"""The fake carrier as a process of its own on the shared clock: run_simulator.py CLOCK PORT SERVICE_URL."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import uvicorn

from channels.simulator.app import create
from channels.simulator.config import Config
from tests.faults.clock import SharedClock


def main(clock: Path, port: int, service_url: str) -> None:
    config = replace(Config.for_service(service_url, clock=SharedClock(clock)), preset="quick")
    uvicorn.run(
        create(config),
        host="127.0.0.1",
        port=port,
        access_log=False,
        date_header=False,
        server_header=False,
        log_config=None,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
