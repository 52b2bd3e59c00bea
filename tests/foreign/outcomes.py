"""What became of each test of a foreign suite, beside the written list of those that may fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PASSED = ("passed", "xfailed")


class WrongList(ValueError):
    """The list of expected failures cannot be used; the text says which line, and why."""


@dataclass(frozen=True)
class Verdict:
    """How a run differs from its list. Tests are named as pytest names them."""

    unexpected: tuple[str, ...]
    mended: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every test outside the list passed or was skipped by the suite itself."""
        return not self.unexpected


def read_expected(path: Path) -> dict[str, str]:
    """The tests that may fail, with the reasons. Raises WrongList for one without, or there twice."""
    expected: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        test, _, why = line.partition(" # ")
        if not why.strip():
            raise WrongList(f"{path.name}, line {number}: say why it may fail, after ' # '.")
        if test.strip() in expected:
            raise WrongList(f"{path.name}, line {number}: {test.strip()} is there already.")
        expected[test.strip()] = why.strip()
    return expected


def compare(outcomes: Mapping[str, str], expected: Mapping[str, str], is_whole: bool = True) -> Verdict:
    """Sets the outcomes of a run, of the whole suite or of a part of it, against the list."""
    failed = {test for test, outcome in outcomes.items() if outcome == "failed"}
    passed = {test for test, outcome in outcomes.items() if outcome in PASSED}
    return Verdict(
        unexpected=tuple(sorted(failed - set(expected))),
        mended=tuple(sorted(passed & set(expected))),
        unknown=tuple(sorted(set(expected) - set(outcomes))) if is_whole else (),
    )


def describe(outcomes: Mapping[str, str], verdict: Verdict) -> str:
    """The run in a few lines: the count, then each test that is not as the list says."""
    kinds = list(outcomes.values())
    passed = sum(kinds.count(kind) for kind in PASSED)
    lines = [f"{passed} passed, {kinds.count('failed')} failed, {kinds.count('skipped')} skipped"]
    for title, tests in (
        ("failed, and not in the list", verdict.unexpected),
        ("passed, though in the list: take them out", verdict.mended),
        ("in the list, but not in this run", verdict.unknown),
    ):
        if tests:
            lines += [f"{title}:", *(f"  {test}" for test in tests)]
    return "\n".join(lines)
