"""Rows on their way into the database, in bulk: gathered by table, written some thousands at a time."""

from typing import Any

from sqlalchemy import Table, func, select, update

from roseau.storage.database import Database, Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.relationships import follow_requests, follows
from roseau.storage.schema.site import rule_texts, rules
from roseau.storage.schema.statuses import (
    account_conversations,
    bookmarks,
    conversations,
    favourites,
    mentions,
    pins,
    poll_options,
    poll_votes,
    polls,
    status_tags,
    statuses,
    tag_follows,
    tags,
)
from roseau.storage.schema.timelines import home_entries, list_accounts, lists, notifications
from roseau.storage.statements import Statement, insertion, statement, statements

#: Rows of one table that are kept in memory at most.
BULK = 4_000

_COLUMNS: tuple[tuple[Table, str], ...] = (
    (
        accounts,
        "id username username_key uri display_name note note_html fields actor_type avatar "
        "avatar_description header header_description locked discoverable indexable created_at updated_at",
    ),
    (users, "account_id email email_key password_hash role locale created_at confirmed_at approved_at"),
    (rules, "id position created_at"),
    (rule_texts, "rule_id language text hint"),
    (tags, "id name display_name created_at last_status_at"),
    (follows, "id account_id target_id created_at"),
    (follow_requests, "id account_id target_id created_at"),
    (lists, "id account_id title created_at"),
    (list_accounts, "id list_id account_id"),
    (tag_follows, "id account_id tag_id created_at"),
    (conversations, "id created_at"),
    (
        statuses,
        "id account_id uri text content spoiler_text sensitive language visibility local_only in_reply_to_id "
        "in_reply_to_account_id reblog_of_id conversation_id created_at",
    ),
    (mentions, "status_id account_id silent"),
    (status_tags, "tag_id status_id"),
    (
        media_attachments,
        "id account_id status_id kind state content_type file small_file meta blurhash description "
        "created_at",
    ),
    (polls, "id status_id account_id multiple votes_count voters_count expires_at closed_at"),
    (poll_options, "poll_id position title votes_count"),
    (poll_votes, "poll_id account_id position created_at"),
    (favourites, "id account_id status_id created_at"),
    (bookmarks, "id account_id status_id created_at"),
    (pins, "id account_id status_id created_at"),
    (account_conversations, "id account_id conversation_id participant_ids last_status_id unread"),
    (notifications, "id account_id type from_account_id status_id dedupe group_key filtered created_at"),
    (home_entries, "account_id status_id author_id reblog_of_id"),
)
#: In this order no row comes before one that it points at.
_INSERTS: dict[str, Statement[Any]] = {
    table.name: insertion(table, columns) for table, columns in _COLUMNS
} | {
    f"{kind}_search": statements(
        sqlite=f"INSERT INTO {kind}_search (rowid, words) VALUES (:id, :words)",  # noqa: S608
        postgresql=f"INSERT INTO {kind}_search ({kind}_id, words) "  # noqa: S608
        "VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))",
    )
    for kind in ("account", "status")
}

_s, _reply, _boost = statuses, statuses.alias("reply"), statuses.alias("boost")
_seen = ("public", "unlisted")


def _number(*conditions: Any) -> Any:
    return select(func.count()).where(*conditions).scalar_subquery()


_COUNTS = (
    update(statuses)
    .where(_s.c.reblog_of_id.is_(None))
    .values(
        replies_count=_number(_reply.c.in_reply_to_id == _s.c.id, _reply.c.visibility.in_(_seen)),
        reblogs_count=_number(_boost.c.reblog_of_id == _s.c.id, _boost.c.deleted_at.is_(None)),
        favourites_count=_number(favourites.c.status_id == _s.c.id),
    ),
    update(accounts).values(
        followers_count=_number(follows.c.target_id == accounts.c.id),
        following_count=_number(follows.c.account_id == accounts.c.id),
        statuses_count=_number(_s.c.account_id == accounts.c.id),
        last_status_at=select(func.max(_s.c.created_at))
        .where(_s.c.account_id == accounts.c.id)
        .scalar_subquery(),
    ),
    update(tags).values(
        last_status_at=select(func.max(_s.c.created_at))
        .join(status_tags, status_tags.c.status_id == _s.c.id)
        .where(status_tags.c.tag_id == tags.c.id)
        .scalar_subquery()
    ),
)
_count_statements = [statement(count) for count in _COUNTS]
_anybody = statement(select(accounts.c.id).limit(1))


class Filler:
    """Takes rows for any table, in any order in which they make sense, and writes them in bulk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in _INSERTS}

    def add(self, table: str, **row: Any) -> None:
        """Keep a row for later, or write what waits."""
        waiting = self._waiting[table]
        waiting.append(row)
        if len(waiting) >= BULK:
            self.flush()

    def flush(self) -> None:
        """Write all that waits, in one transaction."""
        self._database.write_now(self._write)

    def _write(self, tx: Transaction) -> None:
        for name, insert in _INSERTS.items():
            if self._waiting[name]:
                tx.run_many(insert, self._waiting[name])
                self._waiting[name] = []

    def count(self) -> None:
        """Set every count to the number of rows that it counts."""
        self.flush()
        self._database.write_now(_set_counts)


def _set_counts(tx: Transaction) -> None:
    for counting in _count_statements:
        tx.run(counting)


def is_empty(tx: Transaction) -> bool:
    """Whether nobody is on the site yet."""
    return tx.value(_anybody) is None
