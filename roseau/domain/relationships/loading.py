"""What is between a member and others: `load_relationships` tells it for many people in one statement."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, func, literal, or_, select

from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import account_notes, accounts
from roseau.storage.schema.relationships import (
    blocks,
    domain_blocks,
    endorsements,
    follow_requests,
    follows,
    mutes,
)
from roseau.storage.statements import one_of, statement


class Relationship(msgspec.Struct):
    """What a member has done about somebody (`id`), and they about the member. The fields are the columns."""

    id: int
    following: bool
    reblogs: bool
    notify: bool
    #: JSON; `[]` for all.
    languages: str
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    muting_expires_at: int | None
    requested: bool
    requested_by: bool
    domain_blocking: bool
    endorsed: bool
    note: str


_me: Any = bindparam("me")


def _mine(table: Any) -> Any:
    """Condition: the row is the member's about the account."""
    return and_(table.c.account_id == _me, table.c.target_id == accounts.c.id)


def _theirs(table: Any) -> Any:
    return and_(table.c.account_id == accounts.c.id, table.c.target_id == _me)


_follower = follows.alias("follower")
_asking = follow_requests.alias("asking")
_blocker = blocks.alias("blocker")
_live_mute = and_(_mine(mutes), or_(mutes.c.expires_at.is_(None), mutes.c.expires_at > bindparam("now")))
_load = statement(
    select(
        accounts.c.id,
        follows.c.id.is_not(None).label("following"),
        func.coalesce(follows.c.reblogs, follow_requests.c.reblogs, literal(False)).label("reblogs"),
        func.coalesce(follows.c.notify, follow_requests.c.notify, literal(False)).label("notify"),
        func.coalesce(follows.c.languages, follow_requests.c.languages, "[]").label("languages"),
        _follower.c.id.is_not(None).label("followed_by"),
        blocks.c.id.is_not(None).label("blocking"),
        _blocker.c.id.is_not(None).label("blocked_by"),
        mutes.c.id.is_not(None).label("muting"),
        func.coalesce(mutes.c.notifications, literal(False)).label("muting_notifications"),
        mutes.c.expires_at.label("muting_expires_at"),
        follow_requests.c.id.is_not(None).label("requested"),
        _asking.c.id.is_not(None).label("requested_by"),
        domain_blocks.c.id.is_not(None).label("domain_blocking"),
        endorsements.c.id.is_not(None).label("endorsed"),
        func.coalesce(account_notes.c.comment, "").label("note"),
    )
    .select_from(
        accounts.outerjoin(follows, _mine(follows))
        .outerjoin(_follower, _theirs(_follower))
        .outerjoin(follow_requests, _mine(follow_requests))
        .outerjoin(_asking, _theirs(_asking))
        .outerjoin(blocks, _mine(blocks))
        .outerjoin(_blocker, _theirs(_blocker))
        .outerjoin(mutes, _live_mute)
        .outerjoin(
            domain_blocks,
            and_(domain_blocks.c.account_id == _me, domain_blocks.c.domain == accounts.c.domain),
        )
        .outerjoin(endorsements, _mine(endorsements))
        .outerjoin(account_notes, _mine(account_notes))
    )
    .where(
        one_of(accounts.c.id, "ids"),
        accounts.c.deleted_at.is_(None),
        or_(bindparam("with_suspended", type_=accounts.c.locked.type), accounts.c.suspended_at.is_(None)),
    ),
    into=Relationship,
)


def load_relationships(
    tx: Transaction, member_id: int, ids: Iterable[int], *, with_suspended: bool = False
) -> list[Relationship]:
    """What is between the member and each of these, in the order asked; who is not there is left out."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    rows = tx.all(_load, me=member_id, ids=wanted, now=tx.now, with_suspended=with_suspended)
    found = {row.id: row for row in rows}
    return [found[account_id] for account_id in wanted if account_id in found]


def load_relationship(tx: Transaction, member_id: int, account_id: int) -> Relationship | None:
    """What is between the member and one account, suspended or not; None when there is no such account."""
    found = load_relationships(tx, member_id, [account_id], with_suspended=True)
    return found[0] if found else None
