"""What the demo must have shown, by name, each held against the tables and against the carrier's own log."""

from __future__ import annotations

from collections.abc import Callable

from broadcast.model import DeliveryState, Purpose, ReachState
from broadcast.store.queries.trace import TracedDelivery
from broadcast.wording import veiled
from maeul import demo_people as cast
from maeul import demo_proofs as proofs
from maeul.demo_played import Act, Played
from maeul.demo_report import Check, korean

CALLS, TEXTS, CHATS = "calls", "messages", "talks"
HEARD = frozenset({ReachState.HEARD, ReachState.CONFIRMED})
# An emergency does not wait for its sound: who reads it at once has nothing to listen to yet.
ALONG = frozenset({DeliveryState.HEARD, DeliveryState.DELIVERED})
MISSED = (cast.YEONGJA, cast.BOKSUN, cast.DONGSU)


def checks(played: Played) -> list[Check]:
    """In the order in which the demo tells them; the last is about everybody."""
    held: tuple[Callable[[Played], Check], ...] = (
        _by_chat,
        _the_couple,
        _the_busy_one,
        _never_answers,
        _voicemail,
        _wrong_number,
        _never_contacted,
        _listens_along,
        _guardian_told,
        proofs.recording,
        proofs.help,
        proofs.overtakes,
        proofs.recall,
        proofs.hours,
        proofs.everybody,
    )
    return [check(played) for check in held]


# --- one for each person ----------------------------------------------------------------------


def _purpose(act: Act, purpose: Purpose) -> list[TracedDelivery]:
    return [one for one in act.trace.deliveries if one.purpose is purpose]


def _missed_lists(played: Played) -> list[str]:
    return [
        sms["body"]
        for sms in played.messages
        if sms["to"] == cast.HEAD_PHONE and sms["status"] == "delivered"
    ]


def _by_chat(played: Played) -> Check:
    rung = played.witnessed(played.typed, CALLS, cast.SUJIN.phone or "-")
    shown = played.witnessed(played.typed, CHATS, cast.SUJIN.kakao)
    holds = played.state(played.typed, cast.SUJIN) in HEARD and len(shown) == 1 and not rung
    return Check(
        holds, f"{cast.SUJIN.name} 님은 카카오톡으로 들었습니다.", "The smartphone resident heard by chat."
    )


def _the_couple(played: Played) -> Check:
    pair = (cast.YEONGHO, cast.SUNI)
    rung = [len(played.witnessed(act, CALLS, cast.SUNI.phone)) for act in (played.typed, played.emergency)]
    confirmed = all(
        played.state(act, person) is ReachState.CONFIRMED
        for act in (played.typed, played.emergency)
        for person in pair
    )
    keys = [
        attempt.keys
        for one in played.typed.trace.serving(played.ids[cast.SUNI.name])
        for attempt in one.attempts
    ]
    return Check(
        rung == [1, 1] and confirmed and keys == ["1"],
        f"{cast.YEONGHO.name}·{cast.SUNI.name} 부부의 집 전화는 방송마다 한 번 울렸고, "
        "1번 한 번으로 두 분 다 확인했습니다.",
        "The couple's landline rang once; one key confirmed both.",
        f"rang {rung[0]} + {rung[1]}",
    )


def _the_busy_one(played: Played) -> Check:
    calls = [call for call in played.calls if call["to"] == cast.MANSU.phone]
    calls = [call for call in calls if call["attempt"] in played.typed.attempts]
    statuses = [call["status"] for call in calls]
    return Check(
        statuses == ["busy", "completed"] and played.state(played.typed, cast.MANSU) in HEARD,
        f"{cast.MANSU.name} 님은 처음에 통화 중이었고, 다시 건 전화로 들었습니다.",
        "The busy one was reached on a retry.",
        " → ".join(f"{korean(call['created_at']):%H:%M} {call['status']}" for call in calls),
    )


