"""Rules about the tree itself: what a new file must bring along, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("maeul", "broadcast", "voice", "channels", "scheduler", "web")
NOT_CHANNELS = {"__init__", "registry", "http"}  # what channels share
LONGEST_FILE = 300
LONGEST_MEDIAN_FUNCTION = 10

# Built from pieces, so that this file does not break its own rule.
MACHINE_PATHS = [re.compile(rf"(?<![\w.])/{folder}/\w") for folder in ("work", "root", "home", "Users")]
REGISTRY_HOSTS = [
    re.compile(name.replace("_", r"\."))
    for name in ("pypi_org", "pythonhosted_org", "registry_npmjs", "deb_debian", "proxy_golang")
]
PERSONAL = {"phone", "number", "msisdn", "to", "name", "text", "body", "words", "address", "title", "script"}
NAMED_THINGS = {"tick", "sender", "engine", "adapter", "channel", "provider"}  # whose `name` is nobody's
LOG_CALLS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


@cache
def committed() -> tuple[Path, ...]:
    """Files that are, or are about to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for path in committed()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in (folders or (*PRODUCT, "tests"))
    ]


def texts() -> Iterator[tuple[str, str]]:
    for path in committed():
        if path.name == "requirements.lock" or "vendor" in path.parts:
            continue
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # sound, pictures, fonts


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def channel_names() -> list[str]:
    files = (ROOT / "channels").glob("*.py")
    return sorted(path.stem for path in files if path.stem not in NOT_CHANNELS and path.stem[0] != "_")


# --- channels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", channel_names())
def test_every_channel_brings_its_provider_replies(name: str) -> None:
    assert (ROOT / "tests" / "channels" / "replies" / f"{name}.py").is_file()


def test_no_replies_are_left_over_from_a_channel() -> None:
    replies = {path.stem for path in (ROOT / "tests/channels/replies").glob("*.py")} - {"__init__"}
    assert replies <= set(channel_names())


# --- size -------------------------------------------------------------------------------------


def test_no_file_is_longer_than_300_lines() -> None:
    counted = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in python_files()
        if "versions" not in path.parts
    }
    assert {name: lines for name, lines in counted.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short_as_a_rule() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[len(lengths) // 2] < LONGEST_MEDIAN_FUNCTION
    assert lengths[len(lengths) * 95 // 100] < 40


def test_every_product_module_says_what_it_is_for() -> None:
    silent = [path for path in python_files(*PRODUCT) if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


# --- what no file may hold --------------------------------------------------------------------


@pytest.mark.parametrize("forbidden", MACHINE_PATHS + REGISTRY_HOSTS, ids=lambda rule: rule.pattern)
def test_no_committed_file_names_a_machine(forbidden: re.Pattern[str]) -> None:
    assert [name for name, text in texts() if forbidden.search(text)] == []


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def log_arguments(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each bare name or attribute that is handed to a logger or to print."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not is_log_call(call.func):
            continue
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            for part in ast.walk(argument):
                if isinstance(part, ast.Name):
                    yield call.lineno, part.id
                elif isinstance(part, ast.Attribute) and not is_a_things_name(part):
                    yield call.lineno, part.attr


def is_a_things_name(part: ast.Attribute) -> bool:
    owner = ast.unparse(part.value).rpartition(".")[2].lstrip("_")
    return part.attr == "name" and owner in NAMED_THINGS


def is_log_call(function: ast.expr) -> bool:
    match function:
        case ast.Name(id="print"):
            return True
        case ast.Attribute(attr=attr, value=ast.Name(id=owner)):
            return attr in LOG_CALLS and owner.lower().lstrip("_") in {"log", "logger", "logging"}
        case _:
            return False


def test_no_log_line_is_given_a_personal_field() -> None:
    leaks = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in python_files(*PRODUCT)
        for line, name in log_arguments(ast.parse(path.read_text()))
        if name in PERSONAL
    ]
    assert leaks == []


def test_the_log_rule_sees_a_leak() -> None:
    leak = ast.parse(
        'log.info("sent", extra={"to": message.to}); log.info("sent", extra={"id": delivery_id})'
    )
    assert [name for _, name in log_arguments(leak) if name in PERSONAL] == ["to"]


# --- what must agree --------------------------------------------------------------------------


def settings_in_code() -> set[str]:
    """MAEUL_* as the code spells it, and the fields of settings models with that prefix."""
    found = set[str]()
    for path in python_files():
        text = path.read_text()
        found |= set(re.findall(r"\bMAEUL_[A-Z][A-Z0-9_]*[A-Z0-9]\b", text))
        found |= {name for node in ast.walk(ast.parse(text)) for name in fields_of_settings(node)}
    return found


def fields_of_settings(node: ast.AST) -> Iterator[str]:
    """A class whose body names an env_prefix is a settings model."""
    if not isinstance(node, ast.ClassDef):
        return
    prefix = re.search(r"env_prefix'?\s*[=:]\s*'(MAEUL_\w*)'", ast.unparse(node))
    for line in node.body if prefix else []:
        match line:
            case ast.AnnAssign(target=ast.Name(id=name)) if prefix and name != "model_config":
                if "validation_alias=" in ast.unparse(line):
                    continue  # its name is spelled out and found as such
                yield (prefix.group(1) + name).upper()


def test_the_settings_rule_sees_a_field() -> None:
    model = (
        "class S(BaseSettings):\n  model_config = SettingsConfigDict(env_prefix='MAEUL_A_')\n  b: str = ''"
    )
    assert list(fields_of_settings(ast.parse(model).body[0])) == ["MAEUL_A_" + "B"]


def test_every_setting_is_documented() -> None:
    documents = (ROOT / "docs/operating.md").read_text() + (ROOT / "README.md").read_text()
    assert sorted(name for name in settings_in_code() if name not in documents) == []


def test_every_package_of_the_tree_is_installed() -> None:
    listed = set(project()["tool"]["setuptools"]["packages"])  # type: ignore[index]  # plain TOML
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in python_files(*PRODUCT)
        if (path.parent / "__init__.py").exists()
    }
    assert present == listed


def test_every_module_of_the_core_has_its_layer() -> None:
    contracts = project()["tool"]["importlinter"]["contracts"]  # type: ignore[index]  # plain TOML
    layers = set(re.findall(r"[\w.]+", " ".join(contracts[0]["layers"])))
    modules = {
        f"broadcast.{path.stem}" for path in (ROOT / "broadcast").iterdir() if path.stem[0] not in "_."
    }
    assert modules - layers == set()


def test_every_python_folder_is_a_package() -> None:
    assert {path.parent for path in python_files() if not (path.parent / "__init__.py").exists()} == set()


def test_every_dependency_is_locked() -> None:
    described = project()["project"]
    wanted = [*described["dependencies"], *described["optional-dependencies"]["dev"]]  # type: ignore[index]  # plain TOML
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {canonicalize_name(Requirement(name).name) for name in wanted} <= set(locked)


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(.*)", makefile, re.MULTILINE)
    assert [name for name, rest in targets if "##" not in rest] == []
    assert {name for name, _ in targets} >= {
        "help",
        "setup",
        "run",
        "worker",
        "demo",
        "test",
        "bench",
        "check",
        "cover",
    }
