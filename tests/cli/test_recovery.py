"""`roseau recovery`: the words are printed once, proven, and open a folder on another machine."""

from pathlib import Path

import pytest

from roseau.kernel.words import split_words
from tests.cli.running import ok, run, serving


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a site that was initialised."""
    folder = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", folder)
    return folder


def make(data: Path, *flags: str) -> str:
    """A new recovery key; its words."""
    lines = ok("recovery", "make", *flags, "--data", data).splitlines()
    assert [line.partition(".")[0] for line in lines] == list("123456789")
    words = split_words(" ".join(lines))
    assert len(words) == 9
    return " ".join(words)


def test_init_says_that_there_is_no_recovery_key_yet(tmp_path: Path) -> None:
    assert "roseau recovery make" in ok("init", "--domain", "roseau.test", "--data", tmp_path / "data")


def test_words_are_made_proven_and_replaced_on_demand_only(data: Path) -> None:
    earlier = make(data)
    words = make(data)
    for given, said in ((earlier, "an earlier key"), ("lusab", "nine words"), ("reed", "misspelt")):
        wrong = run("recovery", "prove", "--words-from", "-", "--data", data, stdin=given)
        assert wrong.status == 1 and said in wrong.err and wrong.err.count("\n") == 1
    ok("recovery", "prove", "--words-from", "-", "--data", data, stdin=words.upper())
    refused = run("recovery", "make", "--data", data)
    assert (refused.status, refused.out) == (1, "") and "--replace" in refused.err
    assert make(data, "--replace") != words


def test_the_words_are_asked_for_and_read_from_a_file(data: Path, tmp_path: Path) -> None:
    words = make(data)
    ok("recovery", "prove", "--data", data, stdin=f"{words}\n")
    (tmp_path / "paper").write_text("\n".join(words.split()))
    ok("recovery", "prove", "--words-from", tmp_path / "paper", "--data", data)
    missing = run("recovery", "prove", "--words-from", tmp_path / "lost", "--data", data)
    assert missing.status == 1 and "lost" in missing.err


def test_the_words_open_a_folder_whose_machine_is_gone(data: Path) -> None:
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    words = make(data)
    (data / "machine.key").unlink()
    for _ in range(2):
        lost = run("serve", "--port", "0", "--data", data)
        assert lost.status == 1 and "roseau recovery open" in lost.err
    wrong = run("recovery", "open", "--words-from", "-", "--data", data, stdin=words[:-5] + "lusab")
    assert wrong.status == 1 and "do not fit together" in wrong.err
    ok("recovery", "open", "--words-from", "-", "--data", data, stdin=words)
    assert "ada" in ok("account", "list", "--data", data)
    assert (data / "machine.key").stat().st_mode & 0o077 == 0


def test_another_sites_words_open_nothing(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ok("init", "--domain", "other.test", "--data", other)
    words = make(other)
    for said in ("No recovery key", "not this site's"):
        result = run("recovery", "open", "--words-from", "-", "--data", data, stdin=words)
        assert result.status == 1 and said in result.err and result.err.count("\n") == 1
        make(data)


def test_a_folder_without_a_site_is_not_opened(tmp_path: Path) -> None:
    result = run("recovery", "open", "--words-from", "-", "--data", tmp_path / "typo", stdin="x")
    assert result.status == 1 and "no database" in result.err
    assert not (tmp_path / "typo").exists()


def test_the_running_server_makes_and_proves_them(data: Path) -> None:
    with serving(data) as served:
        words = make(data)
        ok("recovery", "prove", "--words-from", "-", "--data", data, stdin=words)
        result = run("recovery", "open", "--words-from", "-", "--data", data, stdin=words)
        assert result.status == 1 and "at work" in result.err
        assert not set(words.split()) & set(split_words(served.text))
