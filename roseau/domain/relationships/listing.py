"""Pages of people: followers, those followed, blocked, muted, waiting to be let in, shown on a profile.

Each page is sorted by the id of the row that relates two people, the newest first.
"""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, literal, not_, or_, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.relationships.hiding import unwanted
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import (
    blocks,
    domain_blocks,
    endorsements,
    follow_requests,
    follows,
    mutes,
)
from roseau.storage.statements import statement


class Related(msgspec.Struct):
    """Somebody on a page: the id of the row that says so, and the account."""

    id: int
    view: AccountView
    #: Until when the mute holds; None for good, and everywhere else.
    expires_at: int | None = None


viewer: Any = bindparam("viewer")
_subject: Any = bindparam("subject")
_now: Any = bindparam("now")


def _people(table: Table, whose: ColumnElement[int], who: ColumnElement[int]) -> Select[Any]:
    return (
        select(table.c.id, who.label("account_id"))
        .join(accounts, accounts.c.id == who)
        .where(whose == _subject, accounts.c.deleted_at.is_(None), accounts.c.suspended_at.is_(None))
    )


def _for_anyone(select: Select[Any], who: ColumnElement[int]) -> Select[Any]:
    """Nobody is shown people whom they do not want to see; but everybody sees their own lists whole."""
    return select.where(or_(viewer == _subject, not_(unwanted(who))))


_f = follows.c
_followers: Paged[Any] = Paged(
    _for_anyone(_people(follows, _f.target_id, _f.account_id), _f.account_id), _f.id
)
_following: Paged[Any] = Paged(
    _for_anyone(_people(follows, _f.account_id, _f.target_id), _f.target_id), _f.id
)
_endorsed: Paged[Any] = Paged(
    _for_anyone(
        _people(endorsements, endorsements.c.account_id, endorsements.c.target_id), endorsements.c.target_id
    ),
    endorsements.c.id,
)
_waiting: Paged[Any] = Paged(
    _people(follow_requests, follow_requests.c.target_id, follow_requests.c.account_id), follow_requests.c.id
)
_blocked: Paged[Any] = Paged(_people(blocks, blocks.c.account_id, blocks.c.target_id), blocks.c.id)
_muted: Paged[Any] = Paged(
    _people(mutes, mutes.c.account_id, mutes.c.target_id)
    .add_columns(mutes.c.expires_at)
    .where(or_(mutes.c.expires_at.is_(None), mutes.c.expires_at > _now)),
    mutes.c.id,
)
_domains: Paged[Any] = Paged(
    select(domain_blocks.c.id, domain_blocks.c.domain).where(domain_blocks.c.account_id == _subject),
    domain_blocks.c.id,
)
_closed = statement(
    select(
        or_(
            accounts.c.suspended_at.is_not(None),
            accounts.c.deleted_at.is_not(None),
            bindparam("public", type_=accounts.c.locked.type)
            & accounts.c.hide_collections
            & (viewer != accounts.c.id),
            exists(
                select(literal(1)).where(blocks.c.account_id == accounts.c.id, blocks.c.target_id == viewer)
            ),
        )
    ).where(accounts.c.id == _subject)
)


def _load(tx: Transaction, rows: list[Any]) -> list[Related]:
    views = load_accounts(tx, [row.account_id for row in rows])
    return [Related(row.id, views[row.account_id]) for row in rows]


def list_followers(tx: Transaction, viewer_id: int, account_id: int, page: Page) -> list[Related]:
    """Who follows the account; nobody, for others than the account itself, where it hides that."""
    if tx.value(_closed, subject=account_id, viewer=viewer_id, public=True):
        return []
    return _load(tx, _followers.fetch(tx, page, subject=account_id, viewer=viewer_id, now=tx.now))


def list_following(tx: Transaction, viewer_id: int, account_id: int, page: Page) -> list[Related]:
    """Whom the account follows; nobody, for others than the account itself, where it hides that."""
    if tx.value(_closed, subject=account_id, viewer=viewer_id, public=True):
        return []
    return _load(tx, _following.fetch(tx, page, subject=account_id, viewer=viewer_id, now=tx.now))


def list_endorsed(tx: Transaction, viewer_id: int, account_id: int, page: Page) -> list[Related]:
    """Whom the account shows on its profile."""
    if tx.value(_closed, subject=account_id, viewer=viewer_id, public=False):
        return []
    return _load(tx, _endorsed.fetch(tx, page, subject=account_id, viewer=viewer_id, now=tx.now))


def list_follow_requests(tx: Transaction, member_id: int, page: Page) -> list[Related]:
    """Who waits to be let in."""
    return _load(tx, _waiting.fetch(tx, page, subject=member_id))


def list_blocked(tx: Transaction, member_id: int, page: Page) -> list[Related]:
    """Whom the member blocks."""
    return _load(tx, _blocked.fetch(tx, page, subject=member_id))


def list_muted(tx: Transaction, member_id: int, page: Page) -> list[Related]:
    """Whom the member mutes at present."""
    rows = _muted.fetch(tx, page, subject=member_id, now=tx.now)
    found = _load(tx, rows)
    for related, row in zip(found, rows, strict=True):
        related.expires_at = row.expires_at
    return found


def list_blocked_domains(tx: Transaction, member_id: int, page: Page) -> list[tuple[int, str]]:
    """The sites that the member hides, each with the id of its row."""
    return [(row.id, row.domain) for row in _domains.fetch(tx, page, subject=member_id)]
