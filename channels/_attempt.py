"""Our attempt id as a provider hands it back: in a callback's path or in a free field."""

from __future__ import annotations

import re

from broadcast.model import AttemptId

LARGEST = 2**63 - 1  # what a database's whole number holds


def attempt_id(text: str) -> AttemptId | None:
    """None if this is no attempt id of ours."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > LARGEST:
        return None
    return AttemptId(int(text))
