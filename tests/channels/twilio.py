"""Twilio's side of the adapters' tests: settings, signed callbacks and its specification as a judge."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import jsonschema
import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from broadcast.ports import HookRequest
from channels._twilio import TwilioSettings
from tests.channels.rig import NOW, PUBLIC_URL

ACCOUNT = "AC" + "1a" * 16
TOKEN = "a-token-that-only-tests-know"
CALLER = "+82316400000"
ACCOUNT_PATH = f"/2010-04-01/Accounts/{ACCOUNT}"
CALL = "CA" + "2b" * 16
SMS = "SM" + "3c" * 16
OPERATIONS = "/2010-04-01/Accounts/{AccountSid}/"
FORM = "application/x-www-form-urlencoded"


def settings(base_url: str, *, timeout_s: float = 15.0) -> TwilioSettings:
    return TwilioSettings(
        account_sid=ACCOUNT,
        auth_token=SecretStr(TOKEN),
        caller=CALLER,
        api_base_url=base_url,
        timeout_s=timeout_s,
    )


def callback(
    channel: str, path: str, form: Mapping[str, str], *, query: str = "", signature: str | None = None
) -> HookRequest:
    """A callback as Twilio signs it, or with another signature ("" for none)."""
    url = f"{PUBLIC_URL}/hooks/{channel}/{path}{query}"
    if signature is None:
        signature = RequestValidator(TOKEN).compute_signature(url, dict(form))
    headers = {"content-type": FORM} | ({"x-twilio-signature": signature} if signature else {})
    return HookRequest("POST", path, url, headers, urlencode(form).encode(), NOW)


def error(code: int, status: int = 400) -> bytes:
    """The body of a refusal."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": "no", "more_info": more_info, "status": status}).encode()


def check_form(path: str, form: Sequence[tuple[str, str]]) -> None:
    """Hold a create request against Twilio's own OpenAPI file; skips where that file is not."""
    api = _specification()
    schema = _at(api, "paths", OPERATIONS + path, "post", "requestBody", "content", FORM, "schema")
    known = _at(schema, "properties")
    unknown = {name for name, _ in form} - set(known)
    assert not unknown, f"Twilio knows no {unknown}"
    document = {name: _value(_at(known, name), name, form) for name, _ in form}
    jsonschema.Draft202012Validator({**schema, "components": api["components"]}).validate(document)


def check_query(path: str, query: Mapping[str, str]) -> None:
    """Hold a list request's parameters against Twilio's own OpenAPI file."""
    parameters = _at(_specification(), "paths", OPERATIONS + path, "get")["parameters"]
    assert isinstance(parameters, list)
    assert set(query) <= {parameter["name"] for parameter in parameters}


def _value(schema: Mapping[str, object], name: str, form: Sequence[tuple[str, str]]) -> object:
    values = [value for given, value in form if given == name]
    if schema.get("type") == "array":
        return values
    assert len(values) == 1, f"{name} is given {len(values)} times"
    return int(values[0]) if schema.get("type") == "integer" else values[0]


def _at(document: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    for key in keys:
        inner = document[key]
        assert isinstance(inner, dict)
        document = inner
    return document


def _specification() -> Mapping[str, object]:
    root = Path(__file__).parents[2]
    shared = Path(os.environ.get("MAEUL_SHARED", root.parent / "shared"))
    file = shared / "contracts" / "twilio" / "twilio_v2010_trimmed.json"
    if not file.exists():
        pytest.skip("Twilio's OpenAPI file is not here (MAEUL_SHARED)")
    return _at({"file": json.loads(file.read_text())}, "file")
