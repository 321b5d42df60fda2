"""Kakao's Event API: push an event to at most 100 chat users, and ask later what became of it."""

from __future__ import annotations

import hmac
from uuid import uuid4

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator import chat_life
from channels.simulator.exchange import Exchange
from channels.simulator.records import Talk, TalkUser
from channels.simulator.wire import JsonResponse, spoiled, strike

MOST_USERS = 100
ATTEMPT_NAMES = ("attemptId", "attempt_id", "attempt")


class _Event(BaseModel):
    name: str = Field(min_length=1)
    data: dict[str, object] = Field(default_factory=dict)


class _User(BaseModel):
    type: str = Field(pattern="^(botUserKey|plusfriendUserKey|appUserId)$")
    id: str = Field(min_length=1)
    properties: dict[str, object] = Field(default_factory=dict)


class _Ask(BaseModel):
    event: _Event
    user: list[_User] = Field(min_length=1, max_length=MOST_USERS)
    params: dict[str, object] = Field(default_factory=dict)


async def talk(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    if not _is_known(request, exchange):
        return _unauthorized()
    try:
        ask = _Ask.model_validate(orjson.loads(await request.body()))
    except (orjson.JSONDecodeError, ValidationError):
        return _refusal(exchange, "Invalid request body.")
    if len({(user.type, user.id) for user in ask.user}) < len(ask.user):
        return _refusal(exchange, "Duplicate user.")
    return await _take(exchange, request.path_params["bot"], ask)


async def _take(exchange: Exchange, bot: str, ask: _Ask) -> Response:
    fault = await strike(exchange.carrier, "talks")
    takes_effect = fault is None or fault.takes_effect
    task = _talk(exchange, bot, ask)
    for user in task.users:
        kind = fault.kind if fault else ""
        exchange.witness(
            "talks", task.task, user.user, user.attempt, n=user.n, accepted=takes_effect, fault=kind
        )
    if takes_effect:
        chat_life.begin(exchange, task)
    if fault is not None:
        return spoiled(fault)
    return JsonResponse(_reply(exchange, "SUCCESS", "", task.task))


def _talk(exchange: Exchange, bot: str, ask: _Ask) -> Talk:
    users = [
        TalkUser(
            user=user.id,
            kind=user.type,
            n=exchange.journal.next_number(),
            attempt=_attempt(user.properties, ask.params),
            properties=user.properties,
        )
        for user in ask.user
    ]
    return Talk(
        task=str(uuid4()),
        bot=bot,
        event=ask.event.name,
        params=ask.params,
        users=users,
        at=exchange.clock.now(),
    )


def _attempt(*places: dict[str, object]) -> str:
    for place in places:
        for name in ATTEMPT_NAMES:
            if name in place:
                return str(place[name])
    return ""


async def task(request: Request) -> Response:
    exchange: Exchange = request.app.state.exchange
    if not _is_known(request, exchange):
        return _unauthorized()
    found = exchange.talks.get(request.path_params["task"])
    if found is None:
        return JsonResponse({"status": "FAIL", "message": "Unknown task."}, 404)
    return JsonResponse(task_json(found))


def task_json(talk: Talk) -> dict[str, object]:
    failed = [user for user in talk.users if user.status == "failed"]
    unresolved = sum(user.status == "unresolved" for user in talk.users)
    waiting = sum(user.status == "waiting" for user in talk.users)
    count = len(failed) + unresolved
    body: dict[str, object] = {
        "taskId": talk.task,
        "status": "PROCESSING" if waiting else f"{count} FAIL" if count else "ALL SUCCESS",
        "allRequestCount": len(talk.users),
        "successCount": len(talk.users) - count - waiting,
        "fail": {"count": count, "list": [_failure(user) for user in failed]},
    }
    return body | ({"userKeyResolvingFailCount": unresolved} if unresolved else {})


def _failure(user: TalkUser) -> dict[str, object]:
    return {
        "userId": user.user,
        "reqUserType": user.kind,
        "createdAt": int(user.failed_at.timestamp()) if user.failed_at else 0,
        "errorMsg": {"errorType": user.error_type, "msg": user.error},
    }


def _is_known(request: Request, exchange: Exchange) -> bool:
    wanted = f"KakaoAK {exchange.config.kakao_key}"
    return hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted.encode())


def _unauthorized() -> Response:
    return JsonResponse({"code": -401, "msg": "cannot find Authorization : KakaoAK header"}, 401)


def _refusal(exchange: Exchange, message: str) -> Response:
    return JsonResponse(_reply(exchange, "FAIL", message, ""), 400)


def _reply(exchange: Exchange, status: str, message: str, task_id: str) -> dict[str, object]:
    moment = int(exchange.clock.now().timestamp() * 1000)
    return {"taskId": task_id, "status": status, "message": message, "timestamp": moment}


ROUTES = [
    Route("/v2/bots/{bot}/talk", talk, methods=["POST"]),
    Route("/v1/tasks/{task}", task, methods=["GET"]),
]
