"""Finds mentions, hashtags, links and custom emoji in the plain text of a post, by Mastodon's rules.

Every search is linear in the length of the text, whatever the text.
"""

from typing import Final

import msgspec
import regex


class Mention(msgspec.Struct, frozen=True):
    """`@user` or `@user@host`, as written; `text[start:end]` includes the first `@`."""

    start: int
    end: int
    username: str
    domain: str | None

    @property
    def handle(self) -> str:
        """`user` or `user@host` in lower case: what a resolved mention is looked up by."""
        return (self.username if self.domain is None else f"{self.username}@{self.domain}").lower()


class Hashtag(msgspec.Struct, frozen=True):
    """`#name`, as written; `text[start:end]` includes the `#`."""

    start: int
    end: int
    name: str


class Link(msgspec.Struct, frozen=True):
    """An address with its scheme, as written."""

    start: int
    end: int
    url: str


Entity = Mention | Hashtag | Link

MAX_DOMAIN: Final = 253
MAX_URL: Final = 4096

# What Ruby's [[:word:]] and [[:alpha:]] mean, on which Mastodon's patterns stand.
_WORD: Final = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"
_ALPHABETIC: Final = regex.compile(r"\p{Alphabetic}")

# The quantifiers are possessive: what they took is never given back, so no text can make them slow.
_MENTION: Final = regex.compile(
    rf"(?<![=/{_WORD}])@([A-Za-z0-9_]++(?:[.-]++[A-Za-z0-9_]++)*+)(?:@([{_WORD}]++(?:[.-]++[{_WORD}]++)*+))?+"
)
# `@noël` is not a mention of `no`, nor is `@user@` one of `user`.
_NOT_AFTER_MENTION: Final = regex.compile(r"[@＠]|[\p{Latin}--\p{ASCII}]|\p{M}|://", regex.VERSION1)

_SEPARATORS: Final = "_\u00b7\u30fb\u200c"
_HASHTAG: Final = regex.compile(rf"(?<![=/){_WORD}])[#＃]([{_WORD}][{_WORD}{_SEPARATORS}]*+)")
_SCHEME_AT_END: Final = regex.compile(r"(?<=.)https?\Z")

_SCHEME: Final = regex.compile(
    r"(?<![A-Za-z0-9@＠$#＃\ufeff])(?:((?:https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini)://)|(xmpp:|magnet:\?))",
    regex.IGNORECASE | regex.ASCII,
)
_LABEL: Final = r"[\p{L}\p{M}\p{N}\p{So}\u200d][\p{L}\p{M}\p{N}\p{So}\u200d_-]*+"
_HOST: Final = regex.compile(rf"{_LABEL}(?:\.{_LABEL})*+")
# Text often goes on in another script right after an address (https://example.orgを見て), so that a
# top-level domain is either ASCII or not. A list of those that exist would be out of date before long.
_TOP_LEVEL: Final = regex.compile(
    r"(?:[Xx][Nn]--[A-Za-z0-9-]++|[A-Za-z]{2,}+)(?![0-9@])|[\p{L}\p{M}--[A-Za-z]]{2,}+", regex.VERSION1
)
_PORT: Final = regex.compile(r":[0-9]{1,5}+")
_PATH_CHARACTER: Final = r"[^\s<>()?]"
# Up to two levels of balanced parentheses belong to the path, as in /wiki/Reed_(plant).
_PATH: Final = regex.compile(
    rf"/(?:{_PATH_CHARACTER}++|\({_PATH_CHARACTER}*+(?:\({_PATH_CHARACTER}++\){_PATH_CHARACTER}*+)?+\))*+"
)
_QUERY: Final = regex.compile(r"\?[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^[^\s\x00-\x7f]]*+", regex.VERSION1)
# Beyond Mastodon's list: the closing punctuation of French, Chinese and Japanese.
_CLOSING: Final = "«»“”‘’…、。，！？：；（）「」『』【】《》"
_NOT_AT_PATH_END: Final = "!*\"'<>;:=,.$%[]~&|@" + _CLOSING
_NOT_AT_QUERY_END: Final = "!?*'();:+$%[].,~|@^" + _CLOSING
_URI: Final = regex.compile(r"[^\s<>]*+")
_NOT_AT_URI_END: Final = ".,;:!?)]}'\"`"

