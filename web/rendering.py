"""Renders templates, escaped, with what every page needs."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from web.words import COOKIE, Words, language_of

HERE = Path(__file__).parent
A_YEAR_S = 31_536_000

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page that no cache keeps, because it shows one person's things; `t` gives its sentences."""
    t = Words(language_of(request))
    page = _templates.get_template(template)
    response = HTMLResponse(
        page.render(request=request, t=t, asker=values.pop("asker", None), **values),
        status,
        {"Cache-Control": "no-store"},
    )
    if request.query_params.get("lang") == t.language:
        response.set_cookie(COOKIE, t.language, max_age=A_YEAR_S, httponly=True, samesite="lax")
    return response
