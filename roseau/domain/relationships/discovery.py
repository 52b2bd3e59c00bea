"""Whom somebody might like: the directory, friends of friends, followers one knows."""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, exists, func, literal, not_, or_, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.accounts.lookup import WITH_PEOPLE, shown
from roseau.domain.relationships.hiding import unwanted
from roseau.domain.relationships.listing import viewer
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import dismissed_suggestions, domain_blocks, follow_requests, follows
from roseau.storage.statements import one_of, statement

#: How many followers one knows are told of each account.
MAX_FAMILIAR = 40

_hides_domain = exists(
    select(literal(1)).where(
        domain_blocks.c.account_id == viewer, domain_blocks.c.domain == accounts.c.domain
    )
)
#: What an account says of itself before it is shown to people who did not ask for it.
_offered = and_(
    shown(),
    accounts.c.discoverable,
    accounts.c.suspended_at.is_(None),
    accounts.c.limited_at.is_(None),
    accounts.c.moved_to_id.is_(None),
    not_(unwanted(accounts.c.id)),
    not_(_hides_domain),
)


def _directory(order: ColumnElement[int]) -> Select[tuple[int]]:
    return (
        select(accounts.c.id)
        .select_from(WITH_PEOPLE)
        .where(_offered, or_(not_(bindparam("local", type_=accounts.c.locked.type)), accounts.c.domain == ""))
        .order_by(order.desc(), accounts.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


_directories = {
    "active": statement(_directory(func.coalesce(accounts.c.last_status_at, 0))),
    "new": statement(_directory(accounts.c.id)),
}

_friend = follows.alias("friend")
_friends = accounts.alias("friends")


def _already(table: Table) -> ColumnElement[bool]:
    columns = table.alias().c
    return exists(select(literal(1)).where(columns.account_id == viewer, columns.target_id == accounts.c.id))


_suggested = statement(
    select(accounts.c.id)
    .select_from(
        _friend.join(_friends, _friends.c.id == _friend.c.target_id)
        .join(follows, follows.c.account_id == _friend.c.target_id)
        .join(WITH_PEOPLE, accounts.c.id == follows.c.target_id)
    )
    .where(
        _friend.c.account_id == viewer,
        not_(_friends.c.hide_collections),
        accounts.c.id != viewer,
        not_(_already(follows)),
        not_(_already(follow_requests)),
        not_(_already(dismissed_suggestions)),
        _offered,
    )
    .group_by(accounts.c.id)
    .order_by(func.count().desc(), accounts.c.id.desc())
    .limit(bindparam("limit"))
)

_asked = accounts.alias("asked")
_familiar = statement(
    select(follows.c.target_id, follows.c.account_id)
    .select_from(
        follows.join(_friend, _friend.c.target_id == follows.c.account_id)
        .join(accounts, accounts.c.id == follows.c.account_id)
        .join(_asked, _asked.c.id == follows.c.target_id)
    )
    .where(
        _friend.c.account_id == viewer,
        one_of(follows.c.target_id, "ids"),
        # Neither who hides whom they follow nor who hides their followers is given away here.
        not_(accounts.c.hide_collections),
        not_(_asked.c.hide_collections),
        accounts.c.deleted_at.is_(None),
        accounts.c.suspended_at.is_(None),
        not_(unwanted(accounts.c.id)),
    )
    .order_by(follows.c.id.desc())
)


def list_directory(
    tx: Transaction, viewer_id: int, *, order: Literal["active", "new"], local: bool, offset: int, limit: int
) -> list[AccountView]:
    """Accounts that want to be found: those who posted last, or those who came last, first."""
    ids = tx.values(
        _directories[order], viewer=viewer_id, now=tx.now, local=local, offset=offset, limit=limit
    )
    views = load_accounts(tx, ids)
    return [views[account_id] for account_id in ids]


def list_suggestions(tx: Transaction, member_id: int, limit: int) -> list[AccountView]:
    """Whom most of those that the member follows follow, too, and who want to be found."""
    ids = tx.values(_suggested, viewer=member_id, now=tx.now, limit=limit)
    views = load_accounts(tx, ids)
    return [views[account_id] for account_id in ids]


def list_familiar_followers(
    tx: Transaction, member_id: int, ids: Iterable[int]
) -> dict[int, list[AccountView]]:
    """For each of these accounts, its followers whom the member follows."""
    asked = list(dict.fromkeys(ids))
    found: dict[int, list[int]] = {account_id: [] for account_id in asked}
    for row in tx.all(_familiar, viewer=member_id, now=tx.now, ids=asked):
        if len(found[row.target_id]) < MAX_FAMILIAR:
            found[row.target_id].append(row.account_id)
    views = load_accounts(tx, {account_id for friends in found.values() for account_id in friends})
    return {asked_id: [views[friend] for friend in friends] for asked_id, friends in found.items()}
