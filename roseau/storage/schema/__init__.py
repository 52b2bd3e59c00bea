"""The tables, by noun. They lie below the domain, so any noun may join any table."""

from roseau.storage.schema import accounts, log, media, oauth, relationships, site, statuses, timelines
from roseau.storage.schema.columns import metadata

__all__ = ["accounts", "log", "media", "metadata", "oauth", "relationships", "site", "statuses", "timelines"]
