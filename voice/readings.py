"""Tables of how things are read aloud in Korean: units, counters, acronyms, letters, signs."""

from __future__ import annotations


def _words(table: str) -> tuple[str, ...]:
    return tuple(table.split())


# Counted with native numerals up to 99: 세 명, 스무 가구.
NATIVE_COUNTERS = _words(
    "번째 시간 가구 가지 가닥 군데 곳 그루 그릇 꾸러미 다발 덩어리 마디 마리 마을 명 "
    "모금 묶음 바구니 바퀴 박스 배 벌 병 봉지 사람 살 상자 세트 송이 시 자루 자리 잔 "
    "장 집 채 척 켤레 컵 통 팀 포기 포대 포 판 필지 개소 개 건 권 대 달 마지기 "
    "주먹 짝 줄 차례 표 걸음 갈래 끼"
)

# Counted with Sino-Korean numerals: 삼 층, 오 호. Some are here only so that their first syllable is not
# taken for a native counter (개월 before 개).
SINO_COUNTERS = _words(
    "개월 개년 개국 개동 분기 분 초 층 호차 호선 호실 호 원 회차 회 차선 차로 차 "
    "년도 년생 년 월 일 주년 주간 주 번지 번길 번 인분 인승 인 위 등급 등 급 점 조 "
    "반 학년 학기 쪽 면 동 세대 세 퍼센트 프로 톤 평 리터 미터 킬로미터 센티미터 "
    "밀리미터 킬로그램 킬로 그램 와트 볼트 헥타르 단지 단계"
)
GLUED_COUNTERS = frozenset({"년", "월", "일", "년도", "년생"})

UNITS = {
    "km/h": "킬로미터",
    "㎞/h": "킬로미터",
    "m/s": "미터",
    "㎧": "미터",
    "kWh": "킬로와트시",
    "kW": "킬로와트",
    "km": "킬로미터",
    "㎞": "킬로미터",
    "cm": "센티미터",
    "㎝": "센티미터",
    "mm": "밀리미터",
    "㎜": "밀리미터",
    "m²": "제곱미터",
    "m2": "제곱미터",
    "㎡": "제곱미터",
    "m³": "세제곱미터",
    "m3": "세제곱미터",
    "㎥": "세제곱미터",
    "m": "미터",
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
    "hPa": "헥토파스칼",
    "%p": "퍼센트포인트",
    "%": "퍼센트",
    "％": "퍼센트",
    "℃": "도",
    "°C": "도",
    "°": "도",
    "도": "도",
}
SPEEDS = {"km/h": "시속", "㎞/h": "시속", "m/s": "초속", "㎧": "초속"}
BELOW_ZERO = frozenset({"℃", "°C", "°", "도"})

# Numbers that are known digit by digit.
EMERGENCY_NUMBERS = _words(
    "1588 1577 1544 1566 1599 1600 1644 1661 1666 1670 1688 1811 1833 1855 1899 "
    "1330 1331 1332 1333 1335 1336 1339 1345 1350 1355 1357 1366 1372 1377 1382 "
    "1388 1390 1393 1399 1522 119 112 113 114 117 118"
)

ACRONYMS = {
    "AI": "에이아이",
    "APT": "아파트",
    "ARS": "에이아르에스",
    "ATM": "에이티엠",
    "CCTV": "씨씨티브이",
    "COVID": "코비드",
    "ID": "아이디",
    "IC": "아이씨",
    "JC": "제이씨",
    "KBS": "케이비에스",
    "KF": "케이에프",
    "KT": "케이티",
    "KTX": "케이티엑스",
    "LED": "엘이디",
    "LH": "엘에이치",
    "LPG": "엘피지",
    "MBC": "엠비씨",
    "NH": "엔에이치",
    "OK": "오케이",
    "PC": "피씨",
    "PVC": "피브이씨",
    "QR": "큐알",
    "SBS": "에스비에스",
    "SMS": "에스엠에스",
    "SNS": "에스엔에스",
    "SRT": "에스알티",
    "TV": "티브이",
    "UHD": "유에이치디",
    "VIP": "브이아이피",
    "WIFI": "와이파이",
    "WI-FI": "와이파이",
    "APP": "앱",
    "BAND": "밴드",
    "BUS": "버스",
    "CAFE": "카페",
    "FAX": "팩스",
    "KAKAO": "카카오",
    "MOU": "엠오유",
    "NO": "번호",
    "TEL": "전화",
    "HP": "휴대전화",
    "ZOOM": "줌",
}

LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _words(
            "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 아르 에스 티 "
            "유 브이 더블유 엑스 와이 제트"
        ),
        strict=True,
    )
)
SPELT_LETTERS = 6  # a longer word that is in no table is better left to the village's dictionary

HANJA = {
    "故": "고 ",
    "日": "일",
    "月": "월",
    "火": "화",
    "水": "수",
    "木": "목",
    "金": "금",
    "土": "토",
    "前": "전",
    "新": "신",
    "無": "무",
    "有": "유",
    "男": "남",
    "女": "여",
    "老": "노",
    "父": "부",
    "母": "모",
    "洞": "동",
    "里": "리",
    "郡": "군",
    "面": "면",
    "邑": "읍",
    "市": "시",
    "道": "도",
    "人": "인",
    "名": "명",
    "大": "대",
    "小": "소",
    "中": "중",
    "上": "상",
    "下": "하",
    "韓": "한",
    "美": "미",
    "北": "북",
    "南": "남",
    "東": "동",
    "西": "서",
}

# Written mixes of letters and digits that have a reading of their own.
SPECIAL = {
    "COVID-19": "코로나 십구",
    "A4": "에이포",
    "A3": "에이쓰리",
    "5G": "오지",
    "4G": "사지",
    "3D": "쓰리디",
    "2D": "투디",
    "U턴": "유턴",
    "24/7": "하루 종일",
}

ORDINALS = _words("첫째 둘째 셋째 넷째 다섯째 여섯째 일곱째 여덟째 아홉째 열째")
_CIRCLED = zip("①②③④⑤⑥⑦⑧⑨⑩", ORDINALS, strict=True)

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
    "№": " 번호 ",
} | {circled: f", {word}, " for circled, word in _CIRCLED}

# Marks that structure a written notice; a short silence says the same.
PAUSES = frozenset(",;:/|·ㆍ･・∙•‥…=→⇒➡()[]{}<>〈〉《》「」『』【】〔〕※○●◎◇◆□■△▲▽▼☆★▶▷◀◁、，；：（）")
STOPS = {"。": ".", "．": ".", "！": "!", "？": "?"}
# Marks without any sound.
BLANKS = frozenset("~∼〜-–—―‐‑−_*#^`´\"'‘’“”„«»\\♡♥♠♣")
