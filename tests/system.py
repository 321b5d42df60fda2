"""Debian packages that tests need: installs them where root or a passwordless sudo allows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence


class CannotInstall(Exception):
    """The tests cannot get what they need on this machine; the text says what a person can do."""


def say(sentence: str) -> None:
    print(f"==> {sentence}", file=sys.stderr, flush=True)


def apt_prefix() -> list[str] | None:
    """How to call apt-get as root from here, or None if that is not possible."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["env"]
    if shutil.which("sudo") and _quiet(["sudo", "-n", "true"]):
        return ["sudo", "-n", "env"]
    return None


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages; False if there is no apt here, no right to use it, or it failed."""
    prefix = apt_prefix()
    if prefix is None:
        return False
    apt = [*prefix, "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    say(f"apt: installing {' '.join(packages)}")
    if not _quiet([*apt, "update"]):
        say("apt: the package lists could not be refreshed; going on with those that are there")
    return _quiet([*apt, "install", "-y", "--no-install-recommends", *packages])


def _quiet(command: Sequence[str]) -> bool:
    """Whether the command succeeds; its complaints are shown, its progress is not."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
