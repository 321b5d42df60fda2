"""What runs when something may have become due, in this order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """One pass over what is due; quick when nothing is. A true result says that there may be work to send."""

    task: str
    run: Callable[[], Awaitable[object]]
    loop: str = "ticks"  # ticks of one loop run in turn, loops run side by side
