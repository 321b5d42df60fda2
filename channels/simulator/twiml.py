"""Reads TwiML into verbs, as strictly as Twilio does."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

NOT_XML = 12100
NOT_TWIML = 12102
BAD_ATTRIBUTE = 12200
RETRIEVAL_FAILED = 11200

VERBS = frozenset({"Pause", "Play", "Say", "Gather", "Redirect", "Hangup", "Reject", "Record"})
IN_GATHER = frozenset({"Pause", "Play", "Say"})


class BadDocument(Exception):
    """Not a document that Twilio would run; `code` is Twilio's error."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: Sequence[Verb] = ()

    def number(self, name: str, default: float) -> float:
        """A numeric attribute. Raises BadDocument where it is none."""
        given = self.attributes.get(name)
        if given is None or given == "auto":
            return default
        try:
            return float(given)
        except ValueError as error:
            raise BadDocument(BAD_ATTRIBUTE) from error

    def flag(self, name: str) -> bool:
        return self.attributes.get(name, "false").lower() == "true"

    @property
    def method(self) -> str:
        return self.attributes.get("method", "POST").upper()


@dataclass(frozen=True, slots=True)
class Document:
    """`url` is where it came from: what its relative URLs are relative to."""

    url: str
    verbs: Sequence[Verb]

    def absolute(self, url: str) -> str:
        return urljoin(self.url, url) if url else self.url


def read(body: bytes, url: str) -> Document:
    """Raises BadDocument."""
    if b"<!DOCTYPE" in body:
        raise BadDocument(NOT_XML)
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a DOCTYPE there are no entities
    except ElementTree.ParseError as error:
        raise BadDocument(NOT_XML) from error
    if root.tag != "Response":
        raise BadDocument(NOT_TWIML)
    return Document(url, [_verb(element, VERBS) for element in root])


def _verb(element: ElementTree.Element, allowed: frozenset[str]) -> Verb:
    if element.tag not in allowed:
        raise BadDocument(BAD_ATTRIBUTE)
    children = [_verb(child, IN_GATHER) for child in element] if element.tag == "Gather" else []
    return Verb(element.tag, dict(element.attrib), (element.text or "").strip(), children)


def is_web_url(url: str) -> bool:
    """Whether Twilio would accept it as a URL of ours; host names with an underscore it would not."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in str(parts.hostname)
    except ValueError:
        return False
