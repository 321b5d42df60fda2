"""Use cases about villages: the county office adds them, everybody lists those that they may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import time

from broadcast.errors import InvalidInput
from broadcast.model import VillageId
from broadcast.people.numbers import parse_phone
from broadcast.roles import Holder, require_keeps_villages

EARLIEST, LATEST = time(6, 30), time(8)  # DESIGN section 4: a village may open at 06:30


@dataclass(frozen=True, slots=True)
class NewVillage:
    """`calls_open_at`: from when routine calls may ring, where that is earlier than 08:00."""

    code: str
    name: str
    township: str | None = None
    caller_number: str = ""
    calls_open_at: time | None = None
    head_name: str = field(default="", repr=False)


async def add_village(
    keep: Callable[[NewVillage], Awaitable[VillageId]], who: Holder, new: NewVillage
) -> VillageId:
    """Raises NotAllowed, InvalidInput, and Conflict for a code in use."""
    require_keeps_villages(who)
    if new.caller_number:
        number = parse_phone(new.caller_number, where="caller_number")
        new = replace(new, caller_number=number.e164)
    if new.calls_open_at is not None and not EARLIEST <= new.calls_open_at <= LATEST:
        raise InvalidInput(
            "Routine calls may begin between 06:30 and 08:00.",
            "일반 방송 전화는 06:30에서 08:00 사이에 시작할 수 있습니다.",
            field="calls_open_at",
        )
    return await keep(new)
