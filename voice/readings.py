"""Tables of how things are read aloud in Korean: counters, units, known numbers, signs."""

from __future__ import annotations

import unicodedata


def _words(table: str) -> tuple[str, ...]:
    return tuple(table.split())


# Counted with native numerals up to 99: 세 명, 스무 가구.
NATIVE_COUNTERS = _words(
    "번째 시간 가구 가지 가닥 군데 곳 그루 그릇 꾸러미 다발 덩어리 마디 마리 마을 명 "
    "모금 묶음 바구니 바퀴 박스 배 벌 병 봉지 사람 살 상자 세트 송이 시 자루 자리 잔 "
    "장 집 채 척 켤레 컵 통 팀 포기 포대 포 판 필지 개소 개 건 권 대 달 마지기 "
    "주먹 짝 줄 차례 표 걸음 갈래 끼 근 되 가마니 가마 단 쌍 알 뿌리 매"
)

# Counted with Sino-Korean numerals: 삼 층, 오 호. Some are here only so that their first syllable is not
# taken for a native counter (개월 before 개).
SINO_COUNTERS = _words(
    "개월 개년 개국 개동 분기 분 초 층 호차 호선 호실 호 원 회차 회 차선 차로 차 "
    "년대 년도 년생 년 월 일 주년 주간 주일 주 번지 번길 번 인분 인승 인 위 등급 등 급 점 조 "
    "반 학년도 학년 학기 쪽 면 동 세대 세 퍼센트 프로 톤 평 리터 미터 킬로미터 센티미터 "
    "밀리미터 킬로그램 킬로 그램 와트 볼트 헥타르 단지 단계 교시 종 박 할 구 인치"
)
GLUED_COUNTERS = frozenset({"년", "월", "일", "년도", "년생", "년대", "학년도", "주일", "박"})

# What a counter is not when this follows: 5병동 is no bottles, 3시장 is no hour.
NOT_BEFORE = {
    "마을": "회",
    "단": "계지체속전독오",
    "근": "무처거",
    "되": "어면었는지고",
    "알": "려림리아",
    "매": "일주월년입출",
    "병": "동원실상",
    "대": "대피책학형강보",
    "시": "장군청설민내도작",
    "장": "소관날터비",
    "통": "행화로합신제",
    "점": "포심",
    "건": "물강조설",
    "배": "수달추포관",
    "판": "매정",
    "조": "사합치",
    "주": "민차택소의",
    "반": "장드납",
    "면": "사장적민",
    "동": "네사안시",
    "호": "우스",
    "위": "험치원반해",
    "분": "야",
    "잔": "치디",
    "개": "최방설선통별인",
    "일": "대제부",
    "인": "근력",
    "구": "역간급호청",
    "종": "료합일교",
    "표": "지",
    "권": "역한",
    "명": "절단칭",
    "회": "관원의사",
    "차": "량단",
    "세": "금무",
    "할": "인",
    "박": "스람",
    "살": "수균포충",
    "집": "중합",
    "채": "소권용",
    "팀": "장",
    "초": "등중과복순",
}

