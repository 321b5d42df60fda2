"""What ran out of time: given back, looked up, sent again, or given up for the next rung."""

from __future__ import annotations

from datetime import timedelta

from broadcast.model import Accepted, Channel, Deferred, Priority, Reason, ReceiptKind, Unclear
from broadcast.ports import LooksUp
from tests.builders import a_resident
from tests.store.works import Works

LANDLINE = "033-481-1234"


class Deaf:
    """A provider that cannot be asked."""

    def __init__(self, name: str) -> None:
        self.name = name


async def states(works: Works) -> list[str]:
    return [state for _, state in await works.deliveries()]


async def begin_and_vanish(works: Works, priority: Priority = Priority.ROUTINE) -> None:
    """The worker dies between the begin and its answer."""
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast(priority)
    await works.turn_over(await works.claim(Channel.VOICE))


async def test_a_claim_whose_worker_died_goes_back_to_the_queue(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast()
    await works.claim(Channel.VOICE)
    await works.pass_(seconds=59)
    assert await states(works) == ["claimed"]
    await works.pass_(seconds=1)
    assert await states(works) == ["queued"]
    assert [row.tries for row in await works.rows("SELECT tries FROM delivery")] == [0]


async def test_a_begin_whose_worker_died_is_looked_up_and_found(works: Works) -> None:
    await begin_and_vanish(works)
    began_at = works.clock.now()
    await works.pass_(seconds=60)
    (asked,) = works.carriers[Channel.VOICE].asked
    assert (asked.to, asked.begun_at) == ("+82334811234", began_at)
    assert await states(works) == ["sent"]
    (row,) = await works.rows("SELECT reference FROM attempt")
    assert row.reference == f"found-{asked.attempt_id}"


async def test_a_begin_that_never_left_is_sent_again_without_a_try_lost(works: Works) -> None:
    await begin_and_vanish(works)
    works.carriers[Channel.VOICE].knows = lambda _: Deferred(Reason.PROVIDER_ERROR)
    await works.pass_(seconds=60)
    assert await states(works) == ["held"]
    await works.pass_(seconds=5)
    assert len(await works.hand_over(Channel.VOICE)) == 1
    assert [row.tries for row in await works.rows("SELECT tries FROM delivery")] == [1]


async def test_who_cannot_say_yet_is_asked_again(works: Works) -> None:
    await begin_and_vanish(works)
    carrier = works.carriers[Channel.VOICE]
    carrier.knows = lambda _: Unclear("not listed yet")
    await works.pass_(seconds=60)
    for _ in range(3):
        assert await states(works) == ["unconfirmed"]
        await works.pass_(seconds=5)
    assert len(carrier.asked) == 4
    await works.pass_(minutes=11)
    assert await states(works) == ["failed"]
    await works.tick()
    assert await works.reaches() == ["missed"]  # a landline has no further rung


async def test_without_a_look_up_an_emergency_is_sent_again_and_others_are_not(works: Works) -> None:
    works.reaper.inquiries._senders = {"voice": Deaf("voice")}  # type: ignore[dict-item]  # no Sender: only asked
    assert not isinstance(Deaf("voice"), LooksUp)
    await begin_and_vanish(works)
    await works.broadcast(Priority.EMERGENCY)
    await works.pass_(seconds=60)
    assert await states(works) == ["failed", "queued"]
    (attempt,) = await works.hand_over(Channel.VOICE)
    numbers = await works.rows("SELECT number FROM attempt WHERE id = :id", id=attempt)
    assert [row.number for row in numbers] == [1]


async def test_two_begun_texts_to_one_number_find_one_each(works: Works) -> None:
    """The provider lists both; what one attempt holds is not another's."""
    await a_resident(works.office, phone="010-1234-5678")
    carrier = works.carriers[Channel.SMS]

    def knows(message: object) -> Accepted | Deferred:
        taken = getattr(message, "taken", ())
        free = [sid for sid in ("SM1", "SM2", "SM3") if sid not in taken]
        return Accepted(free[0]) if free else Deferred(Reason.PROVIDER_ERROR)

    carrier.knows = knows
    await works.broadcast(Priority.EMERGENCY)
    await works.hand_over(Channel.SMS, Accepted("SM1"))
    for _ in range(2):
        await works.broadcast(Priority.EMERGENCY, who=works.officer)
    await works.turn_over(await works.claim(Channel.SMS))
    await works.pass_(seconds=60)
    found = [row.reference for row in await works.rows("SELECT reference FROM attempt")]
    assert sorted(found) == ["SM1", "SM2", "SM3"]


async def test_an_accepted_call_without_a_word_is_given_up(works: Works) -> None:
    await a_resident(works.office, phone="010-1234-5678")
    await works.broadcast(Priority.URGENT)
    await works.hand_over(Channel.VOICE)
    await works.pass_(minutes=14)
    assert (await states(works))[0] == "sent"
    await works.pass_(minutes=1)
    assert (await states(works))[0] == "failed"
    reasons = await works.rows("SELECT reason FROM delivery WHERE channel = 'voice'")
    assert [row.reason for row in reasons] == ["no_receipt"]


async def test_a_call_that_is_taken_back_while_unknown_is_stopped_when_found(works: Works) -> None:
    await begin_and_vanish(works, Priority.EMERGENCY)
    await works.composer.recall(works.last, works.head)
    assert await states(works) == ["sending"]
    await works.pass_(seconds=60)
    (asked,) = works.carriers[Channel.VOICE].asked
    assert works.carriers[Channel.VOICE].stopped == [f"found-{asked.attempt_id}"]
    await works.receive(asked.attempt_id, ReceiptKind.STOPPED)
    assert await states(works) == ["cancelled"]


async def test_a_missing_verdict_is_done_without_after_half_a_minute(works: Works) -> None:
    await a_resident(works.office, phone=LANDLINE)
    await works.broadcast()
    (attempt,) = await works.hand_over(Channel.VOICE)
    await works.receive(attempt, ReceiptKind.PLAYED, ReceiptKind.COMPLETED)
    assert await works.leases.next_moment() == works.clock.now() + timedelta(seconds=30)
    await works.pass_(seconds=30)
    assert await states(works) == ["delivered"]
    assert await works.reaches() == ["open"]


async def test_a_restart_of_the_only_process_takes_up_what_was_left(works: Works) -> None:
    await begin_and_vanish(works)
    await a_resident(works.office, phone="033-481-5678")
    await works.broadcast()
    await works.claim(Channel.VOICE, 1)
    await works.leases.orphan(works.clock.now())
    await works.tick()
    assert sorted(await states(works)) == ["queued", "queued", "sent"]


async def test_nothing_is_due_in_an_empty_house(works: Works) -> None:
    assert await works.leases.next_moment() is None
    await works.tick()
