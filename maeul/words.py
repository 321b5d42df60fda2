"""Chooses between English and Korean for what the command line says."""

from __future__ import annotations

import os
from collections.abc import Mapping


def is_korean(env: Mapping[str, str] = os.environ) -> bool:
    """As LC_ALL, LC_MESSAGES and LANG say, the first of them that is set."""
    chosen = (env.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((value for value in chosen if value), "").startswith("ko")


def either(english: str, korean: str) -> str:
    return korean if is_korean() else english
