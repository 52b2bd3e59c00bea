"""Keeping people away: block, mute for a while or for good, hide a whole site."""

import re
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, union

from roseau.domain.accounts.follows import drop_request, lock_accounts, remove_follow
from roseau.domain.accounts.loading import load_account
from roseau.domain.events import Blocked, Muted
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import (
    blocks,
    domain_blocks,
    endorsements,
    follow_requests,
    follows,
    mutes,
)
from roseau.storage.schema.timelines import notifications
from roseau.storage.statements import statement, upsert

LONGEST_MUTE = 100 * 365 * clock.DAY

# A domain name in its ASCII form, perhaps with a port (RFC 1123, section 2.1).
_DOMAIN = re.compile(
    r"(?=.{1,259}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}(?::\d{1,5})?\Z"
)

_me: Any = bindparam("me")
_other: Any = bindparam("other")

_block = statement(
    upsert(blocks)
    .values({name: bindparam(name) for name in ("account_id", "target_id", "id", "created_at")})
    .on_conflict_do_nothing()
)
_unblock = statement(delete(blocks).where(blocks.c.account_id == _me, blocks.c.target_id == _other))
_mute = statement(
    upsert(mutes)
    .values(
        {name: bindparam(name) for name in (
            "account_id", "target_id", "id", "notifications", "expires_at", "created_at",
        )}
    )
    .on_conflict_do_update(
        index_elements=["account_id", "target_id"],
        set_={name: upsert(mutes).excluded[name] for name in ("notifications", "expires_at")},
    )
)  # fmt: skip
_unmute = statement(delete(mutes).where(mutes.c.account_id == _me, mutes.c.target_id == _other))
_unendorse = statement(
    delete(endorsements).where(endorsements.c.account_id == _me, endorsements.c.target_id == _other)
)
_forget_notifications = statement(
    delete(notifications).where(notifications.c.account_id == _me, notifications.c.from_account_id == _other)
)
_block_domain = statement(
    upsert(domain_blocks)
    .values({name: bindparam(name) for name in ("account_id", "domain", "id", "created_at")})
    .on_conflict_do_nothing()
)
_unblock_domain = statement(
    delete(domain_blocks).where(
        domain_blocks.c.account_id == _me, domain_blocks.c.domain == bindparam("wanted")
    )
)
_there = accounts.c.domain == bindparam("wanted")
_related = statement(
    union(
        select(accounts.c.id)
        .join(follows, follows.c.target_id == accounts.c.id)
        .where(_there, follows.c.account_id == _me),
        select(accounts.c.id)
        .join(follows, follows.c.account_id == accounts.c.id)
        .where(_there, follows.c.target_id == _me),
        select(accounts.c.id)
        .join(
            follow_requests,
            or_(follow_requests.c.account_id == accounts.c.id, follow_requests.c.target_id == accounts.c.id),
        )
        .where(_there, or_(follow_requests.c.account_id == _me, follow_requests.c.target_id == _me)),
    )
)


def block_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Have nothing more to do with somebody: what relates the two, either way, is severed.

    Raises Forbidden for oneself, NotFound for an account that is gone.
    """
    _check_target(tx, member_id, target_id)
    added = tx.run(_block, account_id=member_id, target_id=target_id, id=ids.new_id(), created_at=tx.now)
    _sever(tx, member_id, target_id)
    if added:
        tx.run(_forget_notifications, me=member_id, other=target_id)
        tx.emit(Blocked(member_id, target_id))


def _check_target(tx: Transaction, member_id: int, target_id: int) -> None:
    if member_id == target_id:
        raise Forbidden
    lock_accounts(tx, member_id, target_id)
    target = load_account(tx, target_id)
    if target is None or target.account.deleted_at is not None:
        raise NotFound


def _sever(tx: Transaction, one_id: int, other_id: int) -> None:
    for follower_id, followed_id in ((one_id, other_id), (other_id, one_id)):
        drop_request(tx, follower_id, followed_id)
        remove_follow(tx, follower_id, followed_id)
        tx.run(_unendorse, me=follower_id, other=followed_id)


def unblock_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Take a block back; what it severed stays severed."""
    tx.run(_unblock, me=member_id, other=target_id)


def mute_account(
    tx: Transaction, member_id: int, target_id: int, *, notifications: bool = True, duration: int = 0
) -> None:
    """See nothing more of somebody, who does not notice; for `duration` seconds, 0 for good.

    Muting again sets the terms anew. Raises Forbidden for oneself, NotFound for an account that is gone.
    """
    _check_target(tx, member_id, target_id)
    length = duration * clock.SECOND
    if length < 0 or length > LONGEST_MUTE:
        raise Invalid("Validation failed: Duration is not a length of time")
    tx.run(
        _mute, account_id=member_id, target_id=target_id, id=ids.new_id(), notifications=notifications,
        expires_at=tx.now + length if length else None, created_at=tx.now,
    )  # fmt: skip
    tx.emit(Muted(member_id, target_id))


def unmute_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Take a mute back."""
    tx.run(_unmute, me=member_id, other=target_id)


def block_domain(tx: Transaction, site: Site, member_id: int, name: str) -> None:
    """Hide everything of another site, and sever what relates the member to its people. Raises Invalid."""
    domain = to_domain(name)
    if domain == site.domain:
        raise Invalid("Validation failed: Domain is this server itself")
    related = tx.values(_related, me=member_id, wanted=domain)
    lock_accounts(tx, member_id, *related)
    tx.run(_block_domain, account_id=member_id, domain=domain, id=ids.new_id(), created_at=tx.now)
    for account_id in related:
        _sever(tx, member_id, account_id)


def unblock_domain(tx: Transaction, member_id: int, name: str) -> None:
    """Show another site again. Raises Invalid for what is not a domain."""
    tx.run(_unblock_domain, me=member_id, wanted=to_domain(name))


def to_domain(name: str) -> str:
    """A domain name as it is compared: lower case, ASCII (RFC 5890). Raises Invalid."""
    try:
        domain = name.strip().rstrip("/").removeprefix("https://").lower().encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.match(domain):
        raise Invalid("Validation failed: Domain is not a valid domain name")
    return domain
