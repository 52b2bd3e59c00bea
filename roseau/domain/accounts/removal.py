"""Leaving for good: what a member wrote and did is taken away; the name stays taken, lest it be borrowed."""

from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, or_, select, update

from roseau.domain.events import AccountDeleted
from roseau.domain.site import Site
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import account_notes, accounts, invites, recovery_codes, sessions, users
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.oauth import oauth_grants, oauth_tokens, push_subscriptions
from roseau.storage.schema.relationships import (
    blocks,
    dismissed_suggestions,
    domain_blocks,
    endorsements,
    follow_requests,
    follows,
    mutes,
)
from roseau.storage.schema.site import one_time_links
from roseau.storage.schema.statuses import (
    account_conversations,
    bookmarks,
    conversation_mutes,
    favourites,
    featured_tags,
    idempotency_keys,
    pins,
    status_edits,
    statuses,
    tag_follows,
)
from roseau.storage.schema.timelines import home_entries, list_accounts, lists, markers, notifications
from roseau.storage.statements import Statement, statement

_gone: Any = bindparam("gone")
_now: Any = bindparam("now")

_lock = statement(
    select(accounts.c.id)
    .where(accounts.c.id == _gone, accounts.c.domain == "", accounts.c.deleted_at.is_(None))
    .with_for_update(key_share=True)
)

# What others count


def _less(column: Any, cause: Table | Any, link: Any, *conditions: ColumnElement[bool]) -> Statement[Any]:
    """Count `column` down, in each row that `link` points at, by the rows of `cause` that are about to go."""
    table = column.table
    number = select(func.count()).select_from(cause).where(link == table.c.id, *conditions).scalar_subquery()
    touched = select(link).where(link.is_not(None), *conditions)
    return statement(update(table).where(table.c.id.in_(touched)).values({column.name: column - number}))


_mine = statuses.alias("mine")
_theirs = statuses.alias("theirs")
_own_standing = (
    _mine.c.account_id == _gone, _mine.c.deleted_at.is_(None), _mine.c.hidden_at.is_(None)
)  # fmt: skip
#: Reblogs by others, of what goes away with the account.
_hollow = (
    _theirs.c.reblog_of_id.in_(select(_mine.c.id).where(_mine.c.account_id == _gone)),
    _theirs.c.account_id != _gone,
    _theirs.c.deleted_at.is_(None),
)
#: Those that moderation has hidden are not counted by anything.
_counted = (*_hollow, _theirs.c.hidden_at.is_(None))
_COUNTS = (
    _less(accounts.c.followers_count, follows, follows.c.target_id, follows.c.account_id == _gone),
    _less(accounts.c.following_count, follows, follows.c.account_id, follows.c.target_id == _gone),
    _less(
        statuses.c.replies_count, _mine, _mine.c.in_reply_to_id,
        *_own_standing, _mine.c.visibility.in_(["public", "unlisted"]),
    ),
    _less(
        statuses.c.reblogs_count, _mine, _mine.c.reblog_of_id,
        *_own_standing, _mine.c.visibility.in_(["public", "unlisted"]),
    ),
    _less(statuses.c.favourites_count, favourites, favourites.c.status_id, favourites.c.account_id == _gone),
    _less(accounts.c.statuses_count, _theirs, _theirs.c.account_id, *_counted),
)  # fmt: skip

# What is taken away

_hollow_reblogs = statement(
    update(statuses)
    .where(statuses.c.id.in_(select(_theirs.c.id).where(*_hollow)))
    .values(deleted_at=_now, version=statuses.c.version + 1)
)
_own_statuses = statement(
    update(statuses)
    .where(statuses.c.account_id == _gone)
    .values(
        text="", content="", spoiler_text="", version=statuses.c.version + 1,
        deleted_at=func.coalesce(statuses.c.deleted_at, _now),
    )
)  # fmt: skip
_own_edits = statement(
    delete(status_edits).where(
        status_edits.c.status_id.in_(select(statuses.c.id).where(statuses.c.account_id == _gone))
    )
)
_read_by_followers = statement(
    delete(home_entries).where(
        home_entries.c.author_id == _gone,
        home_entries.c.account_id.in_(select(follows.c.account_id).where(follows.c.target_id == _gone)),
    )
)


def _rows_of(table: Table, *columns: str) -> Statement[Any]:
    return statement(delete(table).where(or_(*(table.c[name] == _gone for name in columns))))


_OWN_ROWS = (
    *(
        _rows_of(table, "account_id", "target_id")
        for table in (
            follows, follow_requests, blocks, mutes, endorsements, dismissed_suggestions, account_notes,
        )
    ),
    *(
        _rows_of(table, "account_id")
        for table in (
            account_conversations, bookmarks, conversation_mutes, domain_blocks, favourites, featured_tags,
            home_entries, idempotency_keys, list_accounts, lists, markers, media_attachments, oauth_grants,
            one_time_links, pins, push_subscriptions, recovery_codes, sessions, tag_follows, users,
        )
    ),
    _rows_of(notifications, "account_id", "from_account_id"),
)  # fmt: skip
_tokens = statement(
    update(oauth_tokens)
    .where(oauth_tokens.c.account_id == _gone, oauth_tokens.c.revoked_at.is_(None))
    .values(revoked_at=_now)
)
_invites = statement(
    update(invites)
    .where(invites.c.account_id == _gone, invites.c.revoked_at.is_(None))
    .values(revoked_at=_now)
)
_tombstone = statement(
    update(accounts)
    .where(accounts.c.id == _gone)
    .values(
        deleted_at=_now, updated_at=_now, version=accounts.c.version + 1,
        display_name="", note="", note_html="", fields="[]", also_known_as="[]",
        avatar="", avatar_static="", avatar_description="",
        header="", header_static="", header_description="",
        discoverable=False, indexable=False, locked=False,
        followers_count=0, following_count=0, statuses_count=0, last_status_at=None,
    )
)  # fmt: skip


def delete_account(tx: Transaction, site: Site, account_id: int) -> None:
    """Take a member's account away for good, with its login: whoever asks has to be sure.

    The mail address is free again, the name is not. Raises NotFound when there is no such member.
    """
    if tx.value(_lock, gone=account_id) is None:
        raise NotFound
    for count in _COUNTS:
        tx.run(count, gone=account_id)
    tx.run(_read_by_followers, gone=account_id)
    tx.run(_hollow_reblogs, gone=account_id, now=tx.now)
    tx.run(_own_edits, gone=account_id)
    tx.run(_own_statuses, gone=account_id, now=tx.now)
    tx.run(_tokens, gone=account_id, now=tx.now)
    tx.run(_invites, gone=account_id, now=tx.now)
    for rows in _OWN_ROWS:
        tx.run(rows, gone=account_id)
    tx.run(_tombstone, gone=account_id, now=tx.now)
    tx.emit(AccountDeleted(account_id))
