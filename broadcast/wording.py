"""Words of errands and prompts, as the county would say them; defaults that the county may edit."""

from __future__ import annotations

from collections.abc import Sequence

EXERCISE = "훈련입니다. 실제 상황이 아닙니다."


def veiled(name: str) -> str:
    """A name as lists show it: 김영자 -> 김○자, 박수 -> 박○."""
    if len(name) < 2:
        return name
    if len(name) == 2:
        return f"{name[0]}○"
    return f"{name[0]}{'○' * (len(name) - 2)}{name[-1]}"


def guardian_told(county: str, resident: str) -> str:
    return (
        f"[{county}] {veiled(resident)} 님께 대피 전화가 닿지 않았습니다. 먼저 직접 전화해 주세요. "
        "이장님은 대피를 돕는 중이니 전화를 삼가 주세요."
    )


def guardian_told_urgent(county: str, resident: str) -> str:
    return f"[{county}] {veiled(resident)} 님께 마을방송이 닿지 않았습니다. 전화로 안부를 살펴 주세요."


def missed_list(people: Sequence[tuple[str, int | None]], callback: str) -> str:
    """At most 10 names, flagged and 75+ first (the caller orders them). `people`: name and age."""
    named = " ".join(f"{veiled(name)}({age})" if age else veiled(name) for name, age in people[:10])
    more = " …" if len(people) > 10 else ""
    again = f" 다시 보내기는 마을방송 화면에서, 전화 {callback}" if callback else ""
    return f"[마을방송] 못 들으신 분 {len(people)}명: {named}{more}{again}"


def sms(village: str, text: str, callback: str, *, is_emergency: bool, county: str) -> str:
    """The announcement as an SMS: who speaks, the text, and the number to call; no link."""
    if is_emergency:
        tail = f" 도움 {callback}, 위급 119" if callback else " 위급 119"
        return f"[긴급 {county}] {text}{tail}"
    tail = f" 다시듣기 전화 {callback}" if callback else ""
    return f"[{village} 마을방송] {text}{tail}"


def opening(village: str, head: str, county: str, *, is_emergency: bool, is_exercise: bool) -> str:
    """How a call begins: who calls. An emergency says so at once."""
    words = f"{EXERCISE} " if is_exercise else ""
    if is_emergency:
        return f"{words}긴급 방송입니다."
    if head:
        return f"{words}안녕하세요. {village} 이장 {head}입니다. 마을방송 전해 드립니다."
    by = f"{_office(county)}에서 " if county else ""
    return f"{words}{by}{village} 주민께 알려 드립니다."


def _office(county: str) -> str:
    """한내군 -> 한내군청."""
    return f"{county}청" if county.endswith(("군", "시", "구")) else county


def ending(village: str, *, is_emergency: bool, is_exercise: bool, is_evacuation: bool = False) -> str:
    """How a call ends: the keys come after the text, never before."""
    after = f" {EXERCISE}" if is_exercise else ""
    if is_emergency:
        need = "혼자 나오기 어려우시면" if is_evacuation else "도움이 필요하시면"
        return (
            "몸이 아프거나 위험이 보이면 끊고 119에 전화하세요. 들으셨으면 1번, "
            f"{need} 9번을 누르세요.{after}"
        )
    return f"이상 {village} 마을방송이었습니다. 다시 들으시려면 2번, 다 들으셨으면 그냥 끊으세요.{after}"


AGAIN = "다시 말씀드립니다."
CONFIRMED = "확인했습니다. 고맙습니다."
CONFIRMED_EMERGENCY = "확인했습니다. 방송에서 말씀드린 대로 해 주십시오."
CONFIRMED_EVACUATION = "확인했습니다. 지금 나가십시오."
HELP_ASKED = "도움 요청을 상황실에 전했습니다. 위급하면 119입니다."
HELP_ASKED_EVACUATION = "도움 요청을 상황실에 전했습니다. 나갈 수 있으면 먼저 나가십시오. 위급하면 119입니다."


def confirmed(*, is_emergency: bool, is_evacuation: bool) -> str:
    """Only who is to leave is told to: others may be safe indoors alone."""
    if not is_emergency:
        return CONFIRMED
    return CONFIRMED_EVACUATION if is_evacuation else CONFIRMED_EMERGENCY


def help_asked(*, is_evacuation: bool) -> str:
    return HELP_ASKED_EVACUATION if is_evacuation else HELP_ASKED
