"""Where the browser for the page tests is, and how it is to be started.

`python -m tests.servers.chromium` prints its path, and fails when there is none.
"""

import os
import shutil
import sys

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# For Playwright's chromium.launch(executable_path=find_chromium(), args=launch_args). Where the tests run as
# root the sandbox refuses to start, and nowhere may the browser call its maker.
launch_args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of the browser: the one ROSEAU_TEST_CHROMIUM names, or else the first on the PATH."""
    named = os.environ.get("ROSEAU_TEST_CHROMIUM")
    if named:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def require_chromium() -> str:
    """The path of the browser; without one the test is skipped, or fails where CI=true."""
    found = find_chromium()
    if found is not None:
        return found
    missing = "no Chromium found: install Debian's chromium, or name one in ROSEAU_TEST_CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


if __name__ == "__main__":
    path = find_chromium()
    if path is None:
        sys.exit("no Chromium found")
    sys.stdout.write(f"{path}\n")
