"""Scopes: what a token may be used for (docs.joinmastodon.org/api/oauth-scopes)."""

from collections.abc import Iterable

#: What an application gets that asks for nothing in particular.
DEFAULT = "read"

# fmt: off
_READ = ("accounts", "blocks", "bookmarks", "favourites", "filters", "follows", "lists", "mutes",
         "notifications", "search", "statuses")
_WRITE = ("accounts", "blocks", "bookmarks", "conversations", "favourites", "filters", "follows", "lists",
          "media", "mutes", "notifications", "reports", "statuses")
_ADMIN = ("accounts", "canonical_email_blocks", "domain_allows", "domain_blocks", "email_domain_blocks",
          "ip_blocks", "reports")
# fmt: on

SCOPES: tuple[str, ...] = (
    "read",
    *(f"read:{thing}" for thing in _READ),
    "write",
    *(f"write:{thing}" for thing in _WRITE),
    "follow",
    "push",
    "profile",
    "admin:read",
    *(f"admin:read:{thing}" for thing in _ADMIN),
    "admin:write",
    *(f"admin:write:{thing}" for thing in _ADMIN),
)
_KNOWN = frozenset(SCOPES)


def parse_scopes(text: str) -> str | None:
    """The scopes that a text names, each once; None when one is not known, or none is named."""
    names = list(dict.fromkeys(text.split()))
    return " ".join(names) if names and _KNOWN.issuperset(names) else None


def covers(granted: str, wanted: str) -> bool:
    """Whether every wanted scope is granted, by name or as a part: `read` covers `read:statuses`."""
    held = frozenset(granted.split())
    return all(name in held or not held.isdisjoint(_wider(name)) for name in wanted.split())


def _wider(name: str) -> Iterable[str]:
    """The scopes that a scope is part of: `admin:read` for `admin:read:accounts`."""
    while ":" in name:
        name = name.rpartition(":")[0]
        yield name
