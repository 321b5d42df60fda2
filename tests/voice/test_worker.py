"""Child processes: what they answer, how they die, and that the next call works all the same."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broadcast.errors import NotAudio
from voice.decoding import Limits, decode_now
from voice.worker import TookTooLong, WorkerDied, Workers


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers("test")
    yield workers
    await workers.close()


async def test_work_is_done_in_another_process(workers: Workers) -> None:
    assert await workers.run(30.0, os.getpid) != os.getpid()
    assert await workers.run(30.0, math.gcd, 12, 18) == 6


async def test_one_child_serves_many_calls(workers: Workers) -> None:
    assert await workers.run(30.0, os.getpid) == await workers.run(30.0, os.getpid)


async def test_a_crash_costs_one_call_only(workers: Workers) -> None:
    with pytest.raises(WorkerDied):
        await workers.run(30.0, os.abort)
    assert await workers.run(30.0, math.gcd, 12, 18) == 6


async def test_a_child_killed_while_idle_is_replaced_unseen() -> None:
    workers = Workers("test", retries=1)
    child = await workers.run(30.0, os.getpid)
    os.kill(child, signal.SIGKILL)
    assert await workers.run(30.0, os.getpid) != child
    await workers.close()


async def test_input_that_kills_every_child_ends_after_the_retries() -> None:
    workers = Workers("test", retries=1)
    with pytest.raises(WorkerDied):
        await workers.run(30.0, os.abort)
    await workers.close()


async def test_a_child_that_stalls_is_killed_at_its_deadline(workers: Workers) -> None:
    with pytest.raises(TookTooLong):
        await workers.run(0.05, time.sleep, 50)
    assert await workers.run(30.0, math.gcd, 12, 18) == 6


async def test_mistakes_travel_with_their_sentences(workers: Workers) -> None:
    with pytest.raises(NotAudio) as refusal:
        await workers.run(30.0, decode_now, b"no sound", Limits())
    assert refusal.value.field == "file"
    assert refusal.value.detail_ko != refusal.value.detail


async def test_an_answer_of_foreign_classes_is_not_even_built(workers: Workers) -> None:
    with pytest.raises(WorkerDied):
        await workers.run(30.0, Path.cwd)


async def test_children_are_renewed_after_their_share_of_calls() -> None:
    workers = Workers("short", tasks=1)
    assert await workers.run(30.0, os.getpid) != await workers.run(30.0, os.getpid)
    await workers.close()


async def test_children_do_not_know_our_settings(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAEUL_SECRET_KEY", "secret")
    assert await workers.run(30.0, os.getenv, "MAEUL_SECRET_KEY") is None


async def test_closed_workers_start_no_more_children(workers: Workers) -> None:
    await workers.close()
    with pytest.raises((WorkerDied, RuntimeError)):
        await workers.run(30.0, os.getpid)
