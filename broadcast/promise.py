"""The last look before anything is played or shown: whether what a delivery promised may still be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broadcast.lifecycle import StopReason
from broadcast.model import BroadcastState, CapStatus, DeliveryState, Priority, ResponseType

GOES_OUT = frozenset({BroadcastState.FANNING_OUT, BroadcastState.SENDING, BroadcastState.DONE})
ENDED = frozenset({DeliveryState.CANCELLED, DeliveryState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Promise:
    """A delivery as the tables have it at the moment of asking."""

    priority: Priority
    cap_status: CapStatus
    broadcast_state: BroadcastState
    expires_at: datetime
    delivery_state: DeliveryState
    stop_asked: StopReason | None = None
    response_type: ResponseType | None = None

    @property
    def is_emergency(self) -> bool:
        return self.priority is Priority.EMERGENCY

    @property
    def is_evacuation(self) -> bool:
        return self.is_emergency and self.response_type is ResponseType.EVACUATE

    def is_over(self, now: datetime) -> bool:
        """The broadcast was taken back or has expired: nobody may be told of it any more."""
        return self.broadcast_state not in GOES_OUT or self.expires_at <= now

    @property
    def is_ended(self) -> bool:
        """This delivery was taken back, or its people heard it elsewhere or were barred."""
        return self.stop_asked is not None or self.delivery_state in ENDED
