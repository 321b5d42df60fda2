"""The chat's answers as data: texts, buttons and the pure functions that fill them in."""

from __future__ import annotations

from broadcast import wording
from broadcast.chat_in.facts import KnownVillage, Latest, Told
from broadcast.model import AttemptId, CapStatus, Category
from broadcast.ports import Button, ChatReply

MAX_TEXT = 1_000

# Said by the buttons; an adapter tells by them, and by the attempt that comes along, what was tapped.
HEARD_SAYS = "들었습니다"
HELP_SAYS = "도움 요청"

LISTEN = Button("방송 듣기", says="방송 듣기")
SUBSCRIBE = Button("구독", says="구독")
STOP = Button("그만", says="그만")
MENU_BUTTONS = (LISTEN, SUBSCRIBE, STOP)

ENROLS = (Category.NOTICE, Category.ADMINISTRATIVE, Category.DISASTER)
STOPPABLE = tuple(category for category in Category if category is not Category.DISASTER)

MENU = ChatReply("마을방송입니다. 아래에서 고르거나 말씀을 적어 주세요.", quick=MENU_BUTTONS)
CALL_119 = ChatReply(
    "위급하면 지금 119에 전화하세요. 이 대화에서는 긴급 방송을 받으신 주민의 도움 요청만 전할 수 있습니다."
)
NO_BROADCAST = ChatReply("아직 방송이 없습니다.", quick=MENU_BUTTONS)
HOW_TO_FIND = (
    "마을 코드는 마을회관 안내문에 있고, 이장님이나 군청에 물으셔도 됩니다. "
    "코드를 아시면 '구독' 다음에 적어 주세요. 예: 구독 4182025021"
)
WHICH_VILLAGE = ChatReply(f"어느 마을 방송을 받으시겠습니까? {HOW_TO_FIND}")
NO_SUCH_VILLAGE = ChatReply(f"그 코드의 마을을 찾지 못했습니다. {HOW_TO_FIND}")
NOT_SUBSCRIBED = ChatReply(
    "이 대화로 받고 계신 마을방송이 없습니다. 보호자로 받으시는 소식은 이장님이나 군청에 말씀해 주세요.",
    quick=(SUBSCRIBE,),
)
STOPPED = ChatReply(
    "생활, 행정, 상업 방송을 그만 보내 드립니다. 대피 방송은 계속 드립니다. "
    "모두 그만 받으시려면 '모두 그만'이라고 적어 주세요.",
    quick=(Button("모두 그만", says="모두 그만"), SUBSCRIBE),
)
STOPPED_ALL = ChatReply(
    "모두 그만 보내 드립니다. 대피 방송도 드리지 않습니다. 다시 받으시려면 '구독'이라고 적어 주세요.",
    quick=(SUBSCRIBE,),
)
SOUND_ONLY = "음성 방송입니다. 아래 '방송 듣기'를 눌러 주세요."
TAP_HELP = "도움이 필요하시면 아래 '도움 요청'을 눌러 주세요. 위급하면 119입니다."
TAP_HEARD = "들으신 방송이 이것이면 아래 '들었습니다'를 눌러 주세요."


def push(told: Told, listen_url: str) -> ChatReply:
    """The message of an attempt. `listen_url` "" where there is nothing to hear."""
    if not told.is_broadcast:
        return ChatReply(_cut(told.text, MAX_TEXT), title=told.title)
    is_emergency = told.promise.is_emergency
    is_exercise = told.promise.cap_status is not CapStatus.ACTUAL
    text = _announcement(
        told.village, told.text, is_emergency=is_emergency, is_exercise=is_exercise, room=MAX_TEXT
    )
    title = _title(told.title, is_exercise=is_exercise)
    return ChatReply(text, title, _buttons(told.attempt_id, listen_url, offers_help=told.asks_to_act))


def thanks(told: Told, *, is_over: bool) -> ChatReply:
    is_emergency = told.asks_to_act and not is_over
    return ChatReply(wording.confirmed(is_emergency=is_emergency, is_evacuation=told.promise.is_evacuation))


def help_asked(told: Told, *, is_over: bool) -> ChatReply:
    return ChatReply(wording.help_asked(is_evacuation=told.promise.is_evacuation and not is_over))


def replay(latest: Latest, listen_url: str, question: str = "") -> ChatReply:
    """The newest broadcast once more, with what is asked about it below."""
    below = f"\n\n{question}" if question else ""
    text = _announcement(
        latest.village,
        latest.text,
        is_emergency=latest.is_emergency,
        is_exercise=latest.is_exercise,
        room=MAX_TEXT - len(below),
    )
    buttons: tuple[Button, ...] = ()
    if latest.attempt_id is not None:
        buttons = _buttons(latest.attempt_id, listen_url, offers_help=latest.is_emergency)
    return ChatReply(text + below, _title(latest.title, is_exercise=latest.is_exercise), buttons)


def consent_words(village: KnownVillage) -> str:
    """The question that is kept with the answer as the words of the consent."""
    return (
        f"{village.county} {village.name} 마을방송을 이 대화로 받으시겠습니까? 생활, 행정, 재난 방송을 "
        "보내 드립니다. 그 일에만 쓰려고 이 대화의 사용자 번호를 보관하며, 언제든지 '그만'이라고 적으시면 "
        "그만 받으실 수 있습니다."
    ).strip()


def ask_consent(village: KnownVillage) -> ChatReply:
    return ChatReply(consent_words(village), buttons=(Button("네, 받겠습니다", says=f"동의 {village.code}"),))


def welcome(village: KnownVillage, *, is_new: bool) -> ChatReply:
    known = " 이장님께 성함을 알려 주시면 명단에 적어 드립니다." if is_new else ""
    return ChatReply(
        f"{village.name} 마을방송을 이 대화로 보내 드리겠습니다.{known} "
        "그만 받으시려면 '그만'이라고 적어 주세요.",
        quick=(LISTEN,),
    )


def _title(title: str, *, is_exercise: bool) -> str:
    return f"[훈련] {title}" if is_exercise else title


def _announcement(village: str, text: str, *, is_emergency: bool, is_exercise: bool, room: int) -> str:
    sender = f"[긴급 {village}]" if is_emergency else f"[{village} 마을방송]"
    before = f"{wording.EXERCISE}\n{sender} " if is_exercise else f"{sender} "
    after = f"\n{wording.EXERCISE}" if is_exercise else ""
    body = _cut(text.strip() or SOUND_ONLY, room - len(before) - len(after))
    return before + body + after


def _buttons(attempt_id: AttemptId, listen_url: str, *, offers_help: bool) -> tuple[Button, ...]:
    about = {"attemptId": str(attempt_id)}
    listen = (Button("방송 듣기", url=listen_url),) if listen_url else ()
    ask = (Button("도움 요청", says=HELP_SAYS, extra=about),) if offers_help else ()
    return (*listen, Button("들었습니다", says=HEARD_SAYS, extra=about), *ask)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
