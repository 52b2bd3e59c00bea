"""Who follows, asks to follow, blocks or mutes whom."""

from typing import Any

from sqlalchemy import Column, Index, Table

from roseau.storage.schema.columns import ID, flag, instant, metadata, ref, text


def _pair(name: str, *columns: Column[Any]) -> Table[Any]:
    """A table of one row per (account, target); `id` sorts pages."""
    return Table(
        name,
        metadata,
        ref("account_id", "accounts.id", primary_key=True),
        ref("target_id", "accounts.id", primary_key=True),
        Column("id", ID, nullable=False, unique=True),
        *columns,
        instant("created_at"),
        Index(f"ix_{name}_target", "target_id", "id"),
        Index(f"ix_{name}_account", "account_id", "id"),
    )


follows = _pair(
    "follows",
    flag("reblogs", default=True),
    flag("notify"),
    text("languages", default="[]"),
    text("uri", null=True, unique=True),
)

follow_requests = _pair(
    "follow_requests",
    flag("reblogs", default=True),
    flag("notify"),
    text("languages", default="[]"),
    text("uri", null=True, unique=True),
)

blocks = _pair("blocks", text("uri", null=True, unique=True))

mutes = _pair("mutes", flag("notifications", default=True), instant("expires_at", null=True))

#: Whom a member shows on their profile.
endorsements = _pair("endorsements")

#: Whom a member does not want to be suggested again.
dismissed_suggestions = _pair("dismissed_suggestions")

#: What a member hides of another site.
domain_blocks = Table(
    "domain_blocks",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    text("domain", primary_key=True),
    Column("id", ID, nullable=False, unique=True),
    instant("created_at"),
)
