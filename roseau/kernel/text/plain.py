"""Plain text as HTML, in two steps: `parse`, look up who is mentioned, `render`."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from roseau.kernel.html import SafeHTML, clean_text, escape
from roseau.kernel.text.anchors import ambiguous_usernames, write_entity, write_link
from roseau.kernel.text.entities import Entity, Hashtag, Link, Mention, find_entities, find_shortcodes
from roseau.kernel.text.parsed import Parsed, ResolvedMention

_BLANK_LINES: Final = re.compile(r"\n{2,}")


class ParsedText(Parsed):
    """A plain text and the places of what it names."""

    text: str
    entities: list[Entity]


def parse(text: str) -> ParsedText:
    """Find what a plain text names. The text kept is cleaned and has no space around it."""
    text = clean_text(text).strip()
    entities = find_entities(text)
    return ParsedText(
        text=text,
        entities=entities,
        mentions=list(dict.fromkeys(entity.handle for entity in entities if isinstance(entity, Mention))),
        hashtags=list(dict.fromkeys(entity.name for entity in entities if isinstance(entity, Hashtag))),
        links=list(dict.fromkeys(entity.url for entity in entities if isinstance(entity, Link))),
        shortcodes=find_shortcodes(text),
    )


def render(
    parsed: ParsedText, mentions: Mapping[str, ResolvedMention], tag_url: Callable[[str], str]
) -> SafeHTML:
    """The text as paragraphs. Line ends are `<br />`; a mention that `mentions` does not know stays text."""
    if not parsed.text:
        return SafeHTML("")
    ambiguous = ambiguous_usernames(parsed.mentions, mentions)
    inline = _write_inline(parsed, lambda entity: write_entity(entity, mentions, tag_url, ambiguous))
    paragraphs = _BLANK_LINES.sub("</p><p>", inline).replace("\n", "<br />")
    return SafeHTML(f"<p>{paragraphs}</p>")


def render_line(
    parsed: ParsedText, mentions: Mapping[str, ResolvedMention], tag_url: Callable[[str], str]
) -> SafeHTML:
    """The text without paragraphs, its links marked `rel="me"`: a field of a profile."""

    def write(entity: Entity) -> SafeHTML:
        if isinstance(entity, Link):
            return write_link(entity.url, rel_me=True)
        return write_entity(entity, mentions, tag_url)

    return SafeHTML(_write_inline(parsed, write).replace("\n", " "))


def _write_inline(parsed: ParsedText, write: Callable[[Entity], SafeHTML]) -> str:
    pieces: list[str] = []
    position = 0
    for entity in parsed.entities:
        pieces.append(escape(parsed.text[position : entity.start]))
        pieces.append(write(entity))
        position = entity.end
    pieces.append(escape(parsed.text[position:]))
    return "".join(pieces)
