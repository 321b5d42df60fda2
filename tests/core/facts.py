"""Deliveries and attempts as values, for tests of the rules that work on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadcast.model import (
    AddressId,
    AttemptId,
    BroadcastId,
    Category,
    Channel,
    DeliveryId,
    DeliveryState,
    Priority,
    Purpose,
)
from broadcast.outcomes import Decider
from broadcast.work import AttemptFacts, DeliveryFacts

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # 10:00 in Korea
DECIDER = Decider(ZoneInfo("Asia/Seoul"))
OPEN = AttemptId(7)

_DELIVERY = DeliveryFacts(
    id=DeliveryId(1),
    broadcast_id=BroadcastId(1),
    purpose=Purpose.ANNOUNCEMENT,
    channel=Channel.VOICE,
    priority=Priority.ROUTINE,
    category=Category.NOTICE,
    act_now=False,
    state=DeliveryState.SENDING,
    attempt_id=OPEN,
    address_id=AddressId(1),
    tries=1,
    defers=0,
    first_due_at=NOW,
    stop_asked=None,
    reason=None,
    expires_at=NOW + timedelta(days=2),
    opens_at=None,
    turn=5,
    lease_until=NOW + timedelta(seconds=60),
)
_ATTEMPT = AttemptFacts(OPEN, DeliveryId(1), "twilio_voice", None, NOW)


def a_delivery(state: DeliveryState = DeliveryState.SENDING, **facts: Any) -> DeliveryFacts:
    """A call of a routine broadcast on the wire, at ten in the morning, unless said otherwise."""
    return replace(_DELIVERY, state=state, **facts)


def an_attempt(**facts: Any) -> AttemptFacts:
    return replace(_ATTEMPT, **facts)
