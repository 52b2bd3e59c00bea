"""The rows that say who follows whom, and the two counts that go with each. Nobody else writes either.

Commands call `lock_accounts` first: two commands about the same people then come one after the other.
"""

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.events import Followed, Unfollowed
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import endorsements, follow_requests, follows
from roseau.storage.schema.timelines import list_accounts, lists
from roseau.storage.statements import one_of, statement, upsert


class Terms(msgspec.Struct, frozen=True):
    """What a follower wants: reblogs, a notification of each post, these languages (JSON; `[]` for all)."""

    reblogs: bool = True
    notify: bool = False
    languages: str = "[]"


_lock = statement(
    select(accounts.c.id)
    .where(one_of(accounts.c.id, "ids"))
    .order_by(accounts.c.id)
    .with_for_update(key_share=True)
)
_follow = statement(
    upsert(follows)
    .values(
        {name: bindparam(name) for name in (
            "account_id", "target_id", "id", "reblogs", "notify", "languages", "created_at",
        )}
    )
    .on_conflict_do_nothing()
)  # fmt: skip
_unfollow = statement(
    delete(follows).where(
        follows.c.account_id == bindparam("follower"), follows.c.target_id == bindparam("followed")
    )
)
_request = statement(
    select(follow_requests.c.reblogs, follow_requests.c.notify, follow_requests.c.languages).where(
        follow_requests.c.account_id == bindparam("follower"),
        follow_requests.c.target_id == bindparam("followed"),
    ),
    into=Terms,
)
_withdraw = statement(
    delete(follow_requests).where(
        follow_requests.c.account_id == bindparam("follower"),
        follow_requests.c.target_id == bindparam("followed"),
    )
)
_waiting = statement(
    select(follow_requests.c.account_id)
    .join(accounts, accounts.c.id == follow_requests.c.account_id)
    .where(
        follow_requests.c.target_id == bindparam("followed"),
        accounts.c.limited_at.is_(None),
        accounts.c.suspended_at.is_(None),
    )
    .order_by(follow_requests.c.id)
)
_count_following = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("follower"))
    .values(following_count=accounts.c.following_count + bindparam("step"))
)
_count_followers = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("followed"))
    .values(followers_count=accounts.c.followers_count + bindparam("step"))
)
_unlist = statement(
    delete(list_accounts).where(
        list_accounts.c.account_id == bindparam("followed"),
        list_accounts.c.list_id.in_(select(lists.c.id).where(lists.c.account_id == bindparam("follower"))),
    )
)
_unendorse = statement(
    delete(endorsements).where(
        endorsements.c.account_id == bindparam("follower"), endorsements.c.target_id == bindparam("followed")
    )
)


def lock_accounts(tx: Transaction, *account_ids: int) -> None:
    """Let no other transaction change what is between these people until this one ends.

    Called once, before anything else is changed, with everyone concerned: so nobody waits in a circle.
    """
    tx.all(_lock, ids=list(account_ids))


def add_follow(tx: Transaction, follower_id: int, followed_id: int, terms: Terms) -> bool:
    """Follow, count it and say so; whether it is new."""
    added = tx.run(
        _follow, account_id=follower_id, target_id=followed_id, id=ids.new_id(), reblogs=terms.reblogs,
        notify=terms.notify, languages=terms.languages, created_at=tx.now,
    )  # fmt: skip
    if added:
        _count(tx, follower_id, followed_id, 1)
        tx.emit(Followed(follower_id, followed_id))
    return bool(added)


def remove_follow(tx: Transaction, follower_id: int, followed_id: int) -> bool:
    """Unfollow, with what only a follower has: places in lists, endorsements. Whether there was a follow."""
    removed = tx.run(_unfollow, follower=follower_id, followed=followed_id)
    if removed:
        _count(tx, follower_id, followed_id, -1)
        tx.run(_unlist, follower=follower_id, followed=followed_id)
        tx.run(_unendorse, follower=follower_id, followed=followed_id)
        tx.emit(Unfollowed(follower_id, followed_id))
    return bool(removed)


def _count(tx: Transaction, follower_id: int, followed_id: int, step: int) -> None:
    tx.run(_count_following, follower=follower_id, step=step)
    tx.run(_count_followers, followed=followed_id, step=step)


def drop_request(tx: Transaction, follower_id: int, followed_id: int) -> Terms | None:
    """Take a request to follow off the table; what was asked for, None when there was none."""
    terms = tx.one(_request, follower=follower_id, followed=followed_id)
    return terms if tx.run(_withdraw, follower=follower_id, followed=followed_id) else None


def accept_waiting(tx: Transaction, account_id: int) -> None:
    """Accept every request to follow an account that is locked no longer; those of limited people wait on."""
    lock_accounts(tx, account_id, *tx.values(_waiting, followed=account_id))
    for follower_id in tx.values(_waiting, followed=account_id):
        terms = drop_request(tx, follower_id, account_id)
        if terms is not None:
            add_follow(tx, follower_id, account_id, terms)
