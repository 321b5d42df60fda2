"""Tables of a broadcast and its way: reaches, deliveries, attempts, receipts, clips, errands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from broadcast.store import people_tables
from broadcast.store.columns import BigId, Instant

__all__ = [
    "Attempt", "Broadcast", "BroadcastVillage", "Clip", "Delivery", "DeliveryReach", "Errand",
    "HelpRequest", "Reach", "Receipt", "Recording", "people_tables",
]  # fmt: skip

FILL = {"postgresql_with": {"fillfactor": 80}}
EAGER_VACUUM = {
    "postgresql_with": {
        "fillfactor": 80,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_analyze_scale_factor": 0.02,
    }
}


class Recording(SQLModel, table=True):
    """An uploaded recording; the bytes lie in the media store under `key`."""

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    account_id: int = Field(sa_column=Column(BigId, ForeignKey("account.id"), nullable=False))
    key: str
    sha256: bytes = Field(sa_type=LargeBinary)
    content_type: str
    size: int = Field(sa_type=BigInteger)
    seconds: float
    truncated: bool = False
    created_at: datetime = Field(sa_type=Instant)


class Broadcast(SQLModel, table=True):
    """One announcement as approved. `generation` rises when what is not handed over must not go out."""

    __table_args__ = (
        CheckConstraint(
            "approved_by IS NULL OR approved_by <> author_id"
            " OR COALESCE(approval_basis, '') IN ('template','head_own_village')"
            " OR (approval_basis = 'not_actual' AND cap_status <> 'Actual')",
            name="ck_broadcast_approval",
        ),
        CheckConstraint("priority <> 0 OR expires_at IS NOT NULL", name="ck_broadcast_expires"),
        Index("ix_broadcast_state", "state", "scheduled_at"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    state: str
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    recording_id: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("recording.id")))
    language: str = "ko"
    priority: int
    category: str
    cap_status: str = "Actual"
    msg_type: str = "Alert"
    severity: str | None = None
    urgency: str | None = None
    certainty: str | None = None
    response_type: str | None = None
    act_now: bool = False
    refers_to: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("broadcast.id")))
    author_id: int = Field(sa_column=Column(BigId, ForeignKey("account.id"), nullable=False))
    approved_by: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("account.id")))
    approval_basis: str | None = None
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    needs_approval: bool = False
    voice_state: str = "pending"  # pending | ready | failed
    script: str = Field(default="", sa_column=Column(Text, nullable=False))
    engine: str = ""
    seconds: float | None = None
    generation: int = 1
    round: int = 1
    fan_out_cursor: int = Field(default=0, sa_type=BigInteger)
    fan_out_total: int = 0
    created_at: datetime = Field(sa_type=Instant)
    scheduled_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    missed_list_at: datetime | None = Field(default=None, sa_type=Instant)


class BroadcastVillage(SQLModel, table=True):
    __tablename__ = "broadcast_village"
    __table_args__ = (Index("ix_broadcast_village_village", "village_id"),)
    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), primary_key=True))
    village_id: int = Field(foreign_key="village.id", primary_key=True)


class Clip(SQLModel, table=True):
    """A rendered part of a broadcast: text, slow, opening, ending (the last two per village)."""

    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), primary_key=True))
    village_id: int = Field(primary_key=True, default=0)  # 0: for all villages
    part: str = Field(primary_key=True)
    hash: str
    seconds: float


class Reach(SQLModel, table=True):
    """One row per broadcast and resident: how far this person has been brought."""

    __table_args__ = (
        UniqueConstraint("broadcast_id", "resident_id"),
        Index("ix_reach_state", "state", "broadcast_id"),
        Index("ix_reach_resident", "resident_id"),
        Index(
            "ix_reach_deadline",
            "deadline_at",
            postgresql_where=text("deadline_at IS NOT NULL"),
            sqlite_where=text("deadline_at IS NOT NULL"),
        ),
        EAGER_VACUUM,
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), nullable=False))
    resident_id: int = Field(sa_column=Column(BigId, ForeignKey("resident.id"), nullable=False))
    village_id: int
    state: str
    rung: int = 0
    started_at: datetime = Field(sa_type=Instant)
    deadline_at: datetime | None = Field(default=None, sa_type=Instant)
    heard_at: datetime | None = Field(default=None, sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    needs_help: bool = False
    on_door_list: bool = False


OPEN_CALL = "channel = 'voice' AND state IN ('sending','unconfirmed','sent')"


class Delivery(SQLModel, table=True):
    """The promise of one broadcast over one channel to one address, serving zero or more reaches."""

    __table_args__ = (
        UniqueConstraint("broadcast_id", "purpose", "subject", "address_id", "channel", "round"),
        Index(
            "ix_delivery_queued",
            "channel",
            "priority",
            "turn",
            "id",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
        Index(
            "ix_delivery_held",
            "due_at",
            postgresql_where=text("state = 'held'"),
            sqlite_where=text("state = 'held'"),
        ),
        Index(
            "ix_delivery_leased",
            "lease_until",
            postgresql_where=text("lease_until IS NOT NULL"),
            sqlite_where=text("lease_until IS NOT NULL"),
        ),
        Index(
            "ix_delivery_open_call",
            "address_id",
            postgresql_where=text(OPEN_CALL),
            sqlite_where=text(OPEN_CALL),
        ),
        Index("ix_delivery_state", "state", "broadcast_id"),
        Index("ix_delivery_address", "address_id"),
        EAGER_VACUUM,
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), nullable=False))
    purpose: str
    subject: int = Field(default=0, sa_type=BigInteger)
    address_id: int = Field(sa_column=Column(BigId, ForeignKey("address.id"), nullable=False))
    channel: str
    round: int = 1
    village_id: int
    state: str
    priority: int
    turn: int = Field(default=0, sa_type=BigInteger)
    due_at: datetime | None = Field(default=None, sa_type=Instant)  # None while held: waits for its rendition
    first_due_at: datetime = Field(sa_type=Instant)
    tries: int = 0  # attempts that count against the plan
    defers: int = 0  # hand-overs put off since the last attempt that counted
    attempt_id: int | None = Field(default=None, sa_type=BigInteger)
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    stop_asked: str | None = None
    reason: str | None = None
    updated_at: datetime = Field(sa_type=Instant)


class DeliveryReach(SQLModel, table=True):
    __tablename__ = "delivery_reach"
    __table_args__ = (Index("ix_delivery_reach_reach", "reach_id"),)
    delivery_id: int = Field(sa_column=Column(BigId, ForeignKey("delivery.id"), primary_key=True))
    reach_id: int = Field(sa_column=Column(BigId, ForeignKey("reach.id"), primary_key=True))


class Attempt(SQLModel, table=True):
    """One try at a delivery; what a call told us in pieces gathers here until it is settled."""

    __table_args__ = (
        Index("ix_attempt_delivery", "delivery_id"),
        Index("ix_attempt_reference", "provider", "reference"),
        Index(
            "ix_attempt_settle",
            "settle_at",
            postgresql_where=text("settle_at IS NOT NULL"),
            sqlite_where=text("settle_at IS NOT NULL"),
        ),
        FILL,
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    delivery_id: int = Field(sa_column=Column(BigId, ForeignKey("delivery.id"), nullable=False))
    number: int
    provider: str
    reference: str | None = None
    begun_at: datetime = Field(sa_type=Instant)
    outcome: str | None = None
    reason: str | None = None
    call_status: str | None = None
    answered_by: str | None = None
    played_at: datetime | None = Field(default=None, sa_type=Instant)
    keys: str = ""
    seconds: float | None = None
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    settle_at: datetime | None = Field(default=None, sa_type=Instant)
    settled: bool = False


class Receipt(SQLModel, table=True):
    """What a provider or a resident told us, as it came (encrypted), then applied."""

    __table_args__ = (
        UniqueConstraint("provider", "dedupe_key"),
        Index("ix_receipt_attempt", "attempt_id"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    provider: str
    dedupe_key: str
    attempt_id: int | None = Field(default=None, sa_type=BigInteger)
    kind: str
    at: datetime = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    raw_ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)


class Errand(SQLModel, table=True):
    """A short generated text with a purpose; the deliveries with the same key carry it."""

    __table_args__ = (UniqueConstraint("broadcast_id", "purpose", "subject", "round"),)
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), nullable=False))
    purpose: str
    subject: int = Field(default=0, sa_type=BigInteger)
    round: int = 1
    text_ciphertext: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=Instant)


class HelpRequest(SQLModel, table=True):
    """Somebody pressed 9 (or tapped help): who asked, in which broadcast, and whether it is settled."""

    __tablename__ = "help_request"
    __table_args__ = (UniqueConstraint("broadcast_id", "resident_id"),)
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    broadcast_id: int = Field(sa_column=Column(BigId, ForeignKey("broadcast.id"), nullable=False))
    resident_id: int = Field(sa_column=Column(BigId, ForeignKey("resident.id"), nullable=False))
    asked_at: datetime = Field(sa_type=Instant)
    owner_id: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("account.id")))
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
