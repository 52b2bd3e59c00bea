"""The tables, by noun. They lie below the domain, so any noun may join any table."""

from roseau.storage.schema import (
    accounts,
    addresses,
    cases,
    history,
    log,
    media,
    moderation,
    notices,
    oauth,
    relationships,
    site,
    statuses,
    survival,
    timelines,
    watch,
)
from roseau.storage.schema.columns import metadata

__all__ = [
    "accounts",
    "addresses",
    "cases",
    "history",
    "log",
    "media",
    "metadata",
    "moderation",
    "notices",
    "oauth",
    "relationships",
    "site",
    "statuses",
    "survival",
    "timelines",
    "watch",
]
