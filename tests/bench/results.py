"""Where figures go: build/bench/<name>.json, one object for each store, beside what machine it was."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from tests.bench.cores import cores

ROOT = Path(__file__).resolve().parents[2]
Figures = Mapping[str, object]


def path_of(name: str) -> Path:
    """Below the folder of the project."""
    return Path("build", "bench", f"{name}.json")


def keep(name: str, store: str, figures: Figures) -> None:
    """Put these figures among those that other measurements have kept for the same store."""
    path = ROOT / path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept["machine"] = machine()
    kept[store] = {**kept.get(store, {}), **figures}
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


def machine() -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": len(cores()),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
