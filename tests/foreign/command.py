"""What the two runners have in common: their words, the comparison with their list, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.foreign.outcomes import WrongList, compare, describe, read_expected
from tests.foreign.server import ServerFailed
from tests.foreign.suites import SuiteFailed, default_cache

Run = Callable[[Path, list[str]], dict[str, str]]


def run_and_compare(suite: str, run: Run, expected_failures: Path, collected: int) -> int:
    """Runs a suite, says how it differs from its list, and returns the exit status.

    `collected` is how many tests the suite has: a run that lost some must not look like a good one.
    """
    parser = argparse.ArgumentParser(description=f"Run the tests of {suite} against a live Roseau.")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where downloads are kept")
    parser.add_argument("words", nargs="*", help="words for pytest, after --, such as -k polls")
    arguments = parser.parse_args()
    try:
        expected = read_expected(expected_failures)
        outcomes = run(arguments.cache, arguments.words)
    except (ServerFailed, SuiteFailed, WrongList) as error:
        print(error, file=sys.stderr)
        return 1
    is_whole = not arguments.words
    verdict = compare(outcomes, expected, is_whole)
    print(describe(outcomes, verdict))
    if is_whole and len(outcomes) != collected:
        print(f"{len(outcomes)} tests ran, but the suite has {collected}.", file=sys.stderr)
        return 1
    return 0 if outcomes and verdict.is_good else 1
