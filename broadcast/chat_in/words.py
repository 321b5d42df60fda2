"""What somebody means who writes to the village's chat: a few wishes, told from free Korean words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Wish(Enum):
    HEARD = auto()
    HELP = auto()
    LISTEN = auto()
    SUBSCRIBE = auto()
    AGREE = auto()
    STOP = auto()
    STOP_ALL = auto()
    MENU = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """`code`: the village code that came with SUBSCRIBE or AGREE, else ""."""

    wish: Wish
    code: str = ""


# Stems without spaces, marks and polite endings.
STEMS: Mapping[Wish, frozenset[str]] = {
    Wish.HEARD: frozenset(
        {
            "들었",
            "들었어",
            "들엇",
            "들엇어",
            "들음",
            "잘들었",
            "잘들었어",
            "확인",
            "확인했",
            "확인했어",
            "확인함",
        }
    ),
    Wish.HELP: frozenset(
        {"도움", "도움요청", "도와", "살려", "구해", "구조", "갇혔", "갇혔어", "119", "일일구"}
    ),
    Wish.LISTEN: frozenset(
        {"듣기", "방송", "방송듣기", "다시듣기", "최근방송", "들려", "다시들려", "방송들려"}
    ),
}
WISHES = {stem: wish for wish, stems in STEMS.items() for stem in stems}

_ENDINGS = re.compile(r"(?:습니다|주세요|하겠습니다|주십시오|줘요?|요|다)$")
_ASKS = re.compile(r"(동의|구독|등록|가입)(?:합니다|할게요|해주세요)?(.*)", re.DOTALL)
# Whoever wants to stop is understood in many forms, but not from the middle of a longer talk.
_STOPS = re.compile(
    r"(모두|전부|다)?(?:이제)?(?:(?:(?:마을)?방송|구독|수신)?[은을를좀]?(?:그만|중단|해지)"
    r"|(?:(?:마을)?방송|구독|수신)[은을를좀]?(?:거부|취소)).{0,8}"
)
_CODE = re.compile(r"(?=.*[0-9])[0-9A-Za-z-]{2,20}")
# More than any wish needs; somebody may send thousands of letters, and they are looked through here and now.
LONGEST = 200


def understand(words: str) -> Meaning:
    """MENU for whatever is not understood."""
    plain = "".join(unicodedata.normalize("NFKC", words[:LONGEST]).split())
    wish = WISHES.get(_stem(plain))
    if wish is not None:
        return Meaning(wish)
    stops = _STOPS.fullmatch(plain)
    if stops is not None:
        return Meaning(Wish.STOP_ALL if stops[1] else Wish.STOP)
    if _CODE.fullmatch(plain):
        return Meaning(Wish.SUBSCRIBE, plain)
    asked = _ASKS.match(plain)
    if asked is None:
        return Meaning(Wish.MENU)
    code = _CODE.search(asked[2])
    # Agreeing without a code agrees to nothing yet: the village is asked for.
    is_agreed = asked[1] == "동의" and code is not None
    return Meaning(Wish.AGREE if is_agreed else Wish.SUBSCRIBE, code[0] if code else "")


def _stem(plain: str) -> str:
    letters = "".join(sign for sign in plain if sign.isalnum())
    return _ENDINGS.sub("", letters) or letters
