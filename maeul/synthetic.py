"""Makes up a county whose villages, people and telephones are the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from broadcast.errors import InvalidInput
from broadcast.model import AddressKind, Category
from broadcast.people.residents import Consent, Contact, Enrolment, NewGuardian, Trait
from broadcast.people.villages import NewVillage

T = TypeVar("T")

MOST_VILLAGES, MOST_RESIDENTS = 10_000, 1_000_000
VILLAGES_A_TOWNSHIP = 20

# The fixed mix of the county drill, as in the simulator's chances; not to be tuned. Shares of all residents.
CHAT, MOBILE, LANDLINE = "chat", "mobile", "landline"
ADDRESSES: dict[tuple[str, ...], float] = {
    (CHAT, MOBILE): 0.52,
    (MOBILE,): 0.18,
    (LANDLINE,): 0.22,
    (LANDLINE, MOBILE): 0.08,
}
HOUSEHOLDS = {1: 0.5, 2: 0.4, 3: 0.1}  # sharers of one landline: 1.6 on average
AGE_75_PLUS, ALONE, HARD_OF_HEARING, CANNOT_WALK, ABSENT = 0.27, 0.16, 0.14, 0.05, 0.03
GUARDIANS_PER_75_PLUS = 0.6
YEAR = 2026  # whom the seed makes 75 is so counted from this year, or the same seed would not stay the same

ABSENCES = ("hospital", "away", "home")
SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
FIRST, SECOND = "영순정명복금옥춘길상기병종경덕만용재동말", "자순희숙옥수식호철남례분덕환구태웅심녀선"
VILLAGE_FIRST, VILLAGE_SECOND = "샘솔대감새윗돌물밤배안두큰꽃달", "골말내터재실들뜰못섬벌둠목"
TOWNSHIPS = "북남동서상하중신청금옥은백흑송죽매난국연"

# Nobody's numbers. Korea's exchange codes never begin with 0 or 1, so neither 010-0…, 010-1… nor 031-0… can
# be given to anybody, also not by mistake. The last is not even well-formed, so what checks the numbers that
# people write would refuse it; these are written past that check on purpose.
MOBILES, GUARDIANS, LANDLINES = "+82100", "+82101", "+82310"
MIXER = 7_368_787  # a prime: neighbours do not get neighbouring numbers, and no two the same

CONSENT = Consent((Category.NOTICE, Category.ADMINISTRATIVE, Category.DISASTER), "synthetic", "가상 주민")


@dataclass(frozen=True, slots=True)
class Person:
    enrolment: Enrolment
    guardian: NewGuardian | None


@dataclass(frozen=True, slots=True)
class County:
    """`residents` people in `villages` villages; everything follows from these and the seed."""

    villages: int
    residents: int
    seed: int
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= self.villages <= MOST_VILLAGES or not 0 <= self.residents <= MOST_RESIDENTS:
            raise InvalidInput(
                f"A county has 1 to {MOST_VILLAGES:,} villages and at most {MOST_RESIDENTS:,} residents.",
                f"마을은 1~{MOST_VILLAGES:,}곳, 주민은 {MOST_RESIDENTS:,}명까지입니다.",
            )
        chance = self._chance("sizes")
        weights = [chance.lognormvariate(0, 0.4) for _ in range(self.villages)]
        self.sizes.extend(shared_out(self.residents, weights))

    def _chance(self, *parts: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, *parts))))  # noqa: S311  (made-up people need no secret)

    def village(self, n: int) -> NewVillage:
        """The village number `n` from 0. Its code is no real one: no province is called 99."""
        chance = self._chance("village", n)
        township, place = divmod(n, VILLAGES_A_TOWNSHIP)
        again, name = divmod(township, len(TOWNSHIPS))
        return NewVillage(
            code=f"99001{100 + township:03}{place + 1:02}",
            name=f"{chance.choice(VILLAGE_FIRST)}{chance.choice(VILLAGE_SECOND)}{place + 1}리",
            township=f"{TOWNSHIPS[name]}{again + 1 if again else ''}면",
            head_name=name_of(chance),
        )

    def people(self, n: int) -> Iterator[Person]:
        """The residents of village `n`, always in the same order."""
        chance = self._chance("people", n)
        code, first = self.village(n).code, sum(self.sizes[:n])
        landline, sharers = "", 0
        for number in range(first, first + self.sizes[n]):
            ways = drawn(chance, ADDRESSES)
            if LANDLINE in ways and sharers == 0:
                landline, sharers = self._number(LANDLINES, number, 6), drawn(chance, HOUSEHOLDS)
            sharers -= LANDLINE in ways
            contacts = tuple(self._contact(way, number, landline) for way in ways)
            traits = traits_of(chance)
            enrolment = Enrolment(code, name_of(chance), contacts, CONSENT, traits)
            yield Person(enrolment, self._guardian(chance, number, traits))

    def _contact(self, way: str, number: int, landline: str) -> Contact:
        if way == CHAT:
            return Contact(AddressKind.KAKAO, f"synthetic-{number}")
        if way == LANDLINE:
            return Contact(AddressKind.PHONE, landline, can_ring=True)
        return Contact(AddressKind.PHONE, self._number(MOBILES, number, 7), can_ring=True, can_sms=True)

    def _guardian(self, chance: random.Random, number: int, traits: dict[str, Trait]) -> NewGuardian | None:
        born_in = traits["born_in"]
        is_old = isinstance(born_in, int) and YEAR - born_in >= 75
        if not is_old or chance.random() >= GUARDIANS_PER_75_PLUS:
            return None
        phone = Contact(AddressKind.PHONE, self._number(GUARDIANS, number, 7), can_ring=True, can_sms=True)
        return NewGuardian(name_of(chance), (phone,), agreed_how="synthetic")

    def _number(self, prefix: str, number: int, digits: int) -> str:
        return f"{prefix}{(number * MIXER + self.seed) % 10**digits:0{digits}}"


def shared_out(total: int, weights: list[float]) -> list[int]:
    """Whole numbers in proportion to the weights that add up to `total`."""
    ends, so_far, whole = [0], 0.0, sum(weights)
    for weight in weights:
        so_far += weight
        ends.append(round(total * so_far / whole))
    ends[-1] = total
    return [end - begin for begin, end in pairwise(ends)]


def drawn(chance: random.Random, shares: Mapping[T, float]) -> T:
    return chance.choices(list(shares), list(shares.values()))[0]


def name_of(chance: random.Random) -> str:
    return chance.choice(SURNAMES) + chance.choice(FIRST) + chance.choice(SECOND)


def traits_of(chance: random.Random) -> dict[str, Trait]:
    """Flags are drawn apart from each other, as the drill's mix says nothing of how they go together."""
    is_old = chance.random() < AGE_75_PLUS
    return {
        "born_in": YEAR - (chance.randint(75, 95) if is_old else chance.randint(25, 74)),
        "lives_alone": chance.random() < ALONE,
        "hard_of_hearing": chance.random() < HARD_OF_HEARING,
        "cannot_walk": chance.random() < CANNOT_WALK,
        "absence": chance.choice(ABSENCES) if chance.random() < ABSENT else None,
        "in_drills": True,  # so that exercises can be tried on them
    }