def _never_answers(played: Played) -> Check:
    calls = played.witnessed(played.typed, CALLS, cast.YEONGJA.phone)
    texts = played.witnessed(played.typed, TEXTS, cast.YEONGJA.phone)
    name = f"{veiled(cast.YEONGJA.name)}({cast.YEONGJA.age})"
    on_list = [text for text in _missed_lists(played) if name in text]
    return Check(
        len(calls) == 3 and len(texts) == 1 and len(on_list) >= 1 and bool(_lists_missed(on_list[0])),
        f"{cast.YEONGJA.name} 님은 전화를 받지 않아 문자를 보냈고, 이장님의 미수신자 명단에 올랐습니다.",
        "The one who never answers was texted, and is on the missed list.",
        on_list[0] if on_list else "not on the list",
    )


def _lists_missed(text: str) -> bool:
    return all(f"{veiled(person.name)}({person.age})" in text for person in MISSED)


def _voicemail(played: Played) -> Check:
    machine = [
        attempt.answered_by
        for one in played.typed.trace.serving(played.ids[cast.BOKSUN.name])
        for attempt in one.attempts
        if attempt.call_status is not None
    ]
    is_missed = all(
        played.state(act, cast.BOKSUN) is ReachState.MISSED
        for act in (played.typed, played.recorded, played.emergency)
    )
    return Check(
        is_missed and len(machine) == 3 and set(machine) == {"machine"},
        f"{cast.BOKSUN.name} 님의 음성 사서함이 받은 것은 들은 것으로 치지 않았습니다.",
        "Voicemail was not counted as heard.",
        f"answered by: {', '.join(map(str, machine))}",
    )


def _wrong_number(played: Played) -> Check:
    rung = [entry for entry in played.log if entry["to"] == cast.DONGSU.phone]
    return Check(
        played.dead == {cast.DONGSU.name} and len(rung) == 1,
        f"{cast.DONGSU.name} 님의 번호는 없는 번호로 표시되어 다시 걸지 않았습니다.",
        "The wrong number's address is dead and was not rung again.",
        f"rang {len(rung)}",
    )


def _never_contacted(played: Played) -> Check:
    addresses = {person.address for person in cast.NEVER}
    contacted = [entry for entry in played.log if entry["to"] in addresses]
    own = {played.ids[person.name] for person in cast.NEVER}
    rows = [reach for act in played.acts for reach in act.trace.reaches if reach.resident_id in own]
    return Check(
        not contacted and not rows,
        f"수신을 거부한 {cast.MINHO.name} 님과 돌아가신 {cast.OKBUN.name} 님께는 한 번도 연락하지 않았습니다.",
        "The opted-out one and the dead one were never contacted.",
    )


def _listens_along(played: Played) -> Check:
    acts = (played.typed, played.recorded, played.emergency)
    shown = [len(played.witnessed(act, CHATS, cast.GUARDIAN.kakao)) for act in acts]
    along = [one.state for act in acts for one in _purpose(act, Purpose.LISTEN_ALONG)]
    parent = [played.state(act, cast.YEONGJA) for act in acts]
    return Check(
        min(shown) >= 1
        and set(along) <= ALONG
        and along.count(DeliveryState.HEARD) >= 2
        and parent == [ReachState.MISSED] * 3,
        f"보호자 {cast.GUARDIAN.name} 님도 함께 들었고, 그것을 {cast.YEONGJA.name} 님이 들은 것으로 치지 않았습니다.",
        "The guardian listened along, which did not count for the parent.",
    )


def _guardian_told(played: Played) -> Check:
    told = _purpose(played.emergency, Purpose.GUARDIAN_TOLD)
    words = [text for text in played.told_guardian if f"{veiled(cast.YEONGJA.name)} 님께" in text]
    after = [one.first_due_at - played.emergency.begins_at for one in told]
    return Check(
        [one.to for one in told] == [cast.GUARDIAN.kakao] and len(words) == 1,
        f"긴급 방송 때 {cast.YEONGJA.name} 님께 닿지 않은 것을 보호자에게 알렸습니다.",
        "In the emergency the guardian was told about the parent.",
        f"+{after[0].total_seconds() / 60:.0f} min: {words[0]}" if words and after else "not told",
    )
