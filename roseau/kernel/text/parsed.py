"""What a post's text asks of the database before it can be rendered, and what comes back."""

import msgspec


class Parsed(msgspec.Struct, kw_only=True):
    """What a text names, each once, in the order of the text."""

    mentions: list[str]
    """Handles in lower case, `user` or `user@host`: what `render` wants to see resolved."""
    hashtags: list[str]
    """Without `#`, as written."""
    links: list[str]
    shortcodes: list[str]


class ResolvedMention(msgspec.Struct, frozen=True):
    """An account that a handle stands for."""

    url: str
    username: str
    acct: str
    """`user` here, `user@host` elsewhere; shown where the username alone would be ambiguous."""
