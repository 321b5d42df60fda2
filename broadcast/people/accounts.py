"""Accounts: making them, checking passwords, giving and reading tokens and page sessions."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from broadcast.drafts import Who
from broadcast.errors import InvalidInput, NotFound
from broadcast.model import AccountId, AddressKind, Role
from broadcast.people.passwords import hash_password, matches
from broadcast.people.residents import Contact, contact
from broadcast.ports import Clock

SESSION_LIFE = timedelta(days=30)
TOKEN_MARK = "maeul_"  # so that a token is recognised where it has leaked  # noqa: S105


class AccessKind(StrEnum):
    TOKEN = "token"  # noqa: S105
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """`village` is a code (heads and deputies), `township` a name; `phone` is where missed lists go."""

    name: str
    role: Role
    village: str | None = None
    township: str | None = None
    password: str | None = field(default=None, repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody behind a valid token or session."""

    who: Who
    access_id: int
    kind: AccessKind


class AccountStore(Protocol):
    async def create(
        self, new: NewAccount, password_hash: str | None, phone: Contact | None, now: datetime
    ) -> AccountId:
        """Raises InvalidInput for an unknown village, Conflict for a name in use."""
        ...

    async def password(self, name: str) -> tuple[AccountId, str | None] | None:
        """The account of this name that may sign in, with what is kept of its password."""
        ...

    async def grant(
        self, id: AccountId, kind: AccessKind, hash: bytes, now: datetime, until: datetime | None
    ) -> None: ...

    async def holder(self, hash: bytes, now: datetime) -> SignedIn | None: ...

    async def revoke(self, hash: bytes, now: datetime) -> None: ...

    async def disable(self, name: str, now: datetime) -> bool: ...


async def create_account(store: AccountStore, clock: Clock, new: NewAccount) -> AccountId:
    """Raises InvalidInput where the role and what is given do not fit, Conflict for a name in use."""
    _check(new)
    phone = contact(AddressKind.PHONE, new.phone, where="phone") if new.phone else None
    password_hash = await hash_password(new.password) if new.password is not None else None
    return await store.create(new, password_hash, phone, clock.now())


def _check(new: NewAccount) -> None:
    if not new.name.strip() or len(new.name) > 80 or not new.name.isprintable():
        raise InvalidInput(
            "An account's name has 1 to 80 characters.", "이름은 1자 이상 80자 이하여야 합니다.", field="name"
        )
    if new.role in (Role.HEAD, Role.DEPUTY) and not new.village:
        raise InvalidInput(
            "A head or deputy needs a village.", "이장과 부이장은 마을이 있어야 합니다.", field="village"
        )
    if new.role is Role.TOWNSHIP and not new.township:
        raise InvalidInput(
            "A township officer needs a township.", "읍·면 담당자는 읍·면이 있어야 합니다.", field="township"
        )


async def check_password(store: AccountStore, name: str, password: str) -> AccountId | None:
    """The account if name and password are right. Takes as long for a name that does not exist."""
    found = await store.password(name)
    is_right = await matches(password, found[1] if found else None)
    return found[0] if found and is_right else None


async def disable(store: AccountStore, clock: Clock, name: str) -> None:
    """End an account at once, with all its sessions and tokens. Raises NotFound."""
    if not await store.disable(name, clock.now()):
        raise NotFound("There is no such account.", "그런 계정이 없습니다.", field="name")


async def issue_token(store: AccountStore, clock: Clock, id: AccountId) -> str:
    """A new bearer token; it is shown once, only its hash is kept."""
    token = TOKEN_MARK + secrets.token_urlsafe(32)
    await store.grant(id, AccessKind.TOKEN, _hash(token), clock.now(), None)
    return token


async def open_session(store: AccountStore, clock: Clock, id: AccountId) -> str:
    """The value of a page's cookie, good for 30 days."""
    value = secrets.token_urlsafe(32)
    now = clock.now()
    await store.grant(id, AccessKind.SESSION, _hash(value), now, now + SESSION_LIFE)
    return value


async def holder_of(store: AccountStore, clock: Clock, secret: str) -> SignedIn | None:
    """Who holds this token or cookie value; None if it is strange, ended or revoked."""
    return await store.holder(_hash(secret), clock.now())


async def revoke(store: AccountStore, clock: Clock, secret: str) -> None:
    await store.revoke(_hash(secret), clock.now())


def _hash(secret: str) -> bytes:
    # 32 random bytes need no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
