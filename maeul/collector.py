"""Python's garbage collector, told to leave out of its rounds what start-up has made."""

from __future__ import annotations

import gc


def settle() -> None:
    """Once, when start-up is over: going through all modules again and again took a third of a busy sender's time."""
    gc.collect()
    gc.freeze()
