"""What receipts make of an attempt and its delivery, in whatever order and how often they come."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.lifecycle import StopReason
from broadcast.model import AttemptId, Channel, DeliveryState, Priority, Reason, Receipt
from broadcast.model import ReceiptKind as K
from broadcast.policy import SETTLES_AFTER
from broadcast.receipts import Judgement, after, is_good, judge, overtakes, settle
from broadcast.work import AttemptFacts, Change, DeliveryFacts
from tests.core.facts import DECIDER, NOW, OPEN, a_delivery, an_attempt

D = DeliveryState
_numbers = itertools.count()

HEARD_BY_A_HUMAN = (K.RINGING, K.ANSWERED, K.HUMAN, K.PLAYED, K.COMPLETED)
CALLS: dict[tuple[K, ...], DeliveryState] = {
    HEARD_BY_A_HUMAN: D.HEARD,
    (K.RINGING, K.ANSWERED, K.NOT_KNOWN, K.PLAYED, K.COMPLETED): D.DELIVERED,
    (K.RINGING, K.ANSWERED, K.MACHINE, K.PLAYED, K.COMPLETED): D.HELD,
    (K.RINGING, K.ANSWERED, K.HUMAN, K.COMPLETED): D.HELD,
    (K.RINGING, K.ANSWERED, K.HUMAN, K.PLAYED, K.KEYED, K.COMPLETED): D.CONFIRMED,
    (K.RINGING, K.ANSWERED, K.MACHINE, K.KEYED, K.COMPLETED): D.CONFIRMED,
    (K.RINGING, K.BUSY): D.HELD,
    (K.RINGING, K.NO_ANSWER): D.HELD,
    (K.FAILED,): D.HELD,
    (K.REFUSED,): D.FAILED,
}


def said(kind: K, key: str = "1", **more: object) -> Receipt:
    made = Receipt("twilio_voice", kind, f"{kind}{next(_numbers)}", NOW, OPEN, reference="CA1")
    made = replace(made, key=key if kind is K.KEYED else "")
    return replace(made, **more)  # type: ignore[arg-type]  # fields of Receipt by name


class Line:
    """One delivery and one attempt of it, as the tables would hold them between batches of receipts."""

    def __init__(self, delivery: DeliveryFacts, attempt: AttemptFacts | None = None) -> None:
        self.delivery = delivery
        self.attempt = attempt or an_attempt()
        self.changes: list[Change] = []
        self.asks_help = False

    def hears(self, *receipts: Receipt) -> DeliveryState:
        self._take(judge(DECIDER, self.delivery, self.attempt, receipts, NOW))
        return self.delivery.state

    def waits(self) -> DeliveryState:
        self._take(settle(DECIDER, self.delivery, self.attempt, NOW + SETTLES_AFTER))
        return self.delivery.state

    def _take(self, judged: Judgement) -> None:
        self.attempt = judged.attempt
        self.asks_help = self.asks_help or judged.asks_help
        if judged.change is not None:
            self.changes.append(judged.change)
            self.delivery = after(self.delivery, judged.change)


# --- any order, any repetition ----------------------------------------------------------------


@given(st.sampled_from(sorted(CALLS)), st.sampled_from([D.SENDING, D.SENT, D.UNCONFIRMED]), st.data())
def test_any_order_and_repetition_ends_the_same(
    call: tuple[K, ...], state: DeliveryState, data: st.DataObject
) -> None:
    kinds = data.draw(st.permutations(call))
    repeats = data.draw(st.lists(st.sampled_from(call), max_size=4))
    line = Line(a_delivery(state))
    batch: list[Receipt] = []
    for kind in (*kinds, *repeats):
        batch.append(said(kind))
        if data.draw(st.booleans()):
            line.hears(*batch)
            batch.clear()
    line.hears(*batch)
    assert line.delivery.state is CALLS[call]
    assert line.delivery.tries == 1
    assert line.attempt.settle_at is None


@given(st.permutations([K.DELIVERED, K.HEARD, K.TAPPED, K.FAILED, K.REFUSED]))
def test_good_news_about_a_text_wins_in_any_order(kinds: Sequence[K]) -> None:
    line = Line(a_delivery(D.SENT, channel=Channel.KAKAO))
    for kind in kinds:
        line.hears(said(kind))
    assert line.delivery.state is D.CONFIRMED


@given(
    st.sampled_from(sorted(D)), st.lists(st.sampled_from(sorted(K)), max_size=12), st.sampled_from(Channel)
)
def test_good_news_never_fades(state: DeliveryState, kinds: Sequence[K], channel: Channel) -> None:
    rank = {D.DELIVERED: 1, D.HEARD: 2, D.CONFIRMED: 3}
    line = Line(a_delivery(state, channel=channel))
    best = rank.get(state, 0)
    for kind in kinds:
        line.hears(said(kind))
        assert rank.get(line.delivery.state, 0) >= best
        best = rank.get(line.delivery.state, 0)


# --- pieces of a call -------------------------------------------------------------------------


def test_a_verdict_is_waited_for_and_then_done_without() -> None:
    line = Line(a_delivery(D.SENT))
    assert line.hears(said(K.PLAYED), said(K.COMPLETED)) is D.SENT
    assert line.attempt.settle_at == NOW + SETTLES_AFTER
    assert line.waits() is D.DELIVERED
    assert line.hears(said(K.HUMAN)) is D.HEARD  # it comes after all
    assert line.attempt.settle_at is None


def test_a_late_end_of_the_reading_undoes_a_hang_up() -> None:
    line = Line(a_delivery(D.SENT))
    assert line.hears(said(K.COMPLETED), said(K.HUMAN)) is D.HELD
    assert line.attempt.reason is Reason.HUNG_UP_EARLY
    assert line.hears(said(K.PLAYED)) is D.HEARD
    assert line.attempt.reason is None  # so that it does not count as a miss


def test_voicemail_is_not_heard_however_long_it_ran() -> None:
    line = Line(a_delivery(D.SENT))
    line.hears(said(K.MACHINE), said(K.PLAYED), said(K.COMPLETED, seconds=90.0))
    assert (line.delivery.state, line.attempt.reason) == (D.HELD, Reason.VOICEMAIL)
    assert line.attempt.seconds == 90.0


def test_a_receipt_that_overtakes_its_own_reply_is_applied() -> None:
    assert Line(a_delivery(D.SENDING)).hears(*map(said, HEARD_BY_A_HUMAN)) is D.HEARD
    assert Line(a_delivery(D.SENDING)).hears(said(K.NO_ANSWER)) is D.HELD


def test_who_tells_of_an_unconfirmed_call_must_have_it() -> None:
    line = Line(a_delivery(D.UNCONFIRMED))
    assert line.hears(said(K.RINGING)) is D.SENT
    assert line.attempt.reference == "CA1"
    assert line.delivery.lease_until == NOW + timedelta(minutes=15)


def test_a_late_no_answer_does_not_touch_the_open_attempt() -> None:
    line = Line(a_delivery(D.SENT, attempt_id=AttemptId(8), tries=2))
    for kind in (K.NO_ANSWER, K.REFUSED):
        assert line.hears(said(kind)) is D.SENT
    assert line.delivery.attempt_id == AttemptId(8)
    assert line.attempt.reason is Reason.NO_ANSWER  # but is known


def test_late_good_news_of_an_earlier_attempt_counts_and_stops_the_next() -> None:
    before = a_delivery(D.SENT, attempt_id=AttemptId(8), tries=2)
    line = Line(before)
    assert line.hears(*map(said, HEARD_BY_A_HUMAN)) is D.HEARD
    assert line.delivery.attempt_id == OPEN
    assert overtakes(line.changes[-1], before)
    assert not overtakes(line.changes[-1], replace(before, priority=Priority.EMERGENCY))
    assert not overtakes(line.changes[-1], replace(before, attempt_id=OPEN))


# --- keys -------------------------------------------------------------------------------------


def test_nine_after_one_still_asks_for_help() -> None:
    line = Line(a_delivery(D.SENT, priority=Priority.EMERGENCY))
    assert line.hears(said(K.KEYED, "1")) is D.CONFIRMED
    assert not line.asks_help
    assert line.hears(said(K.KEYED, "9")) is D.CONFIRMED
    assert line.asks_help
    assert line.attempt.keys == "19"


@pytest.mark.parametrize("key", ["2", "0"])
def test_asking_for_a_replay_or_a_stop_confirms_nothing(key: str) -> None:
    line = Line(a_delivery(D.SENT))
    assert line.hears(said(K.KEYED, key)) is D.SENT
    assert line.changes == []


def test_a_key_outweighs_voicemail_and_a_missing_end() -> None:
    line = Line(a_delivery(D.SENT))
    assert line.hears(said(K.MACHINE), said(K.COMPLETED)) is D.HELD
    assert line.hears(said(K.KEYED)) is D.CONFIRMED
    assert is_good(line.changes[-1])


# --- taken back, and texts --------------------------------------------------------------------


@pytest.mark.parametrize("asked", StopReason)
def test_the_final_receipt_settles_what_was_to_stop(asked: StopReason) -> None:
    line = Line(a_delivery(D.SENT, stop_asked=asked))
    assert line.hears(said(K.STOPPED)) not in (D.HELD, D.QUEUED)
    heard_first = Line(a_delivery(D.SENT, stop_asked=asked))
    assert heard_first.hears(*map(said, HEARD_BY_A_HUMAN)) is D.HEARD


@pytest.mark.parametrize("state", [D.CANCELLED, D.EXPIRED, D.FAILED])
def test_late_good_news_wins_over_every_end(state: DeliveryState) -> None:
    assert Line(a_delivery(state)).hears(*map(said, HEARD_BY_A_HUMAN)) is D.HEARD
    assert Line(a_delivery(state)).hears(said(K.KEYED)) is D.CONFIRMED


def test_a_text_that_failed_is_tried_again_once_a_receipt() -> None:
    line = Line(a_delivery(D.SENT, channel=Channel.SMS))
    assert line.hears(said(K.FAILED), said(K.FAILED)) is D.HELD
    assert line.delivery.reason is Reason.UNDELIVERED
    assert line.delivery.due_at == NOW + timedelta(minutes=1)


def test_a_refusal_names_why() -> None:
    line = Line(a_delivery(D.SENT, channel=Channel.SMS))
    assert line.hears(said(K.REFUSED, reason=Reason.OPTED_OUT)) is D.FAILED
    assert line.delivery.reason is Reason.OPTED_OUT
