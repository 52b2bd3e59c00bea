"""Fan-out: a new status is laid into every home timeline that should have it, by one statement per chunk.

Each home lies on a page of its own in the database, so ten thousand of them are forty megabytes to write:
in chunks, so that others who write wait for one chunk at most.
Mutes, blocks and exclusive lists are looked at when the timeline is read, so that changing one's mind
shows at once; here only what cannot change by the reader's whim is decided.
"""

from typing import Any

from sqlalchemy import bindparam, delete, exists, func, literal, or_, select, union

from roseau.kernel import clock, ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import mentions, status_tags, statuses, tag_follows
from roseau.storage.schema.timelines import home_entries
from roseau.storage.statements import Statement, statement, upsert

#: What a home timeline keeps at most, and how much of somebody newly followed it is given.
KEPT = 800
BACKFILL = 40
#: How many followers are served in one transaction.
CHUNK = 500

_s = statuses.alias("s")
_lf = follows.alias("parent_follow")

#: A reply goes to followers of both sides only (and to the author); so do answers to oneself.
_reply_is_followed = or_(
    _s.c.in_reply_to_account_id.is_(None),
    _s.c.in_reply_to_account_id == _s.c.account_id,
    _s.c.in_reply_to_account_id == follows.c.account_id,
    exists(
        select(literal(1)).where(
            _lf.c.account_id == follows.c.account_id, _lf.c.target_id == _s.c.in_reply_to_account_id
        )
    ),
)
_may_read = or_(
    _s.c.visibility.in_(["public", "unlisted", "private"]),
    exists(
        select(literal(1)).where(
            mentions.c.status_id == _s.c.id, mentions.c.account_id == follows.c.account_id
        )
    ),
)
_speaks = or_(
    follows.c.languages == "[]",
    _s.c.language.is_(None),
    follows.c.languages.contains(literal('"').concat(_s.c.language).concat('"')),
)
_there = home_entries.alias("there")
#: The same post, boosted by several people in a day, comes once.
_not_there_yet = or_(
    _s.c.reblog_of_id.is_(None),
    ~exists(
        select(literal(1)).where(
            _there.c.account_id == follows.c.account_id,
            _there.c.status_id > bindparam("yesterday"),
            _there.c.status_id != _s.c.id,
            or_(_there.c.reblog_of_id == _s.c.reblog_of_id, _there.c.status_id == _s.c.reblog_of_id),
        )
    ),
)
_columns = (_s.c.id, _s.c.account_id, _s.c.reblog_of_id)
_by_follow = (
    select(follows.c.account_id, *_columns)
    .join(users, users.c.account_id == follows.c.account_id)
    .join(_s, _s.c.account_id == follows.c.target_id)
    .where(
        _s.c.id == bindparam("status"),
        _s.c.deleted_at.is_(None),
        _s.c.hidden_at.is_(None),
        follows.c.id > bindparam("after"),
        follows.c.id <= bindparam("until"),
        or_(follows.c.reblogs, _s.c.reblog_of_id.is_(None)),
        _reply_is_followed,
        _may_read,
        _speaks,
        _not_there_yet,
    )
)
_by_tag = (
    select(tag_follows.c.account_id, *_columns)
    .join(status_tags, status_tags.c.tag_id == tag_follows.c.tag_id)
    .join(_s, _s.c.id == status_tags.c.status_id)
    .where(_s.c.id == bindparam("status"), _s.c.visibility == "public", _s.c.reblog_of_id.is_(None))
)
_by_author = (
    select(_s.c.account_id, *_columns)
    .join(users, users.c.account_id == _s.c.account_id)
    .where(_s.c.id == bindparam("status"))
)


def _lay(readers: Any) -> Statement[Any]:
    columns = ["account_id", "status_id", "author_id", "reblog_of_id"]
    return statement(upsert(home_entries).from_select(columns, readers).on_conflict_do_nothing())


