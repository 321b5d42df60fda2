"""Every refusal as RFC 9457 `application/problem+json`, in Korean unless the asker prefers English."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broadcast.errors import CallerMistake, TooMany
from web.rendering import render
from web.validation import in_korean
from web.words import language_of
from web.words import prefers_english as prefers_english

MEDIA_TYPE = "application/problem+json"

STATUS = {
    "invalid": 422,
    "not_found": 404,
    "not_allowed": 403,
    "not_signed_in": 401,
    "conflict": 409,
    "idempotency_key_reused": 422,
    "too_large": 413,
    "too_many": 429,
    "not_audio": 415,
}

TITLES = {
    "invalid": ("The request has a mistake", "요청에 잘못된 값이 있습니다"),
    "not_found": ("Not found", "찾을 수 없습니다"),
    "not_allowed": ("Not allowed", "권한이 없습니다"),
    "not_signed_in": ("Not signed in", "로그인이 필요합니다"),
    "conflict": ("Not possible in this state", "지금 상태에서는 할 수 없습니다"),
    "idempotency_key_reused": ("Idempotency-Key used again", "Idempotency-Key를 다시 썼습니다"),
    "too_large": ("Too large", "너무 큽니다"),
    "too_many": ("Too many tries", "시도가 너무 많습니다"),
    "not_audio": ("Not a sound file", "소리 파일이 아닙니다"),
    "bad_request": ("Bad request", "요청을 읽을 수 없습니다"),
    "method_not_allowed": ("Method not allowed", "허용되지 않는 방식입니다"),
    "internal": ("Something went wrong on our side", "저희 쪽에 문제가 생겼습니다"),
}

BY_STATUS = {
    400: ("bad_request", "The request cannot be read.", "요청을 읽을 수 없습니다."),
    401: ("not_signed_in", "Please sign in.", "로그인해 주세요."),
    404: ("not_found", "There is nothing at this address.", "이 주소에는 아무것도 없습니다."),
    405: (
        "method_not_allowed",
        "This address takes other methods.",
        "이 주소는 다른 방식으로 불러야 합니다.",
    ),
    413: ("too_large", "The request is larger than this address takes.", "요청이 허용된 크기보다 큽니다."),
}


def problem(
    request: Request,
    status: int,
    code: str,
    detail: tuple[str, str],
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> Response:
    """`detail` in English and Korean. Somebody who looks at a page gets a page."""
    title = TITLES.get(code, (HTTPStatus(status).phrase,) * 2)
    if _is_for_a_page(request):
        return _page(request, status, code, title, detail, headers or {})
    english = prefers_english(request.headers)
    body: dict[str, Any] = {
        "type": f"urn:maeul:problem:{code}",
        "title": title[0 if english else 1],
        "status": status,
        "detail": detail[0 if english else 1],
        "instance": request.url.path,
        "code": code,
        **more,
    }
    if errors:
        body["errors"] = list(errors)
    told = {"Content-Language": "en" if english else "ko", "Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(body), status, told, MEDIA_TYPE)


def _is_for_a_page(request: Request) -> bool:
    is_machine = request.url.path.startswith(("/api/", "/hooks/"))
    return not is_machine and "text/html" in request.headers.get("accept", "")


def _page(
    request: Request,
    status: int,
    code: str,
    title: tuple[str, str],
    detail: tuple[str, str],
    headers: Mapping[str, str],
) -> Response:
    if code == "not_signed_in" and request.method == "GET":
        return RedirectResponse(f"/?next={quote(request.url.path)}", 303)
    pick = 0 if language_of(request) == "en" else 1
    response = render(request, "problem.html", status, title=title[pick], detail=detail[pick])
    response.headers.update(headers)
    return response


async def mistake(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallerMistake)
    headers = {}
    if error.code == "not_signed_in":
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    detail = (error.detail, error.detail_ko)
    english = prefers_english(request.headers)
    errors = [{"field": error.field, "detail": detail[0 if english else 1]}] if error.field else []
    status = _status(error)
    return problem(request, status, error.code, detail, errors=errors, headers=headers)


def _status(error: CallerMistake) -> int:
    for kind in type(error).__mro__:
        code = getattr(kind, "code", None)
        if code in STATUS:
            return STATUS[code]
    return 422


async def invalid(request: Request, error: Exception) -> Response:
    """FastAPI's own findings about a request; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        detail = ("The body is not valid JSON.", "본문이 올바른 JSON이 아닙니다.")
        return problem(request, 400, "bad_request", detail)
    english = prefers_english(request.headers)
    errors = [
        {"field": _field(one["loc"]), "detail": one["msg"] if english else in_korean(one)} for one in found
    ]
    first = errors[0]["detail"]
    return problem(request, 422, "invalid", (first, first), errors=errors)


def _field(where: Sequence[str | int]) -> str:
    """("body", "villages", 0) -> "villages.0"; the body as a whole is "body"."""
    return ".".join(str(part) for part in where[1:]) or str(where[0])


async def refused(request: Request, error: Exception) -> Response:
    """What the router and the parsers refuse."""
    assert isinstance(error, HTTPException)
    unknown = ("bad_request", "The request was refused.", "요청을 받아들일 수 없습니다.")
    code, *detail = BY_STATUS.get(error.status_code, unknown)
    return problem(request, error.status_code, code, (detail[0], detail[1]), headers=error.headers)


def broken(request: Request, error_id: str) -> Response:
    """Our own bug: nothing of it is shown but the number under which it was logged."""
    detail = (
        f"Please try again, and tell the county office this number: {error_id}.",
        f"다시 시도해 보시고, 계속되면 군청에 이 번호를 알려 주세요: {error_id}",
    )
    return problem(request, 500, "internal", detail, error_id=error_id)


HANDLERS: Mapping[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    CallerMistake: mistake,
    RequestValidationError: invalid,
    HTTPException: refused,
}
