"""How long a post is, counted as Mastodon and its clients count."""

from typing import Final

import regex

from roseau.kernel.text.entities import Link, Mention, find_entities

LINK_LENGTH: Final = 23
"""Every link counts as this many characters, however long it is."""

_CHARACTER: Final = regex.compile(r"\X")


def count_characters(text: str, warning: str = "") -> int:
    """The length that the limit applies to: what a reader takes for one character counts once.

    A link counts `LINK_LENGTH`, a mention without its host; the content warning counts too.
    Graphemes are those of Unicode Standard Annex 29.
    """
    pieces = [warning]
    position = 0
    for entity in find_entities(text):
        if isinstance(entity, Link):
            short = "x" * LINK_LENGTH
        elif isinstance(entity, Mention):
            short = f"@{entity.username}"
        else:
            continue
        pieces += text[position : entity.start], short
        position = entity.end
    pieces.append(text[position:])
    return _count_graphemes("".join(pieces))


def _count_graphemes(text: str) -> int:
    # In ASCII the only grapheme of more than one character is a CR LF.
    if text.isascii():
        return len(text) - text.count("\r\n")
    return sum(1 for _ in _CHARACTER.finditer(text))
