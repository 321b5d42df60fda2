"""The simulator's well-known credentials, so that adapters can be wired to it without any setting.

They open nothing but a simulator; a real account's are given by MAEUL_TWILIO_* and MAEUL_KAKAO_*.
"""

from __future__ import annotations

SIMULATOR_ACCOUNT_SID = "AC" + "0" * 32
SIMULATOR_AUTH_TOKEN = "simulator" + "0" * 23
SIMULATOR_KAKAO_KEY = "simulator-kakao-rest-key"
SIMULATOR_SKILL_SECRET = "simulator-skill-secret"  # noqa: S105 - opens nothing but a simulator
SIMULATOR_BOT_ID = "simulatorbot000000000000"
