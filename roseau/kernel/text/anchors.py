"""Mentions, hashtags and links as HTML, to the letter as Mastodon writes them: clients rely on it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from roseau.kernel.html import LINK_REL, SafeHTML, escape
from roseau.kernel.text.entities import Entity, Hashtag, Link, Mention
from roseau.kernel.text.parsed import ResolvedMention

_HIDDEN_PREFIX: Final = re.compile(r"https?://(?:www\.)?|xmpp:")
_SHOWN: Final = 30


def ambiguous_usernames(handles: Iterable[str], mentions: Mapping[str, ResolvedMention]) -> frozenset[str]:
    """The usernames (lower case) that two different accounts among those mentioned have in common."""
    seen: dict[str, str] = {}
    ambiguous = set()
    for handle in handles:
        if (account := mentions.get(handle)) is not None:
            username, acct = account.username.lower(), account.acct.lower()
            if seen.setdefault(username, acct) != acct:
                ambiguous.add(username)
    return frozenset(ambiguous)


def write_entity(
    entity: Entity,
    mentions: Mapping[str, ResolvedMention],
    tag_url: Callable[[str], str],
    ambiguous: frozenset[str] = frozenset(),
) -> SafeHTML:
    """An entity as a link; a mention of nobody known stays text."""
    match entity:
        case Link(url=url):
            return write_link(url)
        case Hashtag(name=name):
            return write_hashtag(name, tag_url(name))
        case Mention(handle=handle, username=username, domain=domain):
            account = mentions.get(handle)
            if account is None:
                return escape(f"@{username}" if domain is None else f"@{username}@{domain}")
            return write_mention(account, with_domain=account.username.lower() in ambiguous)


def write_mention(account: ResolvedMention, *, with_domain: bool = False) -> SafeHTML:
    """A mention as a link to the account's page."""
    shown = account.acct if with_domain else account.username
    return SafeHTML(
        f'<span class="h-card" translate="no"><a href="{escape(account.url)}" class="u-url mention">'
        f"@<span>{escape(shown)}</span></a></span>"
    )


def write_hashtag(name: str, url: str) -> SafeHTML:
    """A hashtag as a link to its timeline."""
    return SafeHTML(
        f'<a href="{escape(url)}" class="mention hashtag" rel="tag">#<span>{escape(name)}</span></a>'
    )


def write_link(url: str, *, rel_me: bool = False) -> SafeHTML:
    """A link that shows 30 characters after the scheme; all of it is there for copying and for clients."""
    prefix = match[0] if (match := _HIDDEN_PREFIX.match(url)) else ""
    shown, rest = url[len(prefix) : len(prefix) + _SHOWN], url[len(prefix) + _SHOWN :]
    if len(rest) == 1:
        # An ellipsis takes as much room as the one character that it would hide.
        shown, rest = shown + rest, ""
    rel = f"{LINK_REL} me" if rel_me else LINK_REL
    return SafeHTML(
        f'<a href="{escape(url)}" target="_blank" rel="{rel}" translate="no">'
        f'<span class="invisible">{escape(prefix)}</span>'
        f'<span class="{"ellipsis" if rest else ""}">{escape(shown)}</span>'
        f'<span class="invisible">{escape(rest)}</span></a>'
    )
