"""What measures make of an account: limited, suspended, or neither. Frozen is whoever has that measure."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.events import AccountLimited, AccountRestored, AccountSuspended
from roseau.domain.moderation.measures.force import Measure, list_on_account, list_over_domain
from roseau.domain.moderation.measures.severing import Tied, sever, tie_again
from roseau.domain.moderation.measures.withholding import withhold_account
from roseau.domain.timelines.fanout import backfill, withdraw
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import follows
from roseau.storage.statements import statement

#: Measures of an account, and of its whole site, that do the same to it.
SUSPENDING = frozenset(("suspend", "domain_suspend"))
LIMITING = frozenset(("limit", "domain_limit"))
#: Sees to the homes of followers after a suspension began or ended, some at a time.
HOMES = "settle_homes"
PORTION = 200


class HomesJob(msgspec.Struct, frozen=True):
    """Who followed whom, or does again: (follower, followed)."""

    follows: list[tuple[int, int]]


class _Present(msgspec.Struct, frozen=True):
    id: int
    domain: str
    limited_at: int | None
    suspended_at: int | None
    deleted_at: int | None


_hold = statement(
    select(*(accounts.c[name] for name in _Present.__struct_fields__))
    .where(accounts.c.id == bindparam("account"))
    .with_for_update(key_share=True),
    into=_Present,
)
_set = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(
        limited_at=bindparam("limited_at"),
        suspended_at=bindparam("suspended_at"),
        version=accounts.c.version + 1,
    )
)
_follows = statement(
    select(follows.c.id).where(
        follows.c.account_id == bindparam("follower"), follows.c.target_id == bindparam("followed")
    )
)


def settle_account(tx: Transaction, account_id: int, without: frozenset[int] = frozenset()) -> dict[str, Any]:
    """Have the account be what the measures in force make of it, but for those in `without`.

    Says what was put back, for `measure_ends.detail`.
    """
    present = tx.one(_hold, account=account_id)
    if present is None:
        return {"gone": True}
    force = list_on_account(tx, account_id, without)
    if present.domain:
        force += list_over_domain(tx, present.domain, without)
    limiting = [measure for measure in force if measure.kind in LIMITING]
    suspending = [measure for measure in force if measure.kind in SUSPENDING]
    limit = _changed(present.limited_at, limiting)
    suspend = _changed(present.suspended_at, suspending)
    if limit or suspend:
        tx.run(
            _set, account=account_id,
            limited_at=(present.limited_at or tx.now) if limiting else None,
            suspended_at=(present.suspended_at or tx.now) if suspending else None,
        )  # fmt: skip
    said: dict[str, Any] = {"gone": True} if present.deleted_at is not None else {}
    if suspend and suspending:
        _plan_homes(tx, sever(tx, max(measure.id for measure in suspending), account_id))
        tx.emit(AccountSuspended(account_id))
    elif suspend:
        said |= _to_detail(_restore(tx, account_id))
    elif limit:
        tx.emit(AccountLimited(account_id) if limiting else AccountRestored(account_id))
    if suspending:
        # Always under the youngest, so that nothing gets out when another one ends.
        withhold_account(tx, max(measure.id for measure in suspending), account_id)
        said["still"] = "suspended"
    elif limiting:
        said["still"] = "limited"
    return said


def _changed(since: int | None, measures: list[Measure]) -> bool:
    return (since is not None) != bool(measures)


def _restore(tx: Transaction, account_id: int) -> Tied:
    tied = tie_again(tx, account_id)
    _plan_homes(tx, tied.follows)
    tx.emit(AccountRestored(account_id))
    return tied


def _plan_homes(tx: Transaction, pairs: list[tuple[int, int]]) -> None:
    for start in range(0, len(pairs), PORTION):
        add_job(tx, HOMES, HomesJob(pairs[start : start + PORTION]))


def settle_home(tx: Transaction, follower_id: int, followed_id: int) -> None:
    """Give a home the posts of somebody whom its reader follows again, or take them out of it."""
    if tx.value(_follows, follower=follower_id, followed=followed_id):
        backfill(tx, follower_id, followed_id)
    else:
        withdraw(tx, follower_id, followed_id)


def _to_detail(tied: Tied) -> dict[str, Any]:
    return {
        "follows": len(tied.follows), "follow_requests": tied.requests, "lists": tied.lists,
        "endorsements": tied.endorsements, "ties_lost": tied.lost,
    }  # fmt: skip
