"""What the outside reaches without signing in: hooks, sound, listen pages, health and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from sqlalchemy import insert
from yarl import URL

from broadcast.model import Accepted, Channel, Message, Outcome, Receipt, ReceiptKind
from broadcast.ports import Conversation, HookReply, HookRequest
from broadcast.store.tables import Clip
from broadcast.store.unit import fetch
from tests.builders import Reached
from tests.web.desk import Served, Village, a_reach, count
from tests.web.test_bad_input import is_problem
from voice.rendering import File
from voice.shelf import Shelf
from web.media import asked_range


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Carrier:
    """The smallest adapter with a hook: it tells one receipt, or refuses."""

    name: ClassVar[str] = "carrier"
    channel: ClassVar[Channel] = Channel.SMS
    batch_size: ClassVar[int] = 1

    def __init__(self) -> None:
        self.asked: list[HookRequest] = []
        self.receipts: list[Receipt] = []
        self.status = 200

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Accepted("") for _ in messages]

    async def close(self) -> None: ...

    async def answer(self, request: HookRequest, conversation: Conversation) -> HookReply:
        self.asked.append(request)
        return HookReply(self.receipts, self.status, b"<Response/>", "application/xml")


@pytest.fixture
def carrier(served: Served) -> Carrier:
    carrier = Carrier()
    served.maeul.senders["carrier"] = carrier
    return carrier


async def test_a_hook_sees_the_request_as_it_was_signed(served: Served, carrier: Carrier) -> None:
    answer = await served.ask(
        "POST",
        URL(f"{served.url}/hooks/carrier/status%2F7/x?a=1&b=%20", encoded=True),
        data=b"To=%2B82",
        headers={"X-Signature": "abc", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (
        200,
        b"<Response/>",
        "application/xml",
    )
    (request,) = carrier.asked
    assert request.url == f"{served.url}/hooks/carrier/status%2F7/x?a=1&b=%20"
    assert (request.method, request.body, request.headers["x-signature"]) == ("POST", b"To=%2B82", "abc")
    assert request.path == "status/7/x"


async def test_a_receipt_is_stored_before_it_is_answered(village: Village, carrier: Carrier) -> None:
    reached = await a_reach(village, (await village.submit()).json["id"])
    carrier.receipts = [receipt(village, reached)]
    assert (await village.served.ask("GET", "/hooks/carrier")).status == 200
    assert await state_of(village, reached) == ("heard", "heard")


async def test_a_receipt_that_cannot_be_stored_is_asked_for_again(village: Village, carrier: Carrier) -> None:
    reached = await a_reach(village, (await village.submit()).json["id"])
    carrier.receipts = [receipt(village, reached)]
    async with village.served.office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE receipt RENAME TO elsewhere")
    answer = await village.served.ask("POST", "/hooks/carrier/status")
    is_problem(answer, 500, "internal")


async def test_a_refused_signature_is_answered_as_the_adapter_says(
    village: Village, carrier: Carrier
) -> None:
    carrier.status = 403
    assert (await village.served.ask("POST", "/hooks/carrier/status")).status == 403
    assert await count(village.served.office.database, "receipt") == 0


async def test_an_unknown_channel_is_not_found(served: Served, carrier: Carrier) -> None:
    is_problem(await served.ask("POST", "/hooks/pigeon/status"), 404, "not_found")


async def test_a_huge_callback_is_refused(served: Served, carrier: Carrier) -> None:
    async def endless() -> Any:
        for _ in range(3):
            yield bytes(500_000)

    is_problem(await served.ask("POST", "/hooks/carrier/status", data=endless()), 413, "too_large")
    assert not carrier.asked


def receipt(village: Village, reached: Reached, kind: ReceiptKind = ReceiptKind.HEARD) -> Receipt:
    now = village.served.office.clock.now()
    return Receipt("carrier", kind, f"{kind}:{reached.attempt_id}", now, reached.attempt_id)


async def state_of(village: Village, reached: Reached) -> tuple[str, str]:
    async with village.served.office.database.read() as connection:
        delivery = await fetch(
            connection, "SELECT state FROM delivery WHERE id = :id", id=reached.delivery_id
        )
        reach = await fetch(connection, "SELECT state FROM reach WHERE id = :id", id=reached.reach_id)
    return delivery[0].state, reach[0].state


# --- sound ------------------------------------------------------------------------------------

SOUND = bytes(range(256)) * 1_000


async def a_sound(served: Served, key: str = "renditions/ab/abcd/mp3.mp3") -> str:
    await served.maeul.media.put(key, SOUND, "audio/mpeg")
    return served.maeul.links.media(key)


async def test_sound_comes_whole_under_its_link(served: Served) -> None:
    answer = await served.ask("GET", await a_sound(served))
    assert (answer.status, answer.body) == (200, SOUND)
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in answer.headers["Cache-Control"]


async def test_a_head_request_tells_the_size_alone(served: Served) -> None:
    answer = await served.ask("HEAD", await a_sound(served))
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", str(len(SOUND)))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200), ("bytes=255900-", 255_900, 256_000),
     ("bytes=-10", 255_990, 256_000), ("bytes=0-9999999", 0, 256_000), ("bytes=70000-190000", 70_000, 190_001)],
)  # fmt: skip
async def test_a_range_is_given_as_asked(served: Served, asked: str, start: int, end: int) -> None:
    answer = await served.ask("GET", await a_sound(served), headers={"Range": asked})
    assert (answer.status, answer.body) == (206, SOUND[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/256000"


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_refused(served: Served, asked: str) -> None:
    answer = await served.ask("GET", await a_sound(served), headers={"Range": asked})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */256000")


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-1", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"]
)
def test_a_range_that_is_none_is_ignored(header: str | None) -> None:
    assert asked_range(header, 10) == (0, 10)


async def test_sound_without_its_link_is_not_found(served: Served) -> None:
    url = await a_sound(served)
    other = await a_sound(served, "renditions/ab/abce/mp3.mp3")
    served.maeul.clock.pass_(days=9)
    expired = await served.ask("GET", url)
    is_problem(expired, 404, "not_found")
    query = other.partition("?")[2]
    for path in ("renditions/ab/abcd/mp3.mp3", "../maeul.db", "%2e%2e/maeul.db", ""):
        for asked in (query, "", "e=1&s=2"):
            answer = await served.ask("GET", f"{served.url}/media/{path}?{asked}")
            assert answer.status == 404


async def test_sound_that_is_gone_is_not_found(served: Served) -> None:
    is_problem(await served.ask("GET", served.maeul.links.media("renditions/ab/none.mp3")), 404, "not_found")


# --- the listen page --------------------------------------------------------------------------


async def listened(village: Village, **more: Any) -> tuple[Reached, str]:
    """Somebody reached by chat, and the path of their listen page; its sound is 20 s long."""
    id = (await village.submit(title="단수 <안내>")).json["id"]
    reached = await a_reach(village, id, **more)
    file = File(SOUND, ".mp3", "audio/mpeg", 20.0, -16.0, -1.0)
    await Shelf(village.served.maeul.media).put("ab" * 32, "espeak", {"mp3": file})
    async with village.served.office.database.write() as connection:
        clip = {"broadcast_id": id, "village_id": 0, "part": "text", "hash": "ab" * 32, "seconds": 20.0}
        await connection.execute(insert(Clip).values(**clip))
    return reached, "/listen/" + village.served.maeul.links.listen_token(reached.attempt_id)


async def test_the_listen_page_shows_and_plays_the_broadcast(village: Village) -> None:
    _, path = await listened(village)
    page = await village.served.ask("GET", path)
    text = page.body.decode()
    assert page.status == 200
    assert "단수 &lt;안내&gt;" in text
    assert "내일 오전 9시부터 단수됩니다." in text
    assert f'data-heard="{path}/heard"' in text
    audio = re.search(r'data-audio="([^"]+)"', text)
    assert audio is not None
    sound = await village.served.ask("GET", audio.group(1).replace("&amp;", "&"))
    assert sound.body == SOUND
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("same-origin", "no-store")


async def test_opening_the_page_counts_for_nothing(village: Village) -> None:
    reached, path = await listened(village)
    await village.served.ask("GET", path)
    assert await state_of(village, reached) == ("sent", "open")


async def test_who_listened_to_the_end_has_heard(village: Village) -> None:
    reached, path = await listened(village)
    for _ in range(2):
        answer = await village.served.ask("POST", f"{path}/heard", data={"seconds": "18.2", "of": "20.1"})
        assert answer.status == 204
    assert await state_of(village, reached) == ("heard", "heard")
    assert await count(village.served.office.database, "receipt") == 1


@pytest.mark.parametrize(
    "played",
    [{"seconds": 17, "of": 20}, {"seconds": 1, "of": 1}, {"seconds": 20}, {"seconds": -1, "of": 20},
     {"seconds": "NaN", "of": 20}, {"seconds": 20, "of": 0}, {}],
)  # fmt: skip
async def test_less_than_the_whole_is_not_heard(village: Village, played: dict[str, Any]) -> None:
    reached, path = await listened(village)
    answer = await village.served.ask(
        "POST", f"{path}/heard", data={name: str(value) for name, value in played.items()}
    )
    is_problem(answer, 422, "invalid")
    assert await state_of(village, reached) == ("sent", "open")


async def test_the_button_confirms_and_comes_back_to_the_page(village: Village) -> None:
    reached, path = await listened(village)
    answer = await village.served.ask("POST", f"{path}/confirm")
    assert (answer.status, answer.headers["Location"]) == (303, path)
    assert await state_of(village, reached) == ("confirmed", "confirmed")
    assert "확인했습니다" in (await village.served.ask("GET", path)).body.decode()


async def test_a_broadcast_taken_back_is_not_played(village: Village) -> None:
    _, path = await listened(village)
    async with village.served.office.database.write() as connection:
        await connection.exec_driver_sql("UPDATE broadcast SET state = 'recalled'")
    text = (await village.served.ask("GET", path)).body.decode()
    assert "취소되었습니다" in text
    assert "data-audio" not in text
    assert "단수됩니다" not in text


async def test_a_strange_token_is_not_found(served: Served) -> None:
    for path in ("/listen/abc", "/listen/%EA%B0%80", "/listen/" + served.maeul.links.listen_token(99)):  # type: ignore[arg-type]  # a plain number
        is_problem(await served.ask("GET", path), 404, "not_found")
        is_problem(await served.ask("POST", f"{path}/confirm"), 404, "not_found")


# --- health -----------------------------------------------------------------------------------
