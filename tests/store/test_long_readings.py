"""Readings too long for the telephone are texted, and who has only a landline is told of."""

from __future__ import annotations

import pytest

from broadcast.model import Priority
from broadcast.ports import ClipInfo
from broadcast.render import Part
from tests.builders import a_resident
from tests.store.works import Works


@pytest.mark.parametrize(("seconds", "channel"), [(90.0, "voice"), (90.5, "sms")])
async def test_a_routine_reading_over_90_s_is_texted_and_not_phoned(
    works: Works, seconds: float, channel: str
) -> None:
    await a_resident(works.office)
    await works.broadcast(voiced=False)
    await works.course.rendered((await works.course.to_render(1))[0].id, reading_of(seconds))
    await works.fan_out()
    assert await works.deliveries() == [(channel, "queued")]


async def test_whom_only_a_landline_reaches_is_missed_when_it_is_too_long(works: Works) -> None:
    """Nobody waits an hour for a ladder that has nothing for them, and no rung calls after all."""
    resident = await a_resident(works.office, phone="033-481-1234")
    await works.write("UPDATE address SET can_sms = false")
    await works.broadcast(voiced=False)
    await works.course.rendered((await works.course.to_render(1))[0].id, reading_of(120.0))
    await works.fan_out()
    await works.escalator.run_due()
    assert await works.deliveries() == []
    (reach,) = await works.rows("SELECT resident_id, state FROM reach")
    assert (reach.resident_id, reach.state) == (resident, "missed")


async def test_an_urgent_reading_is_phoned_however_long_it_is(works: Works) -> None:
    await a_resident(works.office)
    await works.broadcast(Priority.URGENT, voiced=False)
    await works.course.rendered((await works.course.to_render(1))[0].id, reading_of(120.0))
    await works.fan_out()
    assert await works.deliveries() == [("voice", "queued")]


def reading_of(seconds: float) -> list[Part]:
    return [Part("text", 0, ClipInfo("hash", seconds, "espeak"))]
