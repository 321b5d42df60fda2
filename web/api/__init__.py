"""The JSON interface under /api/v1, and what its descriptions share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

PREFIX = "/api/v1"


class FieldProblem(BaseModel):
    field: str
    detail: str


class Problem(BaseModel):
    """RFC 9457; `errors` where single fields are at fault."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldProblem] = []


PROBLEM_EXAMPLE = {
    "type": "urn:maeul:problem:invalid",
    "title": "요청에 잘못된 값이 있습니다",
    "status": 422,
    "detail": "없는 마을입니다: 4182025099.",
    "instance": "/api/v1/broadcasts",
    "code": "invalid",
    "errors": [{"field": "villages", "detail": "없는 마을입니다: 4182025099."}],
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "What was wrong, as RFC 9457 problem details",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": PROBLEM_EXAMPLE,
            }
        },
    }
}


def answers(status: int, description: str, example: object) -> dict[int | str, dict[str, Any]]:
    """The description of one answer with its example, for `responses=`."""
    return {status: {"description": description, "content": {"application/json": {"example": example}}}}
