"""The Korean reading of what offices write."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadcast.errors import InvalidInput
from voice.numerals import by_digit, native, sino
from voice.script import prepare

READINGS = [
    # numbers
    ("52가구", "쉰두 가구"),
    ("20명, 21명, 99명, 100명, 112명", "스무 명, 스물한 명, 아흔아홉 명, 백 명, 백십이 명"),
    ("개 3마리와 차 2대", "개 세 마리와 차 두 대"),
    ("3층 5호", "삼 층 오 호"),
    ("82세 어르신, 70대 주민, 82살", "팔십이 세 어르신, 칠십대 주민, 여든두 살"),
    ("1번째, 2번째, 제3회", "첫 번째, 두 번째, 제삼 회"),
    ("1번을 누르세요. 하루 3번 드세요.", "일 번을 누르세요. 하루 세 번 드세요."),
    ("1,234,567명", "백이십삼만 사천오백육십칠 명"),
    ("강수량 6.25, 0.5ha", "강수량 육 점 이오, 영 점 오 헥타르"),
    ("비료 30포대", "비료 서른 포대"),
    # money
    ("5,000원, 10,000원, 3만 5천원", "오천 원, 만 원, 삼만 오천 원"),
    ("₩30,000과 1억 2천만 원", "삼만 원과 일억 이천만 원"),
    # dates
    ("3월 5일(목)", "삼월 오일 목요일"),
    ("6월 10일과 10월 3일", "유월 십일과 시월 삼일"),
    ("2026. 6. 10.(수)", "이천이십육년 유월 십일 수요일"),
    ("2026-03-05", "이천이십육년 삼월 오일"),
    ("2026년 3월 5일", "이천이십육년 삼월 오일"),
    ("'26.3.5.(목)부터", "이천이십육년 삼월 오일 목요일부터"),
    ("3/5(목)까지", "삼월 오일 목요일까지"),
    ("3.5(목)", "삼월 오일 목요일"),
    ("신청자의 2/3", "신청자의 삼분의 이"),
    ("3·1절과 5·18", "삼일절과 오일팔"),
    # weekdays
    ("모임 (월·수·금)", "모임 월요일 수요일 금요일"),
    ("(월~금) 운영", "월요일부터 금요일까지 운영"),
    # times
    ("3시 30분", "세 시 삼십 분"),
    ("09:00", "오전 아홉 시"),
    ("14:30", "오후 두 시 삼십 분"),
    ("오후 2:30", "오후 두 시 삼십 분"),
    ("14시에 3시간", "오후 두 시에 세 시간"),
    ("1분 30초", "일 분 삼십 초"),
    # ranges
    ("09:00~18:00", "오전 아홉 시부터 오후 여섯 시까지"),
    ("9~12시 단수", "아홉 시부터 열두 시까지 단수"),
    ("9시 ~ 18시까지", "아홉 시부터 오후 여섯 시까지"),
    ("3월 5일~7일", "삼월 오일부터 칠일까지"),
    ("3.5.~3.7.", "삼월 오일부터 삼월 칠일까지"),
    ("2025~2026년", "이천이십오년부터 이천이십육년까지"),
    ("2~3명, 10~20kg", "두세 명, 십에서 이십 킬로그램"),
    ("마을회관 ~ 경로당", "마을회관에서 경로당"),
    ("감사합니다~ 안녕히~~", "감사합니다 안녕히"),
    # units
    ("-5℃, 영하 5도, 30%", "영하 오 도, 영하 오 도, 삼십 퍼센트"),
    ("30mm 5cm 3m 10km 100㎡", "삼십 밀리미터 오 센티미터 삼 미터 십 킬로미터 백 제곱미터"),
    ("바람 15m/s, 시속 60km/h", "바람 초속 십오 미터, 시속 육십 킬로미터"),
    # telephone and other numbers told digit by digit
    ("119에 전화하세요", "일일구에 전화하세요"),
    ("010-1234-5678", "공일공, 일이삼사, 오육칠팔"),
    ("01012345678", "공일공, 일이삼사, 오육칠팔"),
    ("(031)123-4567", "공삼일, 일이삼, 사오육칠"),
    ("1588-1234", "일오팔팔, 일이삼사"),
    ("농협 123-4567-8901-23", "농협 일이삼, 사오육칠, 팔구공일, 이삼"),
    ("산 12-3번지", "산 십이 다시 삼 번지"),
    # letters and signs
    ("CCTV와 LED, LH, XYZ", "씨씨티브이와 엘이디, 엘에이치, 엑스와이제트"),
    ("※ 준비물: ① 신분증 ② 통장", "준비물, 첫째, 신분증, 둘째, 통장"),
    ("1. 일시\n2. 장소", "첫째, 일시. 둘째, 장소"),
    ("故 김○○ 님", "고 김 님"),
    # one reading must not be taken for the unit of the number before it
    ("5 119", "오 일일구"),
    # full width, decomposed Hangul, stray spaces
    ("３시　３０분", "세 시 삼십 분"),
    ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
]


@pytest.mark.parametrize(("written", "spoken"), READINGS)
def test_text_is_read_as_people_say_it(written: str, spoken: str) -> None:
    assert prepare(written).text == spoken


def test_what_cannot_be_read_is_reported_to_the_author() -> None:
    script = prepare("축제 🎉 안내 https://example.kr/abc ㅋㅋ Maeulgram")
    assert script.unread == ("https://example.kr/abc", "Maeulgram", "🎉", "ㅋ")


def test_the_author_sees_what_was_changed() -> None:
    script = prepare("3월 5일 CCTV 점검")
    assert script.changes == (("3월 5일", "삼월 오일"), ("CCTV", "씨씨티브이"))


def test_a_villages_dictionary_comes_before_every_rule() -> None:
    script = prepare("3-1구와 Maeulgram", dictionary={"3-1구": "삼다시일구", "Maeulgram": "마을그램"})
    assert script.text == "삼다시일구와 마을그램"
    assert script.unread == ()


@pytest.mark.parametrize("text", ["", " \n\t ", "🎉🎊", "!!!...", "\x00\x07", "\ud800", "ㅋㅋㅋ"])
def test_text_without_anything_speakable_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        prepare(text)
    assert refusal.value.field == "text"
    assert re.search("[가-힣]", refusal.value.detail_ko)


def test_other_languages_keep_their_letters_and_numbers() -> None:
    assert prepare("Water off 🚱 at 9:30 *today*!", language="en").text == "Water off at 9:30 today!"
    assert prepare("น้ำไม่ไหล 🚱", language="th").text == "น้ำไม่ไหล"


SOUP = st.text(
    st.sampled_from(
        "0123456789.,-~:/()+ '월화일시분년명개동번제당여대%₩℃·①○½Ⅳ가나AIOmP kg원\n😀\ue000\ue001"
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text(st.characters(), max_size=40), SOUP))
@example("1일~1일~1일")
@example("9999999999999999999~1")
@example("99/99/99 99:99 99시99분 0000-00-00")
def test_any_text_is_read_or_refused_and_reading_again_changes_nothing(text: str) -> None:
    for language in ("ko", "en"):
        try:
            script = prepare(text, language=language)
        except InvalidInput:
            continue
        assert prepare(script.text, language=language).text == script.text
        if language == "ko":
            assert re.fullmatch("[가-힣 ,.?!]+", script.text)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1-",
        "1~",
        "(",
        "1월",
        "a",
        "a.",
        "~",
        "가~",
        " 1",
        "@a",
        "12:",
        "월·",
        "1.5~",
        "하루",
        "a-",
        "○",
    ],
)
def test_a_long_text_of_one_piece_is_read_without_stalling(piece: str) -> None:
    try:
        prepare(piece * 30_000)
    except InvalidInput:
        assert piece in ("(", "~", "○")


@pytest.mark.parametrize(
    "piece", ["3월 5일(목) 09:00~18:00, 52가구 031-123-4567. ", "1.5~", "하루 3번 ", "월·수 "]
)
def test_eight_times_the_text_takes_about_eight_times_as_long(piece: str) -> None:
    """A quadratic rule would take sixty-four times as long; thirty leaves room for a busy machine."""

    def seconds(count: int) -> float:
        started = time.process_time()
        prepare(piece * count)
        return time.process_time() - started

    short = min(seconds(300) for _ in range(3))
    assert min(seconds(2_400) for _ in range(3)) < 30 * short


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "영"),
        ("10", "십"),
        ("110", "백십"),
        ("10000", "만"),
        ("100010000", "일억 만"),
        ("10" * 12, by_digit("10" * 12)),
    ],
)
def test_whole_numbers_are_grouped_by_ten_thousands(number: str, said: str) -> None:
    assert sino(number) == said


def test_native_numerals_end_at_ninety_nine() -> None:
    assert [native(n) for n in ("1", "20", "25", "99", "100", "0")] == [
        "한",
        "스무",
        "스물다섯",
        "아흔아홉",
        "백",
        "영",
    ]
