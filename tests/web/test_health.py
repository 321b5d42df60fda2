"""Whether the service is alive, ready, and what it counts."""

from __future__ import annotations

import re

import pytest

from tests.web.desk import Served, Village, a_reach


async def test_a_working_service_is_alive_and_ready(served: Served) -> None:
    assert (await served.ask("GET", "/healthz")).json == {"status": "alive"}
    answer = await served.ask("GET", "/readyz")
    assert answer.status == 200
    assert answer.json["checks"] == {"database": "ok", "schema": "ok", "media": "ok"}
    assert any("carrier" in warning for warning in answer.json["warnings"])


async def test_an_old_schema_is_not_ready(served: Served) -> None:
    async with served.office.database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    answer = await served.ask("GET", "/readyz")
    assert answer.status == 503
    assert "maeul db upgrade" in answer.json["checks"]["schema"]


async def test_a_lost_media_folder_is_not_ready(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(key: str, data: bytes, content_type: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(served.maeul.media, "put", full)
    answer = await served.ask("GET", "/readyz")
    assert answer.status == 503
    assert answer.json["checks"]["media"].startswith("failed")
    assert (await served.ask("GET", "/healthz")).status == 200


async def test_figures_are_read_by_prometheus(village: Village) -> None:
    await a_reach(village, (await village.submit()).json["id"])
    text = (await village.served.ask("GET", "/metrics")).body.decode()
    assert 'maeul_deliveries{channel="kakao",state="sent"} 1' in text
    assert 'maeul_reaches{state="open"} 1' in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+(\{([a-z]+="[a-z_]+",?)+\})? \d+', line) for line in lines)
