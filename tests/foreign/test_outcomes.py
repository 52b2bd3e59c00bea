"""The foreign suites' lists, and how a run is judged by them."""

from pathlib import Path

import pytest

from tests.foreign.outcomes import WrongList, compare, describe, read_expected

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["toot_expected_failures.txt", "mastodonpy_expected_failures.txt"])
def test_lists_are_well_formed_and_name_tests(name: str) -> None:
    expected = read_expected(HERE / name)
    assert expected
    assert all(test.startswith("tests/") and ".py::test_" in test for test in expected)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tests/a.py::test_b\n", "line 1"),
        ("# why not\n\ntests/a.py::test_b # \n", "line 3"),
        ("tests/a.py::test_b # video\ntests/a.py::test_b # video\n", "line 2"),
    ],
)
def test_a_line_without_a_reason_or_there_twice_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(WrongList, match=complaint):
        read_expected(path)


def test_a_number_sign_in_the_name_of_a_test_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("tests/a.py::test_b[#tag] # video\n", "utf-8")
    assert read_expected(path) == {"tests/a.py::test_b[#tag]": "video"}


def test_a_failure_outside_the_list_is_what_makes_a_run_bad() -> None:
    expected = {"a": "video"}
    assert compare({"a": "failed", "b": "passed", "c": "skipped", "d": "xfailed"}, expected).is_good
    verdict = compare({"a": "failed", "b": "failed"}, expected)
    assert verdict.unexpected == ("b",)
    assert not verdict.is_good


def test_what_passes_by_now_and_what_is_gone_are_told() -> None:
    verdict = compare({"a": "passed", "b": "xfailed"}, {"a": "video", "b": "video", "c": "video"})
    assert verdict.mended == ("a", "b")
    assert verdict.unknown == ("c",)
    assert verdict.is_good


def test_a_part_of_a_suite_does_not_miss_the_rest() -> None:
    assert compare({"b": "passed"}, {"a": "video"}, is_whole=False).unknown == ()


def test_the_summary_counts_and_names() -> None:
    outcomes = {"a": "passed", "b": "failed", "c": "skipped", "d": "xfailed"}
    assert describe(outcomes, compare(outcomes, {"a": "video"})).splitlines() == [
        "2 passed, 1 failed, 1 skipped",
        "failed, and not in the list:",
        "  b",
        "passed, though in the list: take them out:",
        "  a",
    ]
