"""What Kakao answers to a push by the Event API."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from broadcast.ports import HookRequest
from channels.kakao import KakaoSettings
from tests.channels.rig import NOW, PUBLIC_URL, Reply

NAME = "kakao"
SAMPLES = Path(__file__).parents[2] / "data" / "kakao"
BOT = "5ae9b76d7409b11ec845b746!"
REST_KEY = "a-rest-key-that-only-tests-know"
SKILL_SECRET = "a-skill-secret-that-only-tests-know"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


accepted = Reply(200, sample("event_api_response"))
throttled = Reply(429, b'{"message": "too many"}', {"Retry-After": "7"})
permanent = Reply(400, b'{"status": "FAIL", "message": "bad request"}')
misconfigured = Reply(401, b'{"message": "wrong key"}')
garbage = Reply(200, b"<html>Welcome</html>")


def settings(base_url: str, *, timeout_s: float = 15.0) -> KakaoSettings:
    return KakaoSettings(
        bot_id=BOT,
        rest_key=SecretStr(REST_KEY),
        skill_secret=SecretStr(SKILL_SECRET),
        api_base_url=base_url,
        timeout_s=timeout_s,
    )


def skill(request: bytes | dict[str, object], *, secret: str = SKILL_SECRET) -> HookRequest:
    """A skill request as Kakao sends it, with our secret or another ("" for none)."""
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    headers = {"content-type": "application/json"} | ({"x-maeul-skill-secret": secret} if secret else {})
    return HookRequest("POST", "skill", f"{PUBLIC_URL}/hooks/kakao/skill", headers, body, NOW)


def hook() -> HookRequest:
    return skill(sample("skill_request"))


def forged_hooks() -> list[HookRequest]:
    wrong = [
        skill(sample("skill_request"), secret=secret) for secret in ("", "x", SKILL_SECRET + "x", "위조")
    ]
    return [*wrong, replace(wrong[0], headers={"x-maeul-skill-secret": ""})]
