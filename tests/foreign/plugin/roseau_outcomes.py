"""A pytest plugin for the foreign suites: writes what became of each test, and stands in for the recorder.

It runs in a suite's own environment, where Roseau is not installed.
"""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

OUTCOMES: dict[str, str] = {}


class Recorder:
    """Stands in for pytest-recording's fixture, which is None when recording is off.

    Three streaming tests of Mastodon.py set an attribute on it, and could not run live otherwise.
    """

    @pytest.fixture(name="vcr")
    def stand_in(self) -> SimpleNamespace:
        """An object that takes any attribute."""
        return SimpleNamespace()


# Among plugins the last to be registered gives the fixture, so this waits until pytest-recording has come.
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Puts the stand-in where the recorder is installed."""
    if config.pluginmanager.hasplugin("recording"):
        config.pluginmanager.register(Recorder(), "roseau-recorder")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keeps the worst that set-up, call and tear-down of a test have to say."""
    if report.failed:
        OUTCOMES[report.nodeid] = "failed"
    elif report.skipped:
        OUTCOMES[report.nodeid] = "xfailed" if hasattr(report, "wasxfail") else "skipped"
    else:
        OUTCOMES.setdefault(report.nodeid, "passed")


def pytest_sessionfinish() -> None:
    """Writes the outcomes to the file that ROSEAU_OUTCOMES names."""
    Path(os.environ["ROSEAU_OUTCOMES"]).write_text(json.dumps(OUTCOMES), "utf-8")
