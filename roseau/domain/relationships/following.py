"""Following: follow and unfollow, ask and be answered, remove a follower."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, func, literal, or_, select, update

from roseau.domain.accounts.follows import Terms, add_follow, drop_request, lock_accounts, remove_follow
from roseau.domain.accounts.loading import Account, load_account
from roseau.domain.accounts.lookup import find_account
from roseau.domain.events import FollowRequested
from roseau.kernel import ids
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.relationships import blocks, domain_blocks, follow_requests, follows
from roseau.storage.statements import statement, upsert

_me: Any = bindparam("me")
_other: Any = bindparam("other")

_forbidden = statement(
    select(
        or_(
            exists(select(literal(1)).where(blocks.c.account_id == _me, blocks.c.target_id == _other)),
            exists(select(literal(1)).where(blocks.c.account_id == _other, blocks.c.target_id == _me)),
            exists(
                select(literal(1)).where(
                    domain_blocks.c.account_id == _me, domain_blocks.c.domain == bindparam("domain")
                )
            ),
        )
    )
)
_terms = statement(
    select(follows.c.reblogs, follows.c.notify, follows.c.languages).where(
        follows.c.account_id == _me, follows.c.target_id == _other
    ),
    into=Terms,
)
_change = statement(
    update(follows)
    .where(follows.c.account_id == _me, follows.c.target_id == _other)
    .values(reblogs=bindparam("reblogs"), notify=bindparam("notify"), languages=bindparam("languages"))
)
_asked = statement(
    select(follow_requests.c.reblogs, follow_requests.c.notify, follow_requests.c.languages).where(
        follow_requests.c.account_id == _me, follow_requests.c.target_id == _other
    ),
    into=Terms,
)
_ask = statement(
    upsert(follow_requests)
    .values(
        {name: bindparam(name) for name in (
            "account_id", "target_id", "id", "reblogs", "notify", "languages", "created_at",
        )}
    )
    .on_conflict_do_update(
        index_elements=["account_id", "target_id"],
        set_={name: upsert(follow_requests).excluded[name] for name in ("reblogs", "notify", "languages")},
    )
)  # fmt: skip
_count_waiting = statement(
    select(func.count()).select_from(follow_requests).where(follow_requests.c.target_id == _me)
)


def follow_account(
    tx: Transaction,
    member_id: int,
    target_id: int,
    *,
    reblogs: bool | None = None,
    notify: bool | None = None,
    languages: list[str] | None = None,
) -> None:
    """Follow, or ask a locked account to be let in; once there, change the terms that are given.

    Raises Forbidden for oneself, across a block of either side and for an account that moved away;
    NotFound for one that is gone.
    """
    me, target = _meet(tx, member_id, target_id)
    if tx.value(_forbidden, me=member_id, other=target_id, domain=target.domain):
        raise Forbidden
    if target.moved_to_id is not None:
        raise Forbidden
    present = tx.one(_terms, me=member_id, other=target_id)
    known = present or tx.one(_asked, me=member_id, other=target_id) or Terms()
    terms = Terms(
        known.reblogs if reblogs is None else reblogs,
        known.notify if notify is None else notify,
        known.languages if languages is None else msgspec.json.encode(languages).decode(),
    )
    if present is not None:
        tx.run(
            _change, me=member_id, other=target_id, reblogs=terms.reblogs, notify=terms.notify,
            languages=terms.languages,
        )  # fmt: skip
    elif target.locked or not target.local or me.limited_at is not None:
        _request_follow(tx, member_id, target_id, terms)
    else:
        drop_request(tx, member_id, target_id)
        add_follow(tx, member_id, target_id, terms)


def _meet(tx: Transaction, member_id: int, target_id: int) -> tuple[Account, Account]:
    if member_id == target_id:
        raise Forbidden
    lock_accounts(tx, member_id, target_id)
    me, target = load_account(tx, member_id), find_account(tx, target_id)
    if me is None or target is None or target.account.suspended_at is not None:
        raise NotFound
    return me.account, target.account


def _request_follow(tx: Transaction, member_id: int, target_id: int, terms: Terms) -> None:
    new = tx.one(_asked, me=member_id, other=target_id) is None
    tx.run(
        _ask, account_id=member_id, target_id=target_id, id=ids.new_id(), reblogs=terms.reblogs,
        notify=terms.notify, languages=terms.languages, created_at=tx.now,
    )  # fmt: skip
    if new:
        tx.emit(FollowRequested(member_id, target_id))


def unfollow_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Follow no longer, and ask no longer; that takes the account out of one's lists too."""
    lock_accounts(tx, member_id, target_id)
    drop_request(tx, member_id, target_id)
    remove_follow(tx, member_id, target_id)


def remove_follower(tx: Transaction, member_id: int, follower_id: int) -> None:
    """Have somebody follow the member no longer."""
    lock_accounts(tx, member_id, follower_id)
    remove_follow(tx, follower_id, member_id)


def authorize_follow_request(tx: Transaction, member_id: int, follower_id: int) -> None:
    """Let somebody in who asked to follow. Raises NotFound when they did not."""
    lock_accounts(tx, member_id, follower_id)
    terms = drop_request(tx, follower_id, member_id)
    if terms is None:
        raise NotFound
    add_follow(tx, follower_id, member_id, terms)


def reject_follow_request(tx: Transaction, member_id: int, follower_id: int) -> None:
    """Do not let somebody in who asked to follow; they are not told. Raises NotFound if they did not ask."""
    lock_accounts(tx, member_id, follower_id)
    if drop_request(tx, follower_id, member_id) is None:
        raise NotFound


def count_follow_requests(tx: Transaction, member_id: int) -> int:
    """How many people wait to be let in."""
    return int(tx.value(_count_waiting, me=member_id))
