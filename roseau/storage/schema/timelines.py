"""What is laid out for each reader: home timelines, lists, markers, notifications."""

from sqlalchemy import Column, Index, Table

from roseau.storage.schema.columns import ID, flag, instant, key, metadata, number, ref, text

#: One row per (reader, status): fan-out writes it, the home timeline and the lists read it.
home_entries = Table(
    "home_entries",
    metadata,
    Column("account_id", ID, primary_key=True, autoincrement=False),
    Column("status_id", ID, primary_key=True, autoincrement=False),
    Column("author_id", ID, nullable=False),
    Column("reblog_of_id", ID, nullable=True),
    sqlite_with_rowid=False,
)

lists = Table(
    "lists",
    metadata,
    key(),
    ref("account_id", "accounts.id", index=True),
    text("title"),
    #: followed, list or none
    text("replies_policy", default="list"),
    flag("exclusive"),
    instant("created_at"),
)

list_accounts = Table(
    "list_accounts",
    metadata,
    ref("list_id", "lists.id", primary_key=True),
    ref("account_id", "accounts.id", primary_key=True),
    Column("id", ID, nullable=False, unique=True),
    Index("ix_list_accounts_account", "account_id"),
)

markers = Table(
    "markers",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    text("timeline", primary_key=True),
    Column("last_read_id", ID, nullable=False),
    number("version"),
    instant("updated_at"),
)

notifications = Table(
    "notifications",
    metadata,
    key(),
    ref("account_id", "accounts.id"),
    text("type"),
    ref("from_account_id", "accounts.id"),
    ref("status_id", "statuses.id", null=True),
    #: What makes it one of a kind: the same thing happening twice is told once.
    text("dedupe"),
    #: Those with the same key are shown as one.
    text("group_key"),
    #: Held back by the member's policy, until they accept the request.
    flag("filtered"),
    instant("created_at"),
    #: Cleared by the member: out of sight, and remembered so that it is not told again.
    instant("dismissed_at", null=True),
    Index("uq_notifications", "account_id", "dedupe", unique=True),
    Index("ix_notifications_account", "account_id", "id"),
    Index("ix_notifications_group", "account_id", "group_key", "id"),
    Index("ix_notifications_status", "status_id"),
)

#: Whose notifications a member wants: accept, filter or drop; no row accepts everything.
notification_policies = Table(
    "notification_policies",
    metadata,
    ref("account_id", "accounts.id", primary_key=True, autoincrement=False),
    text("for_not_following", default="accept"),
    text("for_not_followers", default="accept"),
    text("for_new_accounts", default="accept"),
    text("for_private_mentions", default="accept"),
    text("for_limited_accounts", default="accept"),
    text("for_bots", default="accept"),
)

#: People whose notifications come through whatever the policy says.
notification_permissions = Table(
    "notification_permissions",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    ref("from_account_id", "accounts.id", primary_key=True),
    instant("created_at"),
)
