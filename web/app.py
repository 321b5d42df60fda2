"""The web application: what is reached under which path, and how mistakes are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.staticfiles import StaticFiles

from web import health, hooks, listen, media
from web.api import PREFIX, PROBLEMS, Problem, broadcasts, people, places, recordings
from web.armour import MULTIPART_ROOM, Armour, BodyLimits
from web.context import Maeul, lay_out
from web.pages import compose, door, follow
from web.problems import HANDLERS
from web.rendering import HERE
from web.sign_in import Tries

LIMITS = [(f"{PREFIX}/recordings", recordings.LARGEST + MULTIPART_ROOM)]


def create(maeul: Maeul, *, worker: bool = True) -> FastAPI:
    """The application; with `worker` it also sends, for as long as it runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not worker:
            yield
            return
        async with maeul.run_background():
            yield

    # The interactive pages are off: they load scripts from elsewhere.
    app = FastAPI(
        title="Maeul",
        version="1",
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        exception_handlers=dict(HANDLERS),
    )
    app.state.maeul = maeul
    app.state.desk = lay_out(maeul)
    app.state.tries = Tries()
    app.add_middleware(BodyLimits, limits=LIMITS)
    app.add_middleware(Armour, is_https=maeul.public_url.startswith("https:"))
    api = APIRouter(prefix=PREFIX, responses=PROBLEMS)
    for part in (recordings, broadcasts, places, people):
        api.include_router(part.router)
    app.include_router(api)
    for outer in (health, hooks, listen, media, door, compose, follow):
        app.include_router(outer.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """OpenAPI with the shape of a problem, which no route returns by itself."""
    if app.openapi_schema is None:
        described = get_openapi(
            title="Maeul",
            version="1",
            summary="Village broadcasts: recordings, announcements and whom they reached",
            routes=app.routes,
        )
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(shape.pop("$defs", {}), Problem=shape)
        app.openapi_schema = described
    return app.openapi_schema
