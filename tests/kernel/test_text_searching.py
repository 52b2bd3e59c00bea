"""Words for the index and queries for both databases."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.text.searching import fold, fts5_query, normalise_hashtag, tsquery, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello", "hello"),
        ("Œuvre ÇA Ærø ﬁn Łódź Straße İı", "oeuvre ca aero fin lodz strasse ii"),
        ("e\u0301té", "ete"),
        ("Ёлка ΆΝΩ", "елка ανω"),
        ("がぎ 한국 हिन्दी", "がぎ 한국 हिन्दी"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("name", "normalised"),
    [
        ("#ÉcologieＡ", "ecologiea"),
        ("Hello❤️World", "helloworld"),
        ("hello world", "helloworld"),
        ("one·two_three", "one·two_three"),
        ("ぼっち・ざ・ろっく", "ぼっち・ざ・ろっく"),
        ("नमस्ते", "नमस्ते"),
    ],
)
def test_normalise_hashtag(name: str, normalised: str) -> None:
    assert normalise_hashtag(name) == normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("… ! '' @ # \x00 \ud800", []),
        ("L’été, qu'il a !", ["ete", "il", "a"]),
        ("aujourd’hui presqu'île o'clock", ["aujourdhui", "presquile", "oclock"]),
        ("the cat's toy, don't", ["the", "cat", "toy", "dont"]),
        ("jusqu'à l'Œuvre d'Anaïs", ["a", "oeuvre", "anais"]),
        ("#Rock_n_Roll @zoé@exemple.org", ["rock", "n", "roll", "zoe", "exemple", "org"]),
        ("https://www.exemple.org/page?x=1", ["exemple", "org", "page", "x", "1"]),
        ("3,14 COVID-19", ["3", "14", "covid", "19"]),
        ("a" * 100, ["a" * 64]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "fts5", "postgresql"),
    [
        ("", "", ""),
        ("!&|'()\"*:", "", ""),
        ("Été", '"ete"*', "'ete':*"),
        ("l'eau claire l'eau vi", '"eau" "claire" "vi"*', "'eau' & 'claire' & 'vi':*"),
        ("eau d'eau", '"eau"*', "'eau':*"),
        ("a AND b OR NOT c", '"a" "and" "b" "or" "not" "c"*', "'a' & 'and' & 'b' & 'or' & 'not' & 'c':*"),
        ('x" OR 1:* --', '"x" "or" "1"*', "'x' & 'or' & '1':*"),
        ("#fediverse", '"fediverse"*', "'fediverse':*"),
    ],
)
def test_queries(text: str, fts5: str, postgresql: str) -> None:
    assert fts5_query(text) == fts5
    assert tsquery(text) == postgresql


@pytest.fixture(scope="module")
def index() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5(words)")
    return connection


def is_found(index: apsw.Connection, document: str, query: str) -> bool:
    index.execute("DELETE FROM texts")
    index.execute("INSERT INTO texts VALUES (?)", (" ".join(words(document)),))
    return bool(index.execute("SELECT 1 FROM texts WHERE texts MATCH ?", (fts5_query(query),)).fetchall())


def test_a_search_finds(index: apsw.Connection) -> None:
    text = "L’écologie, c’est l’affaire de tous : voyez #Écologie et @zoé !"
    for query in ("ecologie", "Écolo", "l'ecologie tous", "d’écologie", "#ecologie", "@Zoé", "affaires"[:-1]):
        assert is_found(index, text, query), query
    for query in ("eau", "ecologie demain", "logie"):
        assert not is_found(index, text, query), query


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=("Cs", "Cn"))))
def test_a_text_is_found_by_its_own_words(index: apsw.Connection, text: str) -> None:
    assert not words(text) or is_found(index, text, text)


@given(st.text(st.characters() | st.sampled_from("'\"*:&|!()<>-^{}+\\")))
def test_no_query_is_refused(index: apsw.Connection, text: str) -> None:
    if query := fts5_query(text):
        index.execute("SELECT 1 FROM texts WHERE texts MATCH ?", (query,)).fetchall()
