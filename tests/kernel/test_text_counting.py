"""The length of a post, as Mastodon and its clients count it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.text.counting import count_characters


@pytest.mark.parametrize(
    ("text", "warning", "length"),
    [
        ("", "", 0),
        ("hello", "", 5),
        ("hello", "warning", 12),
        ("a\r\nb", "", 3),
        ("a https://example.org/" + "x" * 300 + " b", "", 2 + 23 + 2),
        ("http://a.bc", "", 23),
        ("(https://a.bc/).", "", 1 + 23 + 2),
        ("@alice@" + "b" * 30 + ".com!", "", 7),
        ("@alice #tag", "", 11),
        ("mail@example.org example.org", "", 28),
        ("http://localhost", "", 16),
        ("été", "", 3),
        ("e\u0301te\u0301", "", 3),
        ("👩\u200d👩\u200d👧\u200d👦🇫🇷👍🏽", "", 3),
        ("क्षि", "", 1),
        ("🎉", "e\u0301", 2),
    ],
)
def test_count(text: str, warning: str, length: int) -> None:
    assert count_characters(text, warning) == length


@given(st.text(alphabet=sorted(set(string.printable) - set("@:\r")), max_size=300))
def test_plain_ascii_counts_as_it_is(text: str) -> None:
    assert count_characters(text) == len(text)


@given(st.text(alphabet=st.characters()), st.text(max_size=20))
def test_count_lies_between_nothing_and_everything(text: str, warning: str) -> None:
    links = text.count(":")
    assert bool(text or warning) <= count_characters(text, warning) <= len(text) + len(warning) + 23 * links
