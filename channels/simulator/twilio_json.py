"""Calls and messages as Twilio's REST resources show them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from channels.simulator.records import Call, Sms

VERSION = "2010-04-01"
GSM_SINGLE, GSM_PART, UCS_SINGLE, UCS_PART = 160, 153, 70, 67


def call_json(account: str, call: Call) -> dict[str, object]:
    uri = f"/{VERSION}/Accounts/{account}/Calls/{call.sid}"
    return {
        "account_sid": account,
        "answered_by": call.answered_by,
        "api_version": VERSION,
        "caller_name": None,
        "date_created": _moment(call.created_at),
        "date_updated": _moment(call.updated_at),
        "direction": call.direction,
        "duration": str(call.talked_s) if call.is_over else None,
        "end_time": _moment(call.ended_at),
        "forwarded_from": None,
        "from": call.caller,
        "from_formatted": call.caller,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": _moment(call.started_at),
        "status": call.status,
        "subresource_uris": {
            name: f"{uri}/{path}.json"
            for name, path in {"notifications": "Notifications", "recordings": "Recordings"}.items()
        },
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def sms_json(account: str, sms: Sms) -> dict[str, object]:
    uri = f"/{VERSION}/Accounts/{account}/Messages/{sms.sid}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "body": sms.body,
        "date_created": _moment(sms.created_at),
        "date_sent": _moment(sms.sent_at),
        "date_updated": _moment(sms.updated_at),
        "direction": sms.direction,
        "error_code": sms.error_code,
        "error_message": None,
        "from": sms.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments(sms.body)),
        "price": None,
        "price_unit": "USD",
        "sid": sms.sid,
        "status": sms.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": sms.to,
        "uri": f"{uri}.json",
    }


def segments(body: str) -> int:
    """How many SMS this text is billed as; anything outside ASCII goes as UCS-2 (close enough to GSM-7)."""
    units = len(body) if body.isascii() else len(body.encode("utf-16-le")) // 2
    single, part = (GSM_SINGLE, GSM_PART) if body.isascii() else (UCS_SINGLE, UCS_PART)
    return 1 if units <= single else -(-units // part)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else format_datetime(at.astimezone(UTC))
