"""Results of Kakao's Event API tasks: which users of one push were not reached.

API: https://kakaobusiness.gitbook.io/main/tool/chatbot/main_notions/event-api
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from broadcast.model import Reason, Receipt, ReceiptKind

SKILL_FAILED = 201  # our own skill did not answer, or not in time


class _Error(BaseModel):
    error_type: int = Field(default=0, alias="errorType")


def _as_error(value: object) -> object:
    # errorMsg is an object in the documentation and sometimes a plain string in life.
    return value if isinstance(value, Mapping) else {}


class _Failure(BaseModel):
    user_id: str = Field(default="", alias="userId")
    error: Annotated[_Error, BeforeValidator(_as_error)] = Field(default_factory=_Error, alias="errorMsg")


class _Failures(BaseModel):
    named: list[_Failure] = Field(default_factory=list, alias="list")


class TaskResult(BaseModel):
    """What GET /v1/tasks/{taskId} answers, as far as it concerns us."""

    fail: _Failures = Field(default_factory=_Failures)


def receipts_of(result: TaskResult, provider: str, task: str, at: datetime) -> Iterator[Receipt]:
    """A FAILED receipt for each user whom the task names; nobody else is claimed to be anything.

    "ALL SUCCESS" is no proof that a message was shown: an event that our skill answered with nothing (it was
    recalled meanwhile) is a success to Kakao too. Who was shown the message is known from the skill request
    itself. A failure without a name (an unknown user key) leaves its attempt as it is.
    """
    for failure in result.fail.named:
        if failure.user_id:
            yield Receipt(
                provider=provider,
                kind=ReceiptKind.FAILED,
                dedupe_key=f"{task}:{_digest(failure.user_id)}",
                at=at,
                reference=task,
                user=failure.user_id,
                reason=_reason(failure),
            )


def _reason(failure: _Failure) -> Reason:
    return Reason.PROVIDER_ERROR if failure.error.error_type == SKILL_FAILED else Reason.UNDELIVERED


def _digest(user: str) -> str:
    # A dedupe key is stored in the clear; a user key is not to be.
    return hashlib.sha256(user.encode()).hexdigest()[:16]