UNITS = {
    "㎍/㎥": "마이크로그램",
    "μg/m³": "마이크로그램",
    "㎍": "마이크로그램",
    "km/h": "킬로미터",
    "㎞/h": "킬로미터",
    "m/s": "미터",
    "㎧": "미터",
    "kWh": "킬로와트시",
    "kcal": "킬로칼로리",
    "kV": "킬로볼트",
    "kW": "킬로와트",
    "㎾": "킬로와트",
    "km²": "제곱킬로미터",
    "km2": "제곱킬로미터",
    "㎢": "제곱킬로미터",
    "km": "킬로미터",
    "KM": "킬로미터",
    "Km": "킬로미터",
    "㎞": "킬로미터",
    "cm": "센티미터",
    "CM": "센티미터",
    "㎝": "센티미터",
    "mm": "밀리미터",
    "MM": "밀리미터",
    "㎜": "밀리미터",
    "m²": "제곱미터",
    "m2": "제곱미터",
    "㎡": "제곱미터",
    "m³": "세제곱미터",
    "m3": "세제곱미터",
    "㎥": "세제곱미터",
    "m": "미터",
    "M": "미터",
    "kg": "킬로그램",
    "KG": "킬로그램",
    "Kg": "킬로그램",
    "㎏": "킬로그램",
    "mg": "밀리그램",
    "㎎": "밀리그램",
    "g": "그램",
    "t": "톤",
    "ha": "헥타르",
    "㏊": "헥타르",
    "mL": "밀리리터",
    "ml": "밀리리터",
    "㎖": "밀리리터",
    "L": "리터",
    "l": "리터",
    "ℓ": "리터",
    "W": "와트",
    "V": "볼트",
    "dB": "데시벨",
    "ppm": "피피엠",
    "GB": "기가바이트",
    "MB": "메가바이트",
    "MHz": "메가헤르츠",
    "Hz": "헤르츠",
    "cc": "씨씨",
    "hPa": "헥토파스칼",
    "%p": "퍼센트포인트",
    "%": "퍼센트",
    "℃": "도",
    "°C": "도",
    "°": "도",
    "도": "도",
}
PER = frozenset({"㎍/㎥", "μg/m³"})  # "세제곱미터당" goes before the number
SPEEDS = {"km/h": "시속", "㎞/h": "시속", "m/s": "초속", "㎧": "초속"}
BELOW_ZERO = frozenset({"℃", "°C", "°", "도"})

# Numbers that are known digit by digit. Shorter ones that are also plain amounts (120, 182) only where the
# words around them speak of a telephone.
EMERGENCY_NUMBERS = _words(
    "1588 1577 1544 1566 1599 1600 1644 1661 1666 1670 1688 1811 1833 1855 1899 "
    "1330 1331 1332 1333 1335 1336 1339 1345 1350 1355 1357 1366 1372 1377 1382 "
    "1388 1390 1393 1399 1522 119 112 113 114 117 118"
)

ORDINALS = _words(
    "첫째 둘째 셋째 넷째 다섯째 여섯째 일곱째 여덟째 아홉째 열째 열한째 열두째 열셋째 열넷째 열다섯째 "
    "열여섯째 열일곱째 열여덟째 열아홉째 스무째"
)
_LISTED = tuple(
    chr(first + number)
    for first, count in ((0x2460, 20), (0x2474, 20), (0x2776, 10), (0x24F5, 10))
    for number in range(count)
)


def _ordinal(listed: str) -> int:
    """Which of the ordinals ⑫, ⑿, ❷ or ⓶ is, from 0."""
    return round(unicodedata.numeric(listed)) - 1


# Signs that are words; everything else that is no letter, digit, pause or blank is dropped and reported.
SIGNS = {
    "&": " 앤드 ",
    "+": " 플러스 ",
    "@": " 골뱅이 ",
    "%": " 퍼센트 ",
    "₩": " 원 ",
    "$": " 달러 ",
    "€": " 유로 ",
    "℃": " 도 ",
    "㎡": " 제곱미터 ",
    "㈜": " 주식회사 ",
    "☎": ", 전화 ",
    "☏": ", 전화 ",
    "×": " 곱하기 ",
    "✕": " 곱하기 ",
    "÷": " 나누기 ",
    "±": " 플러스 마이너스 ",
    "№": " 번호 ",
    "½": " 이분의 일 ",
    "⅓": " 삼분의 일 ",
    "⅔": " 삼분의 이 ",
    "¼": " 사분의 일 ",
    "¾": " 사분의 삼 ",
    "↑": " 이상 ",
    "↓": " 이하 ",
    "≥": " 이상 ",
    "≤": " 이하 ",
} | {listed: f", {ORDINALS[_ordinal(listed)]}, " for listed in _LISTED}

# Marks that structure a written notice; a short silence says the same.
PAUSES = frozenset(
    ",;:/|·ㆍ･・∙•‥…=→⇒➡➔➜⇨▸▹►⯈()[]{}<>〈〉《》「」『』【】〔〕※○◯〇●▪▫■◎◇◆□△▲▽▼☆★✓✔✅▶▷◀◁、，；：（）"
)
STOPS = {"。": ".", "．": ".", "！": "!", "？": "?"}
# Marks without any sound.
BLANKS = frozenset("~∼〜-–—―‐‑−_*#^«»\\♡♥♠♣")
QUOTES = frozenset("`´\"'‘’“”„")
