"""Kakao's skill request: who said what, and about which of our messages. Unknown fields are ignored.

API: https://kakaobusiness.gitbook.io/main/tool/chatbot/skill_guide/answer_json_format
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, Field

from broadcast.model import AttemptId
from broadcast.ports import ChatInput
from channels._attempt import attempt_id

ATTEMPT = "attemptId"


class _User(BaseModel):
    id: str = Field(min_length=1, max_length=200)
    properties: dict[str, object] | None = None


class _UserRequest(BaseModel):
    user: _User
    utterance: str | None = ""
    params: dict[str, object] | None = None


class _Action(BaseModel):
    client_extra: dict[str, object] | None = Field(default=None, alias="clientExtra")


class _Trigger(BaseModel):
    type: str | None = ""


class _Flow(BaseModel):
    trigger: _Trigger | None = None


class SkillRequest(BaseModel):
    """The part of a skill request that we use."""

    user_request: _UserRequest = Field(alias="userRequest")
    action: _Action | None = None
    flow: _Flow | None = None

    @property
    def is_push(self) -> bool:
        """Kakao asks for the message of an event that we sent; nobody said anything."""
        return bool(self.flow and self.flow.trigger and self.flow.trigger.type == "EVENT")

    @property
    def attempt_id(self) -> AttemptId | None:
        """Ours: from the button that was tapped, or from the push. A user's properties outlive a push, so
        they tell nothing about words that were typed."""
        if self.is_push:
            user = self.user_request.user
            return _attempt_in(self.user_request.params) or _attempt_in(user.properties)
        return _attempt_in(self.action.client_extra) if self.action else None

    def said(self, provider: str, at: datetime) -> ChatInput:
        return ChatInput(
            provider=provider,
            user=self.user_request.user.id,
            words=(self.user_request.utterance or "").strip(),
            at=at,
            attempt_id=self.attempt_id,
            is_push=self.is_push,
        )


def _attempt_in(fields: Mapping[str, object] | None) -> AttemptId | None:
    return attempt_id(str((fields or {}).get(ATTEMPT)))
