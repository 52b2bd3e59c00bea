"""Runs toot's own integration tests against a live Roseau: `python -m tests.foreign.run_toot`.

Ends with 1 when a test fails that toot_expected_failures.txt does not name. Words after `--` go to pytest.
"""

import sys
import tempfile
from pathlib import Path

from tests.foreign.command import run_and_compare
from tests.foreign.server import BASE_URL, create_site, serve
from tests.foreign.suites import HERE, fetch_sources, make_environment, run_suite

COLLECTED = 114
REQUIREMENTS = HERE / "toot_requirements.txt"
EXPECTED_FAILURES = HERE / "toot_expected_failures.txt"


def run(cache: Path, words: list[str]) -> dict[str, str]:
    """Runs the suite on a fresh server; what became of each test."""
    sources = fetch_sources("toot", REQUIREMENTS, cache)
    python = make_environment(REQUIREMENTS, cache)
    with tempfile.TemporaryDirectory(prefix="roseau-toot-") as folder:
        data = Path(folder) / "data"
        create_site(data)
        with serve(data):
            return run_suite(
                python,
                sources,
                ["tests/integration", "--quiet", *words],
                {"TOOT_TEST_BASE_URL": BASE_URL},
                minutes=20,
            )


if __name__ == "__main__":
    sys.exit(run_and_compare("toot", run, EXPECTED_FAILURES, COLLECTED))
