"""Statuses with all that hangs on them: mentions, tags, polls, edits, and what people did with them."""

from typing import Any

from sqlalchemy import Column, Index, Integer, Table, desc
from sqlalchemy import text as sql

from roseau.storage.schema.columns import ID, flag, instant, key, metadata, number, ref, text

#: What public timelines are made of: the rows of the partial indexes below.
_PUBLIC = "visibility = 'public' AND reblog_of_id IS NULL AND deleted_at IS NULL AND hidden_at IS NULL"
_STANDING_REBLOG = "reblog_of_id IS NOT NULL AND deleted_at IS NULL"


def _public(name: str, condition: str) -> Index:
    return Index(name, "id", sqlite_where=sql(condition), postgresql_where=sql(condition))


conversations = Table(
    "conversations",
    metadata,
    key(),
    text("uri", null=True, unique=True),
    instant("created_at"),
)

statuses = Table(
    "statuses",
    metadata,
    key(),
    ref("account_id", "accounts.id"),
    text("uri", unique=True),
    text("url", default=""),
    #: Written on this site.
    flag("local", default=True),
    #: What the author typed, and in what: `text/plain` or `text/markdown`; empty for remote ones.
    text("text", default=""),
    text("content_type", default="text/plain"),
    #: What readers get: sanitised HTML.
    text("content", default=""),
    text("spoiler_text", default=""),
    flag("sensitive"),
    text("language", null=True),
    #: public, unlisted, private or direct
    text("visibility"),
    #: Never leaves this site, and is shown to its members only.
    flag("local_only"),
    ref("in_reply_to_id", "statuses.id", null=True),
    ref("in_reply_to_account_id", "accounts.id", null=True),
    ref("reblog_of_id", "statuses.id", null=True),
    ref("conversation_id", "conversations.id", null=True, index=True),
    ref("app_id", "oauth_apps.id", null=True),
    number("replies_count"),
    number("reblogs_count"),
    number("favourites_count"),
    instant("created_at"),
    instant("edited_at", null=True),
    #: Hidden by moderation, and can be restored.
    instant("hidden_at", null=True),
    #: Deleted by its author.
    instant("deleted_at", null=True),
    #: Counts up with every change of what readers see, but for the counts; caches are keyed by it.
    number("version"),
    Index("ix_statuses_account", "account_id", desc("id")),
    Index("ix_statuses_reply", "in_reply_to_id"),
    # Nobody reblogs the same thing twice; an undone reblog may be done again.
    Index(
        "uq_statuses_reblog",
        "reblog_of_id",
        "account_id",
        unique=True,
        sqlite_where=sql(_STANDING_REBLOG),
        postgresql_where=sql(_STANDING_REBLOG),
    ),
    _public("ix_statuses_public", _PUBLIC),
    _public("ix_statuses_local", _PUBLIC + " AND local"),
)

#: What a status was before each edit; the first row is the original, the last the present.
status_edits = Table(
    "status_edits",
    metadata,
    key(),
    ref("status_id", "statuses.id", index=True),
    text("content"),
    text("text"),
    text("spoiler_text"),
    flag("sensitive"),
    #: JSON: media as they were, and the options of the poll.
    text("media", default="[]"),
    text("poll_options", null=True),
    instant("created_at"),
)

mentions = Table(
    "mentions",
    metadata,
    ref("status_id", "statuses.id", primary_key=True),
    ref("account_id", "accounts.id", primary_key=True),
    #: Addressed without being named: may see it, is not notified.
    flag("silent"),
    Index("ix_mentions_account", "account_id", "status_id"),
)

tags = Table(
    "tags",
    metadata,
    key(),
    #: Case folded, without accents; unique.
    text("name", unique=True),
    text("display_name"),
    instant("created_at"),
    instant("last_status_at", null=True),
)

status_tags = Table(
    "status_tags",
    metadata,
    ref("tag_id", "tags.id", primary_key=True),
    ref("status_id", "statuses.id", primary_key=True),
    Index("ix_status_tags_status", "status_id"),
)

tag_follows = Table(
    "tag_follows",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    ref("tag_id", "tags.id", primary_key=True),
    Column("id", ID, nullable=False, unique=True),
    instant("created_at"),
    Index("ix_tag_follows_tag", "tag_id", "account_id"),
)

#: The tags that a member shows on their profile.
featured_tags = Table(
    "featured_tags",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    ref("tag_id", "tags.id", primary_key=True),
    Column("id", ID, nullable=False, unique=True),
    instant("created_at"),
)


def _mark(name: str, *columns: Column[Any]) -> Table[Any]:
    """What an account does once with a status."""
    return Table(
        name,
        metadata,
        ref("account_id", "accounts.id", primary_key=True),
        ref("status_id", "statuses.id", primary_key=True),
        Column("id", ID, nullable=False, unique=True),
        *columns,
        instant("created_at"),
        Index(f"ix_{name}_status", "status_id", "id"),
        Index(f"ix_{name}_account", "account_id", "id"),
    )


favourites = _mark("favourites", text("uri", null=True, unique=True))
bookmarks = _mark("bookmarks")
pins = _mark("pins")

conversation_mutes = Table(
    "conversation_mutes",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    ref("conversation_id", "conversations.id", primary_key=True),
    instant("created_at"),
)

#: Private conversations as their members see them.
account_conversations = Table(
    "account_conversations",
    metadata,
    key(),
    ref("account_id", "accounts.id"),
    ref("conversation_id", "conversations.id"),
    #: JSON list of the other members' ids, sorted.
    text("participant_ids"),
    ref("last_status_id", "statuses.id"),
    flag("unread"),
    Index("uq_account_conversations", "account_id", "conversation_id", unique=True),
    Index("ix_account_conversations_last", "account_id", "last_status_id"),
)

polls = Table(
    "polls",
    metadata,
    key(),
    ref("status_id", "statuses.id", unique=True),
    ref("account_id", "accounts.id"),
    flag("multiple"),
    flag("hide_totals"),
    number("votes_count"),
    number("voters_count"),
    instant("expires_at", null=True),
    instant("closed_at", null=True),
)

poll_options = Table(
    "poll_options",
    metadata,
    ref("poll_id", "polls.id", primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    text("title"),
    number("votes_count"),
)

poll_votes = Table(
    "poll_votes",
    metadata,
    ref("poll_id", "polls.id", primary_key=True),
    ref("account_id", "accounts.id", primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    text("uri", null=True, unique=True),
    instant("created_at"),
)

#: Posts that are to appear by themselves.
scheduled_statuses = Table(
    "scheduled_statuses",
    metadata,
    key(),
    ref("account_id", "accounts.id"),
    ref("app_id", "oauth_apps.id", null=True),
    #: JSON of `domain.statuses.drafts.Draft`
    text("draft"),
    instant("scheduled_at"),
    instant("created_at"),
    Index("ix_scheduled_statuses_account", "account_id", "id"),
)

#: `Idempotency-Key`: the same request, sent again, answers with the status it made.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    ref("account_id", "accounts.id", primary_key=True),
    text("key", primary_key=True),
    ref("status_id", "statuses.id"),
    instant("created_at"),
)

custom_emojis = Table(
    "custom_emojis",
    metadata,
    key(),
    text("shortcode"),
    text("domain", default=""),
    text("file"),
    text("static_file"),
    text("category", null=True),
    flag("visible_in_picker", default=True),
    text("uri", null=True),
    instant("created_at"),
    instant("disabled_at", null=True),
    Index("uq_custom_emojis", "shortcode", "domain", unique=True),
)
