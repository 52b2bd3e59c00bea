"""No text is slow to read, whoever wrote it."""

import time
from collections.abc import Callable

import pytest

from roseau.kernel.html import plain_text, sanitise
from roseau.kernel.text import markdown, plain
from roseau.kernel.text.counting import count_characters
from roseau.kernel.text.searching import fts5_query, words

LENGTH = 100_000
SECONDS = 0.5

PIECES = [
    *("@", "#", "(", ":", "<", "&", ".", "'", "\n", "_", "é", "\u0301", "👩\u200d👧"),
    *("a@a@", "@a@a", "@a.", "@a-.-", "@a..", "#a·", "#1·", "#1", ":aa", ":aa:", "l'"),
    *("http://", "http://a.", "http://a.bc/", "http://a.bc/(", "http://a.bc/(d(e)f)(", "http://a.bc?"),
    *("xmpp:", "magnet:?", "https://a.bc/.", "https://a.bc/d "),
]  # fmt: skip
READERS: list[Callable[[str], object]] = [
    lambda text: plain.render(plain.parse(text), {}, str),
    count_characters,
    words,
    fts5_query,
    lambda text: plain_text(sanitise(text)),
]


@pytest.mark.parametrize("piece", PIECES)
def test_plain_text_is_read_in_time(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for read in READERS:
        start = time.process_time()
        read(text)
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("piece", ["@", "#", "(", "a@a@", "http://", "http://a.bc/", "xmpp:", "http:"])
def test_markdown_is_read_in_time(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    start = time.process_time()
    markdown.render(markdown.parse(text), {}, str)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "piece", ["[", "![", "](", "`", "_a", "*_", "**a", "~~", "<a", "<!", "> ", "- ", "\n#", "&"]
)
def test_markdown_syntax_is_read_in_time(piece: str) -> None:
    # Linear as well, but each of these costs the parser more than a letter does.
    text = piece * (LENGTH // 4 // len(piece))
    start = time.process_time()
    markdown.render(markdown.parse(text), {}, str)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "piece", ["<b>", "<p><b>", "<a href=x>", "<pre>", "<br ", "</", '<p class="', "&lt;", "<li>"]
)
def test_foreign_html_is_read_in_time(piece: str) -> None:
    html = piece * (LENGTH // len(piece))
    start = time.process_time()
    plain_text(sanitise(html))
    assert time.process_time() - start < SECONDS
