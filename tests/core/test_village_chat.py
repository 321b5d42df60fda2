"""What the chat understands, and how its messages look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broadcast.chat_in import menu
from broadcast.chat_in.facts import KnownVillage, Latest, Told
from broadcast.chat_in.words import LONGEST, Meaning, Wish, understand
from broadcast.model import (
    AttemptId,
    BroadcastState,
    CapStatus,
    Category,
    DeliveryState,
    Priority,
    Purpose,
    VillageId,
)
from broadcast.ports import ChatReply
from broadcast.promise import Promise

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
CODE = "4182025021"
LINK = "https://maeul.example.kr/listen/abc"


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("들었습니다", Wish.HEARD),
        ("들었어요", Wish.HEARD),
        (" 확인 ! ", Wish.HEARD),
        ("확인했습니다.", Wish.HEARD),
        ("방송 듣기", Wish.LISTEN),
        ("다시듣기", Wish.LISTEN),
        ("다시 들려 주세요", Wish.LISTEN),
        ("최근 방송", Wish.LISTEN),
        ("도움 요청", Wish.HELP),
        ("119", Wish.HELP),
        ("살려줘", Wish.HELP),
        ("도와줘요", Wish.HELP),
        ("구해 주세요", Wish.HELP),
        ("들엇어요", Wish.HEARD),
        ("그만", Wish.STOP),
        ("그만 받을래요", Wish.STOP),
        ("수신 거부", Wish.STOP),
        ("방송 중단해 주세요", Wish.STOP),
        ("구독 취소", Wish.STOP),
        ("모두 그만", Wish.STOP_ALL),
        ("전부 수신거부", Wish.STOP_ALL),
        ("안녕하세요", Wish.MENU),
        ("취소", Wish.MENU),
        ("비가 이제 그만 왔으면 좋겠네", Wish.MENU),
        ("확인서는 어디서 받나요", Wish.MENU),
        ("", Wish.MENU),
        ("🙂", Wish.MENU),
    ],
)
def test_free_words_are_taken_for_a_wish(words: str, wish: Wish) -> None:
    assert understand(words) == Meaning(wish)


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (f"구독 {CODE}", Meaning(Wish.SUBSCRIBE, CODE)),
        ("등록 4821", Meaning(Wish.SUBSCRIBE, "4821")),
        (f"구독：{CODE}", Meaning(Wish.SUBSCRIBE, CODE)),
        ("4182025021", Meaning(Wish.SUBSCRIBE, CODE)),
        (f"{CODE} ", Meaning(Wish.SUBSCRIBE, CODE)),
        ("구독", Meaning(Wish.SUBSCRIBE)),
        ("구독할게요", Meaning(Wish.SUBSCRIBE)),
        (f"동의 {CODE}", Meaning(Wish.AGREE, CODE)),
        ("동의합니다", Meaning(Wish.SUBSCRIBE)),
    ],
)
def test_a_village_code_is_found_in_the_words(words: str, meaning: Meaning) -> None:
    assert understand(words) == meaning


def test_a_flood_of_letters_is_not_looked_through_to_its_end() -> None:
    assert understand(f"구독 {'가' * LONGEST} {CODE}") == Meaning(Wish.SUBSCRIBE)


# --- messages ---------------------------------------------------------------------------------


def told(
    priority: Priority = Priority.ROUTINE,
    *,
    purpose: Purpose = Purpose.ANNOUNCEMENT,
    cap_status: CapStatus = CapStatus.ACTUAL,
    text: str = "내일 아홉 시부터 단수됩니다.",
) -> Told:
    promise = Promise(priority, cap_status, BroadcastState.SENDING, NOW, DeliveryState.SENT)
    return Told(AttemptId(41), purpose, promise, "샘골리", "단수 안내", text, has_sound=True)


def labels(reply: ChatReply) -> list[str]:
    return [button.label for button in reply.buttons]


def test_a_push_shows_text_and_buttons() -> None:
    reply = menu.push(told(), LINK)
    assert (reply.title, reply.text) == ("단수 안내", "[샘골리 마을방송] 내일 아홉 시부터 단수됩니다.")
    listen, heard = reply.buttons
    assert (listen.label, listen.url) == ("방송 듣기", LINK)
    assert (heard.label, heard.says, heard.extra) == ("들었습니다", "들었습니다", {"attemptId": "41"})


def test_a_push_without_sound_offers_no_listening() -> None:
    assert labels(menu.push(told(), "")) == ["들었습니다"]


def test_an_emergency_offers_help_to_residents_only() -> None:
    assert labels(menu.push(told(Priority.EMERGENCY), LINK)) == ["방송 듣기", "들었습니다", "도움 요청"]
    guardian = told(Priority.EMERGENCY, purpose=Purpose.LISTEN_ALONG)
    assert labels(menu.push(guardian, LINK)) == ["방송 듣기", "들었습니다"]


def test_an_exercise_says_so_first_and_last_however_long() -> None:
    reply = menu.push(told(cap_status=CapStatus.EXERCISE, text="가" * 3000), LINK)
    assert reply.title == "[훈련] 단수 안내"
    assert reply.text.startswith("훈련입니다.")
    assert reply.text.endswith("훈련입니다. 실제 상황이 아닙니다.")
    assert len(reply.text) == menu.MAX_TEXT


def test_a_recording_without_words_points_to_the_sound() -> None:
    assert "음성 방송" in menu.push(told(text=" "), LINK).text


def test_an_errand_is_plain_text() -> None:
    errand = replace(told(purpose=Purpose.GUARDIAN_TOLD), title="안부", text="먼저 전화해 주세요.")
    assert menu.push(errand, "") == ChatReply("먼저 전화해 주세요.", "안부")


def test_a_replay_keeps_its_question_whole() -> None:
    latest = Latest("샘골리", "안내", "가" * 3000, False, False, has_sound=True, attempt_id=AttemptId(41))
    reply = menu.replay(latest, LINK, menu.TAP_HEARD)
    assert reply.text.endswith(menu.TAP_HEARD)
    assert len(reply.text) == menu.MAX_TEXT


def test_consent_is_asked_in_words_and_given_by_a_button() -> None:
    village = KnownVillage(VillageId(1), CODE, "샘골리", "보람군")
    reply = menu.ask_consent(village)
    assert reply.text == menu.consent_words(village)
    assert "보람군 샘골리" in reply.text
    (button,) = reply.buttons
    assert understand(button.says) == Meaning(Wish.AGREE, CODE)


def test_chat_consent_never_covers_commercial_broadcasts() -> None:
    assert Category.COMMERCIAL not in menu.ENROLS
    assert Category.DISASTER not in menu.STOPPABLE


def test_every_button_is_understood_when_it_is_tapped() -> None:
    replies = [menu.MENU, menu.STOPPED, menu.STOPPED_ALL, menu.push(told(Priority.EMERGENCY), LINK)]
    said = [button.says for reply in replies for button in (*reply.buttons, *reply.quick) if button.says]
    assert Wish.MENU not in {understand(words).wish for words in said}
