"""What Twilio answers to an SMS."""

from __future__ import annotations

import json

from broadcast.ports import HookRequest
from tests.channels import twilio
from tests.channels.rig import Reply

NAME = "twilio_sms"
settings = twilio.settings
accepted = Reply(201, json.dumps({"sid": twilio.SMS, "status": "queued", "date_created": None}).encode())
throttled = Reply(429, twilio.error(20429, 429), {"Retry-After": "7"})
permanent = Reply(400, twilio.error(21211))
misconfigured = Reply(401, twilio.error(20003, 401))
garbage = Reply(200, b"<html>Welcome</html>")


def hook() -> HookRequest:
    return twilio.callback(NAME, "status/41", {"MessageSid": twilio.SMS, "MessageStatus": "delivered"})


def forged_hooks() -> list[HookRequest]:
    form = {"MessageSid": twilio.SMS, "MessageStatus": "delivered"}
    return [
        twilio.callback(NAME, "status/41", form, signature=wrong) for wrong in ("", "x", "d3Jvbmc=", "위조")
    ]
