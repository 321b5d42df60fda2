"""One example for everything that the API takes and gives, as its description shows them."""

from __future__ import annotations

from typing import Any

VILLAGE = "4182025021"
AT = "2026-03-04T01:00:00Z"

MADE = {"id": 17, "state": "rendering", "url": "https://maeul.example.kr/api/v1/broadcasts/17"}

BROADCASTS: dict[str, Any] = {
    "routine": {
        "summary": "An everyday notice, now",
        "value": {
            "title": "단수 안내",
            "text": "내일 5일 오전 9시부터 12시까지 단수됩니다. 물을 받아 두세요.",
            "villages": [VILLAGE],
        },
    },
    "recorded": {
        "summary": "A recording, this evening",
        "value": {
            "title": "마을 회의",
            "recording_id": 3,
            "villages": [VILLAGE],
            "scheduled_at": "2026-03-04T18:00:00+09:00",
        },
    },
    "emergency": {
        "summary": "An evacuation; CAP's words decide the priority",
        "value": {
            "title": "산불 대피",
            "text": "지금 샘골초등학교로 대피하십시오. 뒷산에 불이 났습니다.",
            "villages": [VILLAGE],
            "category": "disaster",
            "severity": "Extreme",
            "urgency": "Immediate",
            "certainty": "Observed",
            "response_type": "Evacuate",
            "expires_at": "2026-03-04T13:00:00+09:00",
        },
    },
}

BROADCAST: dict[str, Any] = {
    "id": 17,
    "state": "sending",
    "title": "단수 안내",
    "text": "내일 5일 오전 9시부터 12시까지 단수됩니다. 물을 받아 두세요.",
    "recording_id": None,
    "villages": [VILLAGE],
    "priority": "ROUTINE",
    "category": "notice",
    "cap_status": "Actual",
    "msg_type": "Alert",
    "severity": None,
    "urgency": None,
    "certainty": None,
    "response_type": None,
    "refers_to": None,
    "author": "샘골리 이장",
    "needs_approval": False,
    "approved_by": None,
    "approval_basis": None,
    "voice_state": "ready",
    "engine": "espeak",
    "seconds": 7.4,
    "round": 1,
    "created_at": AT,
    "scheduled_at": AT,
    "expires_at": "2026-03-05T01:00:00Z",
    "approved_at": None,
    "started_at": "2026-03-04T01:00:02Z",
    "ended_at": None,
    "reaches": {"open": 9, "heard": 40, "confirmed": 3},
    "deliveries": {"queued": 2, "sent": 7, "heard": 40, "confirmed": 3},
    "by_channel": {"kakao": {"heard": 21, "sent": 4}, "voice": {"queued": 2, "heard": 19}},
}

REACH: dict[str, Any] = {
    "reach_id": 801,
    "resident_id": 52,
    "name": "박순자",
    "village": VILLAGE,
    "state": "heard",
    "rung": 1,
    "channel": "voice",
    "delivery_state": "heard",
    "reason": None,
    "attempts": 2,
    "channels": {"kakao": "sent", "voice": "heard"},
    "needs_help": False,
    "on_door_list": False,
    "deadline_at": None,
    "heard_at": "2026-03-04T02:03:20Z",
    "confirmed_at": None,
}

ATTEMPT: dict[str, Any] = {
    "number": 1,
    "provider": "twilio_voice",
    "begun_at": "2026-03-04T02:00:01Z",
    "outcome": "accepted",
    "reason": None,
    "call_status": "completed",
    "answered_by": "human",
    "keys": "1",
    "seconds": 21.0,
    "ended_at": "2026-03-04T02:00:30Z",
}

DELIVERY: dict[str, Any] = {
    "id": 4711,
    "purpose": "announcement",
    "channel": "voice",
    "state": "confirmed",
    "reason": None,
    "stop_asked": None,
    "round": 1,
    "tries": 1,
    "village": VILLAGE,
    "address": "+8210****78",
    "due_at": None,
    "updated_at": "2026-03-04T02:00:31Z",
    "attempts": [ATTEMPT],
}

RECORDING = {
    "id": 3,
    "seconds": 12.4,
    "truncated": False,
    "warnings": [],
    "url": "https://maeul.example.kr/media/recordings/ab/abcd?e=1772841600&s=4Tn1v3",
}

ADDRESS = {
    "id": 9,
    "kind": "phone",
    "masked": "+8210****78",
    "value": None,
    "can_ring": True,
    "can_sms": True,
    "is_suppressed": False,
    "is_dead": False,
    "dead_reason": None,
}

CONSENT = {
    "category": "notice",
    "given_at": AT,
    "given_how": "paper",
    "given_words": "마을방송을 전화로 받겠습니다.",
    "withdrawn_at": None,
    "withdrawn_how": None,
}

RESIDENT: dict[str, Any] = {
    "id": 52,
    "village": VILLAGE,
    "name": "박순자",
    "language": "ko",
    "born_in": 1941,
    "flags": {
        "hard_of_hearing": False,
        "cannot_walk": False,
        "lives_alone": True,
        "wants_calls": True,
        "wants_slow": True,
        "in_drills": False,
    },
    "route_rank": 4,
    "absence": None,
    "absent_until": None,
    "moved_at": None,
    "deceased_at": None,
    "addresses": [ADDRESS],
    "consents": [CONSENT],
}

RESIDENT_IN: dict[str, Any] = {
    "enrol": {
        "summary": "Somebody who agreed on paper",
        "value": {
            "village": VILLAGE,
            "name": "박순자",
            "born_in": 1941,
            "lives_alone": True,
            "wants_slow": True,
            "addresses": [{"kind": "phone", "value": "010-1234-5678"}],
            "consent": {
                "categories": ["notice", "administrative", "disaster"],
                "how": "paper",
                "words": "마을방송을 전화로 받겠습니다.",
            },
        },
    }
}

GUARDIAN: dict[str, Any] = {
    "id": 6,
    "name": "박지훈",
    "listens": True,
    "told": True,
    "rank": 0,
    "agreed_at": AT,
    "agreed_how": "paper",
    "addresses": [ADDRESS],
}

GUARDIAN_IN: dict[str, Any] = {
    "son": {
        "summary": "A son who listens along and is told",
        "value": {
            "name": "박지훈",
            "addresses": [{"kind": "phone", "value": "010-2345-6789"}],
            "agreed_how": "paper",
        },
    }
}

VILLAGE_OUT: dict[str, Any] = {
    "id": 1,
    "code": VILLAGE,
    "name": "샘골리",
    "township": "북면",
    "caller_number": "+82315550100",
    "calls_open_at": "06:30",
    "head_name": "김이장",
    "residents": 52,
}

VILLAGE_IN: dict[str, Any] = {
    "village": {
        "summary": "A village whose calls may begin early",
        "value": {
            "code": VILLAGE,
            "name": "샘골리",
            "township": "북면",
            "caller_number": "031-555-0100",
            "calls_open_at": "06:30",
            "head_name": "김이장",
        },
    }
}

ME = {"name": "샘골리 이장", "role": "head", "signed_in_by": "token", "at": AT}


def page(item: object) -> dict[str, object]:
    return {"items": [item], "next_cursor": None}


def body(examples: dict[str, Any]) -> dict[str, Any]:
    """Examples for a JSON body, for `openapi_extra=`."""
    return {"requestBody": {"content": {"application/json": {"examples": examples}}}}


def only(summary: str, value: object) -> dict[str, Any]:
    return body({"example": {"summary": summary, "value": value}})
