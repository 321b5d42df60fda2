"""The demo's villages: who lives there, how to reach them, and how each takes a call or a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.simulator.handsets import HEARD_BUTTON, CallBehaviour, ChatBehaviour, Handset

COUNTY = "한내군"
CALL_BACK = "031-555-0100"
VILLAGE, VILLAGE_NAME, HEAD = "4182025021", "샘골리", "이정호"
NEXT_VILLAGE, NEXT_NAME, NEXT_HEAD = "4182025022", "아랫말", "강문수"
OFFICER = "한내군청"
HEAD_PHONE, NEXT_HEAD_PHONE = "+821020000001", "+821020000002"
NEIGHBOURS = 36

Trait = str | int | bool


@dataclass(frozen=True, slots=True)
class Person:
    """A resident of the demo. `does` and `english` say in a few words how they take a broadcast."""

    name: str
    age: int
    does: str
    english: str
    phone: str = ""
    kakao: str = ""
    traits: Mapping[str, Trait] = field(default_factory=dict, hash=False)

    @property
    def address(self) -> str:
        return self.phone or self.kakao


def _phone(behaviour: CallBehaviour, *, is_mobile: bool = False) -> Handset:
    return Handset(kind="feature_phone" if is_mobile else "landline", call=behaviour)


LISTENS = CallBehaviour(ring_s=8)
CONFIRMS = CallBehaviour(ring_s=8, keys="1")

SUJIN = Person("김수진", 45, "카톡으로 들음", "hears by chat", kakao="demo-sujin")
YEONGHO = Person("박영호", 78, "부부, 집 전화 하나", "one landline", phone="+82315550101")
SUNI = Person("최순이", 76, "부부, 집 전화 하나", "one landline", phone="+82315550101")
MANSU = Person("이만수", 71, "처음에 통화 중", "busy at first", phone="+82315550102")
YEONGJA = Person(
    "김영자", 82, "전화를 안 받음", "never answers", phone="+821020000103", traits={"lives_alone": True}
)
BOKSUN = Person("정복순", 80, "음성 사서함", "voicemail", phone="+821020000104")
DONGSU = Person("한동수", 67, "없는 번호", "wrong number", phone="+82315550105")
MALLYE = Person(
    "윤말례", 84, "거동이 불편함", "cannot walk", phone="+821020000106", traits={"cannot_walk": True}
)
MINHO = Person("최민호", 58, "수신 거부", "opted out", phone="+821020000107")
OKBUN = Person("조옥분", 88, "돌아가심", "dead", phone="+82315550108")

CAST = (SUJIN, YEONGHO, SUNI, MANSU, YEONGJA, BOKSUN, DONGSU, MALLYE, MINHO, OKBUN)
TOLD = CAST[:8]
NEVER = (MINHO, OKBUN)

GUARDIAN = Person("김민호", 51, "김영자 님 보호자", "guardian", kakao="demo-minho")

HANDSETS: Mapping[str, Handset] = {
    SUJIN.kakao: Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=90)),
    YEONGHO.phone: _phone(CONFIRMS),
    MANSU.phone: _phone(CallBehaviour(results=("busy", "answer"), ring_s=8)),
    YEONGJA.phone: _phone(CallBehaviour(results=("no_answer",)), is_mobile=True),
    BOKSUN.phone: _phone(CallBehaviour(results=("voicemail",)), is_mobile=True),
    DONGSU.phone: _phone(CallBehaviour(results=("unallocated",))),
    MALLYE.phone: _phone(LISTENS, is_mobile=True),
    MINHO.phone: _phone(CONFIRMS, is_mobile=True),
    OKBUN.phone: _phone(CONFIRMS),
    GUARDIAN.kakao: Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=30)),
}

IN_AN_EMERGENCY: Mapping[str, Handset] = {
    SUJIN.kakao: Handset(kind="smartphone", chat=ChatBehaviour(seen_after_s=20, taps=HEARD_BUTTON)),
    MANSU.phone: _phone(CallBehaviour(results=("busy", "answer"), ring_s=8, keys="1")),
    MALLYE.phone: _phone(CallBehaviour(ring_s=8, keys="9"), is_mobile=True),
}


def neighbours() -> list[Person]:
    """The households of the next village, each with a landline; every other one presses 1."""
    surnames, given = "김이박최정강조윤장임한오", ("영수", "정희", "순자", "병철")
    return [
        Person(
            surnames[n % len(surnames)] + given[n // len(surnames)],
            60 + n % 25,
            "전화로 들음",
            "hears by telephone",
            phone=f"+823155510{n:02}",
        )
        for n in range(NEIGHBOURS)
    ]


def neighbour_handsets() -> dict[str, Handset]:
    return {person.phone: _phone(CONFIRMS if n % 2 else LISTENS) for n, person in enumerate(neighbours())}