_begin = _lay(union(_by_follow, _by_tag, _by_author))
_go_on = _lay(_by_follow)
_end_of_chunk = statement(
    select(follows.c.id)
    .where(
        follows.c.target_id
        == select(statuses.c.account_id).where(statuses.c.id == bindparam("status")).scalar_subquery(),
        follows.c.id > bindparam("after"),
    )
    .order_by(follows.c.id)
    .limit(1)
    .offset(bindparam("skipped"))
)
#: Whoever can have it: the key of the table begins with the reader, so they are named rather than searched.
_may_have = union(
    select(follows.c.account_id).where(follows.c.target_id == bindparam("author")),
    select(tag_follows.c.account_id)
    .join(status_tags, status_tags.c.tag_id == tag_follows.c.tag_id)
    .where(status_tags.c.status_id == bindparam("status")),
    select(bindparam("author", type_=home_entries.c.account_id.type)),
)
_lift = statement(
    delete(home_entries).where(
        home_entries.c.status_id == bindparam("status"), home_entries.c.account_id.in_(_may_have)
    )
)

_recent = (
    select(_s.c.id)
    .where(
        _s.c.account_id == bindparam("author"),
        _s.c.deleted_at.is_(None),
        _s.c.hidden_at.is_(None),
        _s.c.visibility != "direct",
        _s.c.in_reply_to_account_id.is_(None) | (_s.c.in_reply_to_account_id == _s.c.account_id),
    )
    .order_by(_s.c.id.desc())
    .limit(bindparam("most"))
)
_backfill = statement(
    upsert(home_entries)
    .from_select(
        ["account_id", "status_id", "author_id", "reblog_of_id"],
        select(bindparam("reader", type_=home_entries.c.account_id.type), *_columns).where(
            _s.c.id.in_(_recent.correlate(None).scalar_subquery()),
            or_(bindparam("reblogs", type_=follows.c.reblogs.type), _s.c.reblog_of_id.is_(None)),
        ),
    )
    .on_conflict_do_nothing()
)
_withdraw = statement(
    delete(home_entries).where(
        home_entries.c.account_id == bindparam("reader"), home_entries.c.author_id == bindparam("author")
    )
)
_oldest_kept = (
    select(home_entries.c.status_id)
    .where(home_entries.c.account_id == bindparam("reader"))
    .order_by(home_entries.c.status_id.desc())
    .limit(1)
    .offset(KEPT)
)
_trim = statement(
    delete(home_entries).where(
        home_entries.c.account_id == bindparam("reader"),
        home_entries.c.status_id <= _oldest_kept.scalar_subquery(),
    )
)
_readers = statement(
    select(home_entries.c.account_id)
    .where(home_entries.c.account_id > bindparam("after"))
    .group_by(home_entries.c.account_id)
    .having(func.count() > KEPT)
    .order_by(home_entries.c.account_id)
    .limit(bindparam("limit"))
)


def fan_out(tx: Transaction, status_id: int, after: int = 0) -> int | None:
    """Lay the status into home timelines: of the author, of who follows its tags, of the next followers.

    Returns where to go on (`after`), or None when everybody has it.
    """
    until = tx.value(_end_of_chunk, status=status_id, after=after, skipped=CHUNK - 1)
    yesterday = ids.first_id_at(tx.now - clock.DAY)
    chunk = {"after": after, "until": ids.MAX_ID if until is None else until}
    tx.run(_go_on if after else _begin, status=status_id, yesterday=yesterday, **chunk)
    return None if until is None else int(until)


def lift(tx: Transaction, status_id: int, author_id: int) -> None:
    """Take a deleted status out of every home timeline."""
    tx.run(_lift, status=status_id, author=author_id)


def backfill(tx: Transaction, reader_id: int, author_id: int, *, reblogs: bool = True) -> None:
    """Give a new follower the author's latest posts, so that home is not silent about them."""
    tx.run(_backfill, reader=reader_id, author=author_id, most=BACKFILL, reblogs=reblogs)


def withdraw(tx: Transaction, reader_id: int, author_id: int) -> None:
    """Take an author's posts out of a home timeline."""
    tx.run(_withdraw, reader=reader_id, author=author_id)


def trim_homes(tx: Transaction, after: int, limit: int = 100) -> int | None:
    """Cut the next readers' home timelines down to size; the last reader looked at, None at the end."""
    readers = tx.values(_readers, after=after, limit=limit)
    for reader in readers:
        tx.run(_trim, reader=reader)
    return readers[-1] if readers else None
