"""Log lines: a time, a level, an event's name and its fields, on standard error."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from broadcast.errors import InvalidInput

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
OURS = ("maeul", "broadcast", "voice", "channels", "scheduler", "web")
NO_FIELDS = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"}

# The last line of defence: our own lines hold no number to begin with, a third party's traceback might.
NUMBER = re.compile(
    r"(?:(?<=%2B)|(?<![0-9A-Za-z]))"
    r"(?:\+\d{8,15}|\+?82[-. ]?\(?0?\)?\d(?:[-. ]?\d){6,9}|01\d[-. ]?\d{3,4}[-. ]?\d{4}|0\d{1,2}-\d{3,4}-\d{4})(?!\d)",
    re.IGNORECASE,
)


class Lines(logging.Formatter):
    """`2026-03-04T01:00:00.000Z INFO channels.kakao push_refused status=400`"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = (f"{key}={_shown(value)}" for key, value in record.__dict__.items() if key not in NO_FIELDS)
        line = " ".join(
            (at.replace("+00:00", "Z"), record.levelname, record.name, record.getMessage(), *fields)
        )
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return without_numbers(line)


def without_numbers(text: str) -> str:
    """The text with everything masked that looks like a telephone number."""
    return NUMBER.sub("[number]", text)


def _shown(value: object) -> str:
    text = str(value)
    return repr(text) if not text or re.search(r"[\s=\"]", text) else text


def set_up(env: Mapping[str, str] = os.environ) -> None:
    """Our lines from MAEUL_LOG_LEVEL on; others only from WARNING on: their details hold SQL and addresses."""
    level = env.get("MAEUL_LOG_LEVEL", "").upper() or "INFO"
    if level not in LEVELS:
        raise InvalidInput(
            f"MAEUL_LOG_LEVEL must be one of {', '.join(LEVELS)}.",
            f"MAEUL_LOG_LEVEL 값은 {', '.join(LEVELS)} 가운데 하나여야 합니다.",
            field="MAEUL_LOG_LEVEL",
        )
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
