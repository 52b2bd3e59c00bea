"""HTML as Roseau keeps and shows it: proven safe, escaped, or turned back into text."""

import html
import re
from typing import Final, NewType

import nh3

SafeHTML = NewType("SafeHTML", str)
"""HTML that was written by this package or went through `sanitise`: it may be shown as it is."""

LINK_SCHEMES: Final = frozenset(
    ("http", "https", "dat", "dweb", "ipfs", "ipns", "ssb", "gopher", "xmpp", "magnet", "gemini")
)
"""The schemes a link may have, Mastodon's list."""

LINK_REL: Final = "nofollow noopener"

# The parser's time grows with the square of how deep elements nest and how many attributes one has.
_MOST_CHARACTERS: Final = 200_000
_MOST_TAGS: Final = 10_000

# fmt: off
_TAGS: Final = frozenset((
    "p", "br", "span", "a", "abbr", "del", "s", "pre", "blockquote", "code", "b", "strong", "u", "i", "em",
    "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "ruby", "rt", "rp",
))
# fmt: on
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"lang"},
    "a": {"href", "class", "translate"},
    "abbr": {"title"},
    "li": {"value"},
    "ol": {"start", "reversed"},
    "p": {"class"},
    "span": {"class", "translate"},
}
# Microformats, and what clients need to recognise mentions, hashtags and shortened links.
_CLASS: Final = re.compile(r"(?:h|p|u|dt|e)-[\w-]+|mention|hashtag|ellipsis|invisible|quote-inline")

_LINE_ENDS: Final = re.compile(r"\r\n?")
# Control characters mean nothing in HTML, and a lone surrogate cannot be written as UTF-8 at all.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")

_BREAKS: Final = re.compile(r"<(?:(br)|/?(li)|/?(?:p|h[1-6]|pre|blockquote|ul|ol))(?:\s[^<>]*+)?/?>[ \n]*+")
_ANY_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*+>")
_MANY_BREAKS: Final = re.compile(r"\n{3,}")


def clean_text(text: str) -> str:
    """Text that HTML and UTF-8 can carry: line ends are `\\n`, control characters are gone."""
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def escape(text: str) -> SafeHTML:
    """Text as HTML that shows it, for content and for quoted attributes, written as Mastodon writes it."""
    return SafeHTML(
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
    )


def sanitise(foreign: str) -> SafeHTML:
    """Foreign HTML reduced to what Mastodon's own allow-list lets through.

    Every link gets `rel="nofollow noopener"` and `target="_blank"`; one whose address is relative or has
    another scheme than `LINK_SCHEMES` loses the address. What no honest author sends (over 200 000
    characters or 10 000 tags) is cut and shown as the source that it is.
    """
    cleaned = clean_text(foreign)
    if len(cleaned) > _MOST_CHARACTERS or cleaned.count("<") > _MOST_TAGS:
        return escape(cleaned[:_MOST_CHARACTERS])
    safe = _CLEANER.clean(cleaned)
    if _CONTROLS.search(safe):
        # One written as a reference (`&#1;`) is back; without it, what stands around it may read otherwise.
        safe = _CLEANER.clean(_CONTROLS.sub("", safe))
    return SafeHTML(safe)


def plain_text(safe: SafeHTML) -> str:
    """The words of an HTML text, for search, notifications and previews; a blank line parts paragraphs."""
    # Outside of `pre` a line end in the source is only a space; inside, it is what the author wrote.
    source = safe if "<pre" in safe else safe.replace("\n", " ")
    text = _ANY_TAG.sub("", _BREAKS.sub(_line_break, source))
    return _MANY_BREAKS.sub("\n\n", html.unescape(text)).strip()


def _line_break(tag: re.Match[str]) -> str:
    if tag[1]:
        return "\n"
    if tag[2]:
        return "" if tag[0].startswith("</") else "\n"
    return "\n\n"


def _allowed_attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return " ".join(word for word in value.split() if _CLASS.fullmatch(word))
    if name == "translate":
        return value if value == "no" else None
    return value


_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    attribute_filter=_allowed_attribute,
    url_schemes=LINK_SCHEMES,
    url_relative="deny",
    link_rel=LINK_REL,
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
