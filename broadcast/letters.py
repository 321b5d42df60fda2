"""Words of one message: what an SMS, a chat message or an errand says to the person it goes to."""

from __future__ import annotations

from datetime import datetime, timedelta

from broadcast import wording
from broadcast.links import Links
from broadcast.model import AttemptId, CapStatus, Channel, Message, Priority, Purpose
from broadcast.work import Claimed

LIST_LIFE = timedelta(hours=6)
OWN_WORDS = frozenset({Purpose.ANNOUNCEMENT, Purpose.LISTEN_ALONG})


class Letters:
    """Turns a claimed delivery into the message of one attempt. Quick and pure but for the link's signature."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def compose(self, claimed: Claimed, attempt_id: AttemptId, begun_at: datetime) -> Message:
        return Message(
            attempt_id=attempt_id,
            broadcast_id=claimed.broadcast_id,
            purpose=claimed.purpose,
            priority=claimed.priority,
            channel=claimed.channel,
            to=claimed.to,
            title=claimed.title,
            text=words(claimed),
            begun_at=begun_at,
            expires_at=good_until(claimed, begun_at),
            caller=claimed.caller,
            listen_url=self._links.listen(attempt_id) if claimed.channel is Channel.KAKAO else "",
            cap_status=claimed.cap_status,
        )


def good_until(claimed: Claimed, begun_at: datetime) -> datetime:
    """A missed list is told after its broadcast's end, so it has a while of its own."""
    if claimed.purpose is Purpose.MISSED_LIST:
        return max(claimed.expires_at, begun_at + LIST_LIFE)
    return claimed.expires_at


def words(claimed: Claimed) -> str:
    """The text in the form of its channel; a recording without text names its title."""
    if claimed.purpose not in OWN_WORDS:
        return claimed.text
    text = claimed.text or f"{claimed.title}. 음성 방송입니다."
    if claimed.cap_status is not CapStatus.ACTUAL:
        text = f"{wording.EXERCISE} {text}"
    if claimed.channel is not Channel.SMS:
        return text
    return wording.sms(
        claimed.village,
        text,
        claimed.callback,
        is_emergency=claimed.priority is Priority.EMERGENCY,
        county=claimed.county,
    )
