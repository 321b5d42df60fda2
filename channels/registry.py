"""Finds the adapters in this package and builds them from their settings, so that a new one needs no list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import ClassVar, Protocol, Self, TypeVar

import aiohttp
from pydantic import ValidationError
from pydantic_settings import BaseSettings

import channels
from broadcast.ports import Sender


class NotConfigured(Exception):
    """An adapter is in use and its settings are missing or wrong; the text names them, never their values."""


class Adapter(Sender, Protocol):
    """What an adapter's class offers to the registry besides sending."""

    settings_model: ClassVar[type[BaseSettings]]

    @classmethod
    def from_settings(cls, settings: BaseSettings, http: aiohttp.ClientSession, public_url: str) -> Self:
        """`public_url`: where the provider reaches our /hooks, without a slash at the end."""
        ...


AdapterClass = TypeVar("AdapterClass", bound=type[Adapter])
Settings = TypeVar("Settings", bound=BaseSettings)
_adapters: dict[str, type[Adapter]] = {}


def register(adapter: AdapterClass) -> AdapterClass:
    """Class decorator: makes the adapter known by its name."""
    known = _adapters.setdefault(adapter.name, adapter)
    if known is not adapter:
        raise ValueError(f"two adapters are called {adapter.name}")
    return adapter


def discover() -> dict[str, type[Adapter]]:
    """Every adapter by name; imports the modules of this package (sub-packages and _helpers are none)."""
    for found in pkgutil.iter_modules(channels.__path__):
        if not found.ispkg and not found.name.startswith("_"):
            importlib.import_module(f"channels.{found.name}")
    return dict(sorted(_adapters.items()))


def build(
    name: str, *, http: aiohttp.ClientSession, public_url: str, settings: BaseSettings | None = None
) -> Sender:
    """A working adapter; its settings come from the environment unless they are given.

    Raises NotConfigured with the names of the missing settings.
    """
    adapter = discover().get(name)
    if adapter is None:
        raise NotConfigured(f"MAEUL_CARRIERS names {name!r}; there are: {', '.join(discover())}")
    chosen = settings if settings is not None else _from_environment(adapter)
    return adapter.from_settings(chosen, http, public_url.rstrip("/"))


def expect(model: type[Settings], settings: BaseSettings) -> Settings:
    """The settings as the adapter's own model."""
    if not isinstance(settings, model):
        raise TypeError(f"{model.__name__} expected, {type(settings).__name__} given")
    return settings


def _from_environment(adapter: type[Adapter]) -> BaseSettings:
    try:
        return adapter.settings_model()
    except ValidationError as error:
        problems = "; ".join(_problems(adapter.settings_model, error))
    # Raised here, without the pydantic error as its cause: that one prints the secrets that were given.
    raise NotConfigured(f"{adapter.name} cannot start: {problems}")


def _problems(model: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    prefix = model.model_config.get("env_prefix", "")
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        place = str(problem["loc"][0]) if problem["loc"] else ""
        variable = place if place.startswith(prefix) else f"{prefix}{place}".upper()
        yield f"{variable} is missing" if problem["type"] == "missing" else f"{variable}: {problem['msg']}"
