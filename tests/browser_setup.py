"""Debian's Chromium and the Noto CJK fonts for the browser tests; the browser is not Playwright's download.

`python -m tests.browser_setup install` installs what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.system import CannotInstall, apt_install, say

PACKAGES = {"chromium": "chromium", "fonts": "fonts-noto-cjk"}


def find_chromium() -> str | None:
    """The browser's path: MAEUL_TEST_CHROMIUM, else what is installed."""
    if given := os.environ.get("MAEUL_TEST_CHROMIUM"):
        return given
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def has_korean_font() -> bool:
    """Without a Korean font a screenshot shows boxes where letters should be."""
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=ko", "family"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def install() -> str:
    """The browser's path, after installing what is missing. Raises CannotInstall."""
    missing = [] if find_chromium() else [PACKAGES["chromium"]]
    missing += [] if has_korean_font() else [PACKAGES["fonts"], "fontconfig"]
    if missing:
        apt_install(missing)
    chromium = find_chromium()
    if chromium is None or not has_korean_font():
        raise CannotInstall(
            "No Chromium or no Korean font for the browser tests. Install Debian's packages "
            "'chromium', 'fontconfig' and 'fonts-noto-cjk' (as root: apt-get install ...), or set "
            "MAEUL_TEST_CHROMIUM to a browser's path."
        )
    return chromium


def main(arguments: list[str]) -> int:
    if arguments != ["install"]:
        print(__doc__, file=sys.stderr)
        return 2
    say(f"Chromium: {install()}, with a Korean font")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotInstall as problem:
        sys.exit(str(problem))
