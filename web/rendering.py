"""Renders templates, escaped, with what every page needs."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

HERE = Path(__file__).parent

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page that no cache keeps, because it shows one person's things."""
    text = _templates.get_template(template).render(request=request, **values)
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})
