"""Keeps the sink to one core, where the system lets us choose."""

from __future__ import annotations

import os


def cores() -> list[int]:
    """The cores that this process may use, in order."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to(core: int | None) -> None:
    """Run the calling process on one core; None, or a system without the notion: anywhere."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def core_for_sink() -> int | None:
    """The last core; None where there is only one. What is measured runs where the system puts it, as in use."""
    there = cores()
    return there[-1] if len(there) > 1 else None
