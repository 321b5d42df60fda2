"""A town whose households behave in known ways, so that the end of every broadcast is known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from broadcast.model import AddressKind, Category, ResidentId
from broadcast.people.residents import Consent, Contact, Enrolment
from broadcast.people.villages import NewVillage
from broadcast.ports import Clock
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import Database
from broadcast.store.vault import Vault
from channels.simulator.handsets import QUICK_CALL, Handset


class Kind(StrEnum):
    CHAT = "chat"  # taps that it was heard; a call reaches them too
    ANSWERS = "answers"  # picks up and presses 1
    COUPLE = "couple"  # two people, one telephone
    BUSY_FIRST = "busy_first"
    NEVER = "never"  # never picks up
    TEXTED = "texted"  # only SMS


MIX = (
    (Kind.CHAT, 8),
    (Kind.ANSWERS, 6),
    (Kind.COUPLE, 1),
    (Kind.BUSY_FIRST, 1),
    (Kind.NEVER, 1),
    (Kind.TEXTED, 8),
)

CALLS = {
    Kind.BUSY_FIRST: QUICK_CALL.model_copy(update={"results": ("busy", "answer")}),
    Kind.NEVER: QUICK_CALL.model_copy(update={"results": ("no_answer",)}),
}


@dataclass(frozen=True, slots=True)
class Home:
    kind: Kind
    village: str
    contacts: tuple[Contact, ...]
    residents: tuple[ResidentId, ...] = ()

    @property
    def number(self) -> str:
        return next((one.value for one in self.contacts if one.kind is AddressKind.PHONE), "")

    @property
    def chat(self) -> str:
        return next((one.value for one in self.contacts if one.kind is AddressKind.KAKAO), "")

    @property
    def handset(self) -> Handset | None:
        return Handset(kind="landline", call=CALLS[self.kind]) if self.kind in CALLS else None


def homes(villages: int, size: int) -> Iterator[Home]:
    """About `size` homes in each village, mixed as in MIX."""
    kinds = [kind for kind, share in MIX for _ in range(share)]
    for village in range(villages):
        for place in range(size):
            kind = kinds[place * 7 % len(kinds)]  # neighbours differ
            yield Home(kind, f"v{village}", _contacts(kind, village * size + place))


def _contacts(kind: Kind, number: int) -> tuple[Contact, ...]:
    mobile, landline = f"+8210{20_000_000 + number}", f"+8231{7_000_000 + number}"
    match kind:
        case Kind.CHAT:
            chat = Contact(AddressKind.KAKAO, f"{number:060x}")
            return (chat, Contact(AddressKind.PHONE, mobile, can_ring=True, can_sms=True))
        case Kind.TEXTED:
            return (Contact(AddressKind.PHONE, mobile, can_sms=True),)
        case _:
            return (Contact(AddressKind.PHONE, landline, can_ring=True),)


async def settle(database: Database, vault: Vault, clock: Clock, planned: Iterator[Home]) -> list[Home]:
    """Enrol everybody, with consent to everything; all take part in drills."""
    people, villages = PeopleQueries(database, vault), VillageQueries(database, vault)
    settled: list[Home] = []
    known: dict[str, int] = {}
    consent = Consent((Category.NOTICE, Category.DISASTER), "paper")
    for home in planned:
        if home.village not in known:
            new = NewVillage(home.village, f"{home.village}리", township="북면", head_name="김이장")
            known[home.village] = await villages.add(new)
        place = await people.place(home.village)
        assert place is not None
        form = Enrolment(home.village, "박순자", home.contacts, consent, {"in_drills": True})
        many = 2 if home.kind is Kind.COUPLE else 1
        ids = [await people.enrol(place.village_id, form, clock.now()) for _ in range(many)]
        settled.append(Home(home.kind, home.village, home.contacts, tuple(ids)))
    return settled