_SHORTCODE: Final = regex.compile(
    r"(?<![\p{Alphabetic}\p{Nd}:]):([A-Za-z0-9_]{2,}+):(?![\p{Alphabetic}\p{Nd}:])"
)


def find_entities(text: str) -> list[Entity]:
    """The mentions, hashtags and links of a text in order; of two that overlap, the first."""
    found: list[Entity] = []
    if ":" in text:
        found += _find_links(text)
    if "@" in text:
        found += _find_mentions(text)
    if "#" in text or "＃" in text:
        found += _find_hashtags(text)
    found.sort(key=lambda entity: entity.start)
    kept: list[Entity] = []
    end = 0
    for entity in found:
        if entity.start >= end:
            kept.append(entity)
            end = entity.end
    return kept


def find_shortcodes(text: str) -> list[str]:
    """The custom emoji that a text may use (`:blobcat:` gives `blobcat`), each once, in order."""
    return list(dict.fromkeys(match[1] for match in _SHORTCODE.finditer(text))) if ":" in text else []


def find_link_end(text: str, start: int) -> int | None:
    """Where the address ends that starts at this very place of a text, however long it is."""
    scheme = _SCHEME.match(text, start)
    return _address_end(text, scheme) if scheme else None


def _find_links(text: str) -> list[Link]:
    links = []
    position = 0
    while scheme := _SCHEME.search(text, position):
        start, end = scheme.start(), _address_end(text, scheme)
        if end is not None and end - start <= MAX_URL:
            links.append(Link(start, end, text[start:end]))
        position = end or _failed_end(text, scheme)
    return links


def _address_end(text: str, scheme: regex.Match[str]) -> int | None:
    """Where the address ends that a scheme begins; None if it names no public host."""
    if scheme[2]:
        return _uri_end(text, scheme)
    end = _host_end(text, scheme.end())
    if end is None:
        return None
    if port := _PORT.match(text, end):
        end = port.end()
    if path := _PATH.match(text, end):
        end += len(path[0].rstrip(_NOT_AT_PATH_END))
    if query := _QUERY.match(text, end):
        end += len(query[0].rstrip(_NOT_AT_QUERY_END))
    return end


def _host_end(text: str, start: int) -> int | None:
    host = _HOST.match(text, start)
    if host is None:
        return None
    *labels, last = host[0].split(".")
    top = _TOP_LEVEL.match(last)
    if not labels or top is None or any(len(label) > 63 or label.endswith("-") for label in labels):
        return None
    end = host.end() - len(last) + top.end()
    return None if end - start > MAX_DOMAIN or text.startswith("@", end) else end


def _uri_end(text: str, scheme: regex.Match[str]) -> int | None:
    """Where an `xmpp:` or `magnet:` address ends; None if it names nothing."""
    address = _run(text, scheme.end()).rstrip(_NOT_AT_URI_END)
    if scheme[2].lower() == "xmpp:":
        named = "@" in address or "." in address
    else:
        named = address.startswith("xt=") or "&xt=" in address
    return scheme.end() + len(address) if named else None


def _failed_end(text: str, scheme: regex.Match[str]) -> int:
    """Where to go on after a scheme that begins no address: past what was read, or hostile text is slow."""
    return scheme.end() + (len(_run(text, scheme.end())) if scheme[2] else 0)


def _run(text: str, start: int) -> str:
    run = _URI.match(text, start)
    return run[0] if run else ""


def _find_mentions(text: str) -> list[Mention]:
    return [
        Mention(match.start(), match.end(), match[1], match[2])
        for match in _MENTION.finditer(text)
        if not _NOT_AFTER_MENTION.match(text, match.end()) and len(match[2] or "") <= MAX_DOMAIN
    ]


def _find_hashtags(text: str) -> list[Hashtag]:
    hashtags = []
    for match in _HASHTAG.finditer(text):
        name = match[1].rstrip(_SEPARATORS[1:])
        if text.startswith("://", match.end()):
            name = _SCHEME_AT_END.sub("", name)
        if _ALPHABETIC.search(name) or any(separator in name[1:-1] for separator in _SEPARATORS):
            hashtags.append(Hashtag(match.start(), match.start() + 1 + len(name), name))
    return hashtags
