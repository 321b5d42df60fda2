"""Every rule of reading on its own, and a corpus of announcements as a careful speaker would say them."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.romanise import romanise
from voice.script import prepare

RULES: dict[str, list[tuple[str, str]]] = {
    "a point between two numbers is a date or a decimal by the words around it": [
        ("규모 4.5.", "규모 사 점 오."),
        ("경쟁률은 2.5.", "경쟁률은 이 점 오."),
        ("마감은 4.5.", "마감은 사월 오일"),
        ("4.5.(토)", "사월 오일 토요일"),
        ("4.5까지 신청", "사월 오일까지 신청"),
        ("접수기간 4.5~4.7", "접수기간 사월 오일부터 사월 칠일까지"),
        ("강수량 4.5~6.2", "강수량 사 점 오에서 육 점 이"),
        ("일시: 4.5 10:00", "일시, 사월 오일 오전 열 시"),
        ("3.5일 걸립니다", "삼 점 오일 걸립니다"),
        ("13.5.", "십삼 점 오."),
    ],
    "years and months": [
        ("'26년", "이천이십육년"),
        ("'25~'26년", "이천이십오년부터 이천이십육년까지"),
        ("2026.3.", "이천이십육년 삼월"),
        ("2025.12~2026.2", "이천이십오년 십이월부터 이천이십육년 이월까지"),
        ("90년대, 2026학년도", "구십년대, 이천이십육학년도"),
        ("1/4분기", "일사분기"),
        ("10·11월, 3·4월", "십, 십일월, 삼, 사월"),
    ],
    "anniversaries are told digit by digit up to nine": [
        ("8.15 광복절", "팔일오 광복절"),
        ("6·10 항쟁과 12·12", "육십 항쟁과 십이십이"),
        ("제1·2투표소", "제일, 이투표소"),
    ],
    "clocks": [
        ("10:00~11:30", "오전 열 시부터 오전 열한 시 삼십 분까지"),
        ("12:00", "낮 열두 시"),
        ("오후 2:00~10:00", "오후 두 시부터 열 시까지"),
        ("AM 9:00, 7 PM", "오전 아홉 시, 오후 일곱 시"),
        ("00:30과 24:00", "영 시 삼십 분과 밤 열두 시"),
        ("24시 운영", "이십사 시 운영"),
        ("9-12시", "아홉 시부터 열두 시까지"),
        ("오후 1~3시", "오후 한 시부터 세 시까지"),
        ("3월 5일 22:00~3월 6일 05:00", "삼월 오일 오후 열 시부터 삼월 육일 오전 다섯 시까지"),
        ("3월 5일~7일 9시~12시", "삼월 오일부터 칠일까지 아홉 시부터 열두 시까지"),
    ],
    "weekdays": [
        ("(월요일)", "월요일"),
        ("화·목에", "화요일 목요일에"),
        ("월~금요일까지", "월요일부터 금요일까지"),
        ("월요일~금요일", "월요일부터 금요일까지"),
        ("토·일·공휴일", "토요일 일요일, 공휴일"),
    ],
    "telephones, accounts and plates": [
        ("031-123-4567~8", "공삼일, 일이삼, 사오육칠 또는 팔"),
        ("055-123-4567, 4568", "공오오, 일이삼, 사오육칠, 사오육팔"),
        ("010.1234.5678", "공일공, 일이삼사, 오육칠팔"),
        ("302 1234 5678 91", "삼공이, 일이삼사, 오육칠팔, 구일"),
        ("1234567890123", "일이삼사, 오육칠팔, 구공일이, 삼"),
        ("내선 123", "내선 일이삼"),
        ("120으로 전화", "일이공으로 전화"),
        ("120명", "백이십 명"),
        ("119구급대와 119번지", "일일구구급대와 백십구 번지"),
        ("123가4567", "일이삼 가 사오육칠"),
        ("+82-31-123-4567", "더하기 팔이, 삼일, 일이삼, 사오육칠"),
    ],
    "counters are native or Sino-Korean by what they count": [
        ("24시간, 12시간", "이십사 시간, 열두 시간"),
        ("제21대, 5대 암, 차 5대", "제이십일 대, 오대 암, 차 다섯 대"),
        ("20~30대 청년, 80대 할머니", "이십대에서 삼십대 청년, 팔십대 할머니"),
        ("2번씩, 2번 버스, 하루 2번", "두 번씩, 이 번 버스, 하루 두 번"),
        ("어르신 5분, 5분 거리", "어르신 다섯 분, 오 분 거리"),
        ("축사 3동, 3동 주민", "축사 세 동, 삼 동 주민"),
        ("5병동, 5병", "오병동, 다섯 병"),
        ("20여 명, 10여m", "이십여 명, 십여 미터"),
        ("5~6명, 9~10명", "대여섯 명, 아홉 명에서 열 명"),
        ("1주일, 2박 3일", "일주일, 이박 삼일"),
    ],
    "shares and ratios": [
        ("3분의 2, 1/4", "삼분의 이, 사분의 일"),
        ("1:1 상담, 2.5대1", "일 대 일 상담, 이 점 오 대 일"),
        ("½컵", "이분의 일 컵"),
    ],
    "money": [
        ("1백만원, 1만원, 1억원", "백만 원, 만 원, 일억 원"),
        ("3만~5만원, 2~3만원", "삼만에서 오만 원, 이만에서 삼만 원"),
        ("500여만 원", "오백여만 원"),
        ("50원/㎡, 100원/개", "제곱미터당 오십 원, 개당 백 원"),
        ("$20", "이십 달러"),
    ],
    "units": [
        ("-10~-5℃", "영하 십 도에서 영하 오 도"),
        ("20~25m/s", "초속 이십에서 이십오 미터"),
        ("35㎍/㎥", "세제곱미터당 삼십오 마이크로그램"),
        ("ha당, 10a당", "헥타르당, 십 아르당"),
        ("100㎒, 5KM, 1.5km²", "백 메가헤르츠, 오 킬로미터, 일 점 오 제곱킬로미터"),
        ("5kg×2개", "오 킬로그램 곱하기 두 개"),
    ],
    "Roman numerals": [
        ("진도 Ⅳ", "진도 사"),
        ("제II공장, VII", "제이공장, 칠"),
        ("I. 개요\nII. 내용", "첫째, 개요. 둘째, 내용"),
        ("I와 V와 X", "아이와 브이와 엑스"),
    ],
    "Latin words": [
        ("Wi-Fi, E-mail, YouTube", "와이파이, 이메일, 유튜브"),
        ("A/S, Q&A", "에이에스, 큐 앤드 에이"),
        ("TEL. 119, No.3", "전화 일일구, 번호 삼"),
        ("Café", "카페"),
        ("KF94, H5N1", "케이에프구십사, 에이치오엔일"),
    ],
    "signs": [
        ("⑫ 열둘 ❸ 셋", "열두째, 열둘, 셋째, 셋"),
        ("㉮ 항목", "가 항목"),
        ("(예금주 홍길동)로", "예금주 홍길동로"),
        ("'카눈'이", "카눈이"),
        ("65세↑", "육십오 세 이상"),
    ],
}
CASES = [(written, spoken) for pairs in RULES.values() for written, spoken in pairs]
CORPUS = [
    tuple(line.split("\t")) for line in (Path(__file__).parent / "corpus.tsv").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("written", "spoken"), CASES)
def test_each_rule_reads_as_people_say_it(written: str, spoken: str) -> None:
    assert prepare(written).text == spoken


@pytest.mark.parametrize(("topic", "written", "spoken"), CORPUS)
def test_announcements_are_read_as_a_careful_speaker_would(topic: str, written: str, spoken: str) -> None:
    read = prepare(written.replace("\\n", "\n"))
    assert read.text == spoken
    assert prepare(read.text).text == spoken


def test_the_corpus_is_wide_enough() -> None:
    assert len(CORPUS) >= 150
    assert len({topic for topic, *_ in CORPUS}) >= 10


def test_masked_names_and_unknown_words_are_reported() -> None:
    assert prepare("김○○ 님, 이OO 님, Blorptag 행사").unread == ("○○", "OO", "Blorptag")


def test_an_unknown_word_is_spelt_rather_than_dropped() -> None:
    script = prepare("Blorp 행사")
    assert script.text == "비엘오아르피 행사"
    assert ("Blorp", "비엘오아르피") in script.changes


def test_other_languages_hear_telephone_numbers_digit_by_digit() -> None:
    assert prepare("Call 119 or 031-123-4567.", language="en").text == "Call 1 1 9 or 0 3 1, 1 2 3, 4 5 6 7."
    assert prepare("Rice costs 2000 won a kg.", language="en").text == "Rice costs 2000 won a kg."


def test_other_languages_hear_korean_names_in_latin_letters() -> None:
    script = prepare("Go to 행복초등학교 now.", language="en")
    assert script.text == "Go to haengbokchodeunghakgyo now."
    assert romanise("마을회관") == "maeulhoegwan"
