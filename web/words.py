"""What the pages say, in Korean and English, and which of the two a reader is shown."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from web.catalogue import CATALOGUE

LANGUAGES = ("ko", "en")
COOKIE = "maeul_lang"


def prefers_english(headers: Mapping[str, str]) -> bool:
    """Whether Accept-Language ranks English above Korean; without a word about it, Korean."""
    ranks = {"ko": 0.0, "en": 0.0, "*": 0.0}
    for part in headers.get("accept-language", "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        if language in ranks:
            ranks[language] = max(ranks[language], _number(quality))
    return ranks["en"] > max(ranks["ko"], ranks["*"] - 0.001)


def _number(quality: str) -> float:
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0


def language_of(request: Request) -> str:
    """As just chosen (`?lang=`), as chosen before, or as the browser prefers."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return "en" if prefers_english(request.headers) else "ko"


class Words:
    """The catalogue in one language; called with a key and what the sentence leaves open."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._pick = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        return CATALOGUE[key][self._pick].format(**values)

    def choose(self, korean: str, english: str) -> str:
        return (korean, english)[self._pick]

    def knows(self, key: str) -> bool:
        return key in CATALOGUE

    def for_scripts(self) -> dict[str, str]:
        """What the browser's scripts say: keys without their "js."."""
        return {key[3:]: both[self._pick] for key, both in CATALOGUE.items() if key.startswith("js.")}
