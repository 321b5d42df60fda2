"""Tables of the county and its people: villages, residents, guardians, addresses, consent, accounts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from broadcast.store.columns import BigId, Instant


class County(SQLModel, table=True):
    """One row: the office. `settings` is JSON that the office edits."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    zone: str = "Asia/Seoul"
    callback_number: str = ""
    settings: str = "{}"


class Township(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class Village(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    township_id: int | None = Field(default=None, foreign_key="township.id")
    polygon: str | None = None
    caller_number: str = ""
    calls_open_at: str | None = None
    head_name_ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)


class Address(SQLModel, table=True):
    """Where a channel reaches people. The value is only in the ciphertext; `blind_index` finds it."""

    __table_args__ = (UniqueConstraint("kind", "blind_index"),)
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    kind: str
    blind_index: bytes = Field(sa_type=LargeBinary)
    ciphertext: bytes = Field(sa_type=LargeBinary)
    masked: str
    can_ring: bool = False
    can_sms: bool = False
    verified_at: datetime | None = Field(default=None, sa_type=Instant)
    suppressed_at: datetime | None = Field(default=None, sa_type=Instant)
    dead_at: datetime | None = Field(default=None, sa_type=Instant)
    dead_reason: str | None = None


class Resident(SQLModel, table=True):
    """A person to be reached. Names are encrypted; `born_in` decides plans and the order of lists."""

    __table_args__ = (Index("ix_resident_village", "village_id", "id"),)
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    village_id: int = Field(foreign_key="village.id")
    name_ciphertext: bytes = Field(sa_type=LargeBinary)
    language: str = "ko"
    born_in: int | None = None
    hard_of_hearing: bool = False
    cannot_walk: bool = False
    lives_alone: bool = False
    wants_calls: bool = False
    wants_slow: bool = False
    in_drills: bool = False
    route_rank: int = 0
    absence: str | None = None
    absent_until: date | None = None
    moved_at: datetime | None = Field(default=None, sa_type=Instant)
    deceased_at: datetime | None = Field(default=None, sa_type=Instant)


class ResidentAddress(SQLModel, table=True):
    __tablename__ = "resident_address"
    __table_args__ = (Index("ix_resident_address_address", "address_id"),)
    resident_id: int = Field(sa_column=Column(BigId, ForeignKey("resident.id"), primary_key=True))
    address_id: int = Field(sa_column=Column(BigId, ForeignKey("address.id"), primary_key=True))
    rank: int = 0


class Subscription(SQLModel, table=True):
    """Consent to a village's broadcasts of one category: when, how and in which words."""

    __table_args__ = (UniqueConstraint("resident_id", "village_id", "category"),)
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    resident_id: int = Field(sa_column=Column(BigId, ForeignKey("resident.id"), nullable=False))
    village_id: int = Field(foreign_key="village.id")
    category: str
    given_at: datetime = Field(sa_type=Instant)
    given_how: str
    given_words: str = ""
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_how: str | None = None


class Guardian(SQLModel, table=True):
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    name_ciphertext: bytes = Field(sa_type=LargeBinary)
    language: str = "ko"
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class GuardianAddress(SQLModel, table=True):
    __tablename__ = "guardian_address"
    guardian_id: int = Field(sa_column=Column(BigId, ForeignKey("guardian.id"), primary_key=True))
    address_id: int = Field(sa_column=Column(BigId, ForeignKey("address.id"), primary_key=True))
    rank: int = 0


class Guardianship(SQLModel, table=True):
    """A resident agreed that this guardian listens along (`listens`) and is told when unreached (`told`)."""

    __table_args__ = (Index("ix_guardianship_guardian", "guardian_id"),)
    resident_id: int = Field(sa_column=Column(BigId, ForeignKey("resident.id"), primary_key=True))
    guardian_id: int = Field(sa_column=Column(BigId, ForeignKey("guardian.id"), primary_key=True))
    rank: int = 0
    listens: bool = True
    told: bool = True
    agreed_at: datetime | None = Field(default=None, sa_type=Instant)
    agreed_how: str = ""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Account(SQLModel, table=True):
    """Who may sign in. `address_id` is where a head's missed list goes."""

    __table_args__ = (
        CheckConstraint(
            "role IN ('head','deputy','township','county','disaster_officer','duty_room','auditor',"
            "'administrator')",
            name="ck_account_role",
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    name: str = Field(unique=True)
    role: str
    village_id: int | None = Field(default=None, foreign_key="village.id")
    township_id: int | None = Field(default=None, foreign_key="township.id")
    address_id: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("address.id")))
    password_hash: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)


class Access(SQLModel, table=True):
    """A bearer token or a page session; only its hash is kept."""

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    account_id: int = Field(sa_column=Column(BigId, ForeignKey("account.id"), nullable=False))
    kind: str  # "token" | "session"
    hash: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class Idempotency(SQLModel, table=True):
    """An answer kept for a key, so that the same request again gives the same answer (24 h)."""

    __table_args__ = (Index("ix_idempotency_created", "created_at"),)
    access_id: int = Field(sa_column=Column(BigId, primary_key=True))
    key: str = Field(primary_key=True)
    body_hash: bytes = Field(sa_type=LargeBinary)
    status: int | None = None
    answer_ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: int = Field(sa_type=BigInteger)
