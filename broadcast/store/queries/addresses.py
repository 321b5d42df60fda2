"""Addresses: kept once, sealed, found by their blind index."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from broadcast.model import AddressId
from broadcast.people.residents import Contact
from broadcast.store.unit import run
from broadcast.store.vault import Vault, masked

# DO UPDATE that changes nothing, because DO NOTHING returns no id.
KEEP = """
INSERT INTO address (kind, blind_index, ciphertext, masked, can_ring, can_sms)
VALUES (:kind, :blind, :sealed, :masked, :can_ring, :can_sms)
ON CONFLICT (kind, blind_index) DO UPDATE SET kind = excluded.kind
RETURNING id
"""


async def keep(connection: AsyncConnection, vault: Vault, contact: Contact) -> AddressId:
    """The id of this address, which may be other people's already."""
    found = await run(
        connection,
        KEEP,
        kind=contact.kind.value,
        blind=vault.blind(contact.kind.value, contact.value),
        sealed=vault.seal(contact.value),
        masked=masked(contact.value),
        can_ring=contact.can_ring,
        can_sms=contact.can_sms,
    )
    return AddressId(int(found.scalar_one()))
