"""All rules of reading numbers in the order in which they are tried.

Every pattern is anchored at its first digit or word and bounded in length, so that reading stays linear.
"""

from __future__ import annotations

import re

from voice.rules_amounts import AMOUNTS
from voice.rules_digits import LONG, SHORT
from voice.rules_when import DATES, TIMES
from voice.tokens import Say

RULES: tuple[tuple[re.Pattern[str], Say], ...] = tuple(
    (re.compile(pattern), say) for pattern, say in (*LONG, *DATES, *TIMES, *SHORT, *AMOUNTS)
)
