"""What belongs in a mirror: members, and their posts, as somebody without an account may read them today.

Posts of members whom the site suspends or limits do not, nor those for members only, nor other sites' posts:
their authors chose another place. Boosts are left to the posts that they point at.
"""

import hashlib
from collections.abc import Iterable

import msgspec
from sqlalchemy import and_, bindparam, func, select

from roseau.domain.accounts.lookup import WITH_PEOPLE, shown
from roseau.domain.statuses.visibility import ANYONE, visible
from roseau.kernel.clock import to_date
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.statuses import pins, polls, status_tags, statuses, tags
from roseau.storage.statements import one_of, statement


class Person(msgspec.Struct, frozen=True):
    """A member with a page. `mark` changes with anything that the page shows of them."""

    id: int
    username: str
    mark: str


class Post(msgspec.Struct, frozen=True):
    """A post with a page; the fields are the columns of the mirror's own table, in order.

    `listed`: it is in lists, and not only at its own address. `leading`: it answers nobody else.
    """

    id: int
    author_id: int
    username: str
    conversation_id: int
    parent_id: int
    period: str
    listed: bool
    leading: bool
    mark: str


class _Row(msgspec.Struct, frozen=True):
    id: int
    account_id: int
    username: str
    conversation_id: int | None
    in_reply_to_id: int | None
    in_reply_to_account_id: int | None
    created_at: int
    visibility: str
    version: int
    author_version: int
    votes: int
    closed_at: int | None


_open = and_(
    shown(), accounts.c.domain == "", accounts.c.suspended_at.is_(None), accounts.c.limited_at.is_(None)
)
_author = accounts.alias("author")
_posts = statement(
    select(
        statuses.c.id,
        statuses.c.account_id,
        _author.c.username,
        statuses.c.conversation_id,
        statuses.c.in_reply_to_id,
        statuses.c.in_reply_to_account_id,
        statuses.c.created_at,
        statuses.c.visibility,
        statuses.c.version,
        _author.c.version.label("author_version"),
        func.coalesce(polls.c.votes_count, 0).label("votes"),
        polls.c.closed_at,
    )
    .select_from(
        statuses.join(_author, _author.c.id == statuses.c.account_id).outerjoin(
            polls, polls.c.status_id == statuses.c.id
        )
    )
    .where(
        statuses.c.id > bindparam("after"),
        statuses.c.local,
        statuses.c.reblog_of_id.is_(None),
        statuses.c.visibility.in_(["public", "unlisted"]),
        visible(statuses),
        statuses.c.account_id.in_(select(accounts.c.id).select_from(WITH_PEOPLE).where(_open)),
    )
    .order_by(statuses.c.id)
    .limit(bindparam("limit")),
    into=_Row,
)
_people = statement(
    select(accounts.c.id, accounts.c.username, accounts.c.version).select_from(WITH_PEOPLE).where(_open)
)
_pins = statement(select(pins.c.account_id, pins.c.status_id).order_by(pins.c.id))
_tags = statement(
    select(status_tags.c.status_id, tags.c.name)
    .join(tags, tags.c.id == status_tags.c.tag_id)
    .where(one_of(status_tags.c.status_id, "ids"))
)


def list_people(tx: Transaction) -> list[Person]:
    """The members of this site whose profile a stranger may open."""
    pinned: dict[int, list[int]] = {}
    for row in tx.all(_pins):
        pinned.setdefault(row.account_id, []).append(row.status_id)
    return [
        Person(row.id, row.username, to_digest(row.version, *pinned.get(row.id, ())))
        for row in tx.all(_people)
    ]


def list_posts(tx: Transaction, after: int, limit: int) -> list[Post]:
    """The posts with ids above `after`, in order."""
    return [_to_post(row) for row in tx.all(_posts, after=after, limit=limit, viewer=ANYONE)]


def _to_post(row: _Row) -> Post:
    return Post(
        id=row.id,
        author_id=row.account_id,
        username=row.username,
        # A post without a conversation is one of its own.
        conversation_id=row.conversation_id or -row.id,
        parent_id=row.in_reply_to_id or 0,
        period=to_date(row.created_at)[:7],
        listed=row.visibility == "public",
        leading=row.in_reply_to_account_id in (None, row.account_id),
        mark=to_digest(row.version, row.author_version, row.visibility, row.votes, row.closed_at),
    )


def list_tags_of(tx: Transaction, ids: list[int]) -> list[tuple[int, str]]:
    """Posts and the folded names of their hashtags."""
    return [(row.status_id, row.name) for row in tx.all(_tags, ids=ids)]


def to_digest(*parts: object) -> str:
    """A short text that stands for these, and for nothing else."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]


def to_marks(rows: Iterable[tuple[int, str]]) -> str:
    """The digest of posts in their order, by id and mark."""
    return to_digest(*(f"{post_id} {mark}" for post_id, mark in rows))
