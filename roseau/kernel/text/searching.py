"""Text as it is indexed and searched: accents, case and French elisions make no difference.

Both databases get the same words, made here, so that a search finds the same on SQLite as on PostgreSQL.
"""

import unicodedata
from typing import Final

import regex

MAX_WORD: Final = 64
"""Longer words are cut, in the index as in the query (PostgreSQL refuses those of over 2 kB)."""

MAX_QUERY_WORDS: Final = 24

# Letters that Unicode does not take apart into a base and a mark.
_STROKED: Final = str.maketrans(
    dict(zip("æœøđðħıłŋŧþ", ("ae", "oe", "o", "d", "d", "h", "i", "l", "n", "t", "th"), strict=True))
)
# The marks of Latin, Greek and Cyrillic letters. Those of other scripts make another letter.
_MARKS: Final = regex.compile(r"[\u0300-\u036f]+")

_SCHEME: Final = regex.compile(r"\bhttps?://(?:www\.)?")
_WORD: Final = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*+(?:'[\p{L}\p{N}][\p{L}\p{N}\p{M}]*+)*+")
_APOSTROPHES: Final = str.maketrans("’ʼ＇´", "''''")
_ELISIONS: Final = frozenset(
    ("l", "d", "j", "m", "t", "s", "n", "c", "qu", "lorsqu", "puisqu", "quoiqu", "jusqu")
)

_HASHTAG_SEPARATORS: Final = "_\u00b7\u30fb\u200c"
_NOT_IN_HASHTAG: Final = regex.compile(
    rf"[^\p{{Alphabetic}}\p{{M}}\p{{Nd}}{_HASHTAG_SEPARATORS}]|\p{{Variation_Selector}}"
)


def fold(text: str) -> str:
    """Text in which case, accents, ligatures and compatibility forms are gone: `Œuvre` gives `oeuvre`."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", letters).translate(_STROKED))


def normalise_hashtag(name: str) -> str:
    """The form under which hashtags are one: `#ÉcologieＡ` gives `ecologiea`."""
    return _NOT_IN_HASHTAG.sub("", fold(name.removeprefix("#").removeprefix("＃")))


def words(text: str) -> list[str]:
    """The words of a text, folded, in order: `L’été de @Zoé` gives `ete`, `de`, `zoe`.

    A word is letters and digits only, so that it needs no escaping and every tokenizer leaves it whole.
    The text's language plays no part: the reader who searches may use another than the author.
    """
    plain = _SCHEME.sub("", fold(text.translate(_APOSTROPHES)))
    return [word for match in _WORD.finditer(plain) if (word := _without_apostrophes(match[0])[:MAX_WORD])]


def fts5_query(text: str) -> str:
    """A query for SQLite's FTS5 that wants every word, the last one perhaps unfinished; "" for no words."""
    wanted = " ".join(f'"{word}"' for word in _query_words(text))
    return f"{wanted}*" if wanted else ""


def tsquery(text: str) -> str:
    """The same for PostgreSQL's `to_tsquery('simple', ...)`; "" for no words."""
    wanted = " & ".join(f"'{word}'" for word in _query_words(text))
    return f"{wanted}:*" if wanted else ""


def _query_words(text: str) -> list[str]:
    *wanted, last = words(text)[:MAX_QUERY_WORDS] or [""]
    return [*dict.fromkeys(word for word in wanted if word != last), last] if last else []


def _without_apostrophes(word: str) -> str:
    """`l'eau` is searched as `eau`, `cat's` as `cat`; `aujourd'hui` and `don't` are one word each."""
    parts = word.split("'")
    while len(parts) > 1 and parts[0] in _ELISIONS:
        del parts[0]
    if len(parts) > 1 and parts[-1] == "s":
        del parts[-1]
    return "".join(parts)
