"""The search index: what is put in, and what is taken out. SQLite has it in FTS5, PostgreSQL in tsvectors.

Both are given the same folded words (`kernel/text/searching.py`), so that both find the same.
"""

from typing import Any

from sqlalchemy import bindparam, select

from roseau.domain.events import (
    AccountCreated,
    AccountDeleted,
    AccountUpdated,
    StatusCovered,
    StatusDeleted,
    StatusEdited,
    StatusHidden,
    StatusPosted,
    StatusRestored,
)
from roseau.domain.site import Site
from roseau.kernel.html import SafeHTML, plain_text
from roseau.kernel.text.searching import words
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import poll_options, polls, statuses
from roseau.storage.statements import Statement, statement, statements

_status = statement(
    select(statuses.c.content, statuses.c.spoiler_text).where(
        statuses.c.id == bindparam("status"),
        statuses.c.reblog_of_id.is_(None),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
    )
)
_descriptions = statement(
    select(media_attachments.c.description).where(
        media_attachments.c.status_id == bindparam("status"), media_attachments.c.description.is_not(None)
    )
)
_options = statement(
    select(poll_options.c.title)
    .join(polls, polls.c.id == poll_options.c.poll_id)
    .where(polls.c.status_id == bindparam("status"))
)
_account = statement(
    select(accounts.c.username, accounts.c.domain, accounts.c.display_name).where(
        accounts.c.id == bindparam("account"), accounts.c.deleted_at.is_(None)
    )
)


def _put(table: str, key: str) -> Statement[Any]:
    return statements(
        sqlite=f"INSERT OR REPLACE INTO {table} (rowid, words) VALUES (:id, :words)",  # noqa: S608
        # Lexemes are given as they are: PostgreSQL's parser would take some apart that SQLite leaves whole.
        postgresql=(
            f"INSERT INTO {table} ({key}, words) "  # noqa: S608
            "VALUES (:id, array_to_tsvector(string_to_array(:words, ' '))) "
            f"ON CONFLICT ({key}) DO UPDATE SET words = excluded.words"
        ),
    )


def _take_out(table: str, key: str) -> Statement[Any]:
    return statements(
        sqlite=f"DELETE FROM {table} WHERE rowid = :id",  # noqa: S608
        postgresql=f"DELETE FROM {table} WHERE {key} = :id",  # noqa: S608
    )


_put_status, _take_status = _put("status_search", "status_id"), _take_out("status_search", "status_id")
_put_account, _take_account = _put("account_search", "account_id"), _take_out("account_search", "account_id")


def index_status(tx: Transaction, status_id: int) -> None:
    """Have a status found by its words, its warning's, its pictures' descriptions and its poll's."""
    row = tx.one(_status, status=status_id)
    if row is None:
        tx.run(_take_status, id=status_id)
        return
    found = words(row.spoiler_text) + words(plain_text(SafeHTML(row.content)))
    for text in (*tx.values(_descriptions, status=status_id), *tx.values(_options, status=status_id)):
        found += words(text)
    _replace(tx, _put_status, _take_status, status_id, found)


def index_account(tx: Transaction, account_id: int) -> None:
    """Have an account found by its names."""
    row = tx.one(_account, account=account_id)
    found = [] if row is None else words(f"{row.username} {row.domain} {row.display_name}")
    if row is not None and "_" in row.username:
        # Of `market_square`, each part is a word, and so is the whole.
        found += words(row.username.replace("_", ""))
    _replace(tx, _put_account, _take_account, account_id, found)


def _replace(
    tx: Transaction, put: Statement[Any], take_out: Statement[Any], item_id: int, found: list[str]
) -> None:
    unique = " ".join(dict.fromkeys(found))
    if unique:
        tx.run(put, id=item_id, words=unique)
    else:
        tx.run(take_out, id=item_id)


# Reactions


def follow_status(
    tx: Transaction, site: Site, event: StatusPosted | StatusEdited | StatusRestored | StatusCovered
) -> None:
    """Have a new or changed status found."""
    index_status(tx, event.status_id)


def forget_status(tx: Transaction, site: Site, event: StatusDeleted | StatusHidden) -> None:
    """Have a deleted or hidden status found no more."""
    tx.run(_take_status, id=event.status_id)


def follow_account(
    tx: Transaction, site: Site, event: AccountCreated | AccountUpdated | AccountDeleted
) -> None:
    """Have an account found under its present names, or no more."""
    index_account(tx, event.account_id)
