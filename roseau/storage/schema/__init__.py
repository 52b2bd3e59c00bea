"""The tables, by noun. They lie below the domain, so any noun may join any table."""

from roseau.storage.schema import (
    accounts,
    addresses,
    history,
    log,
    media,
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
    "history",
    "log",
    "media",
    "metadata",
    "oauth",
    "relationships",
    "site",
    "statuses",
    "survival",
    "timelines",
    "watch",
]
