"""Tells what an operator can put right in one line, and everything else apart from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from broadcast.errors import CallerMistake, InvalidInput
from maeul.words import is_korean

if TYPE_CHECKING:
    from broadcast.settings import Settings


def sentence(error: Exception) -> str | None:
    """What to say about this mistake; None if it is a bug of ours, whose traceback is wanted."""
    if isinstance(error, CallerMistake):
        return error.detail_ko if is_korean() else error.detail
    from channels.registry import NotConfigured  # takes a while to import; only for somebody who waits anyway

    return str(error) if isinstance(error, NotConfigured) else None


def read_settings(data: Path | None = None) -> Settings:
    """The settings of the environment; `data` (from --data) wins over MAEUL_DATA_DIR. Raises InvalidInput."""
    from pydantic import ValidationError

    from broadcast.settings import Settings

    given: Mapping[str, Path] = {"data_dir": data} if data else {}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # one optional keyword
    except ValidationError as error:
        named = "; ".join(_problems(error))
    else:
        settings.require_consistent()
        return settings
    # Raised here, without the pydantic error as its cause: that one prints the values that were given.
    raise InvalidInput(f"A setting is wrong. {named}", f"설정이 잘못되었습니다. {named}")


def _problems(error: Exception) -> list[str]:
    from pydantic import ValidationError

    assert isinstance(error, ValidationError)
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"MAEUL_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in found]
