"""A status hidden by moderation, and shown again: what counts it and what repeats it goes along."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, literal, select, update

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.events import StatusHidden, StatusRestored
from roseau.domain.moderation.measures.force import unended
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import measures
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement


class HeldStatus(msgspec.Struct, frozen=True):
    """A status while something is done to it; nobody else changes it until the transaction ends."""

    id: int
    account_id: int
    uri: str
    local: bool
    visibility: str
    local_only: bool
    in_reply_to_id: int | None
    reblog_of_id: int | None
    created_at: int
    language: str | None
    hidden_at: int | None
    deleted_at: int | None


_hold = statement(
    select(*(statuses.c[name] for name in HeldStatus.__struct_fields__))
    .where(statuses.c.id == bindparam("status"))
    .with_for_update(key_share=True),
    into=HeldStatus,
)
_own_measure = exists(
    select(literal(1)).where(
        measures.c.status_id == statuses.c.id, measures.c.kind.in_(("hold", "remove")), unended()
    )
)
_reblogs = statement(
    select(statuses.c.id, statuses.c.account_id).where(
        statuses.c.reblog_of_id == bindparam("status"),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
    )
)
_hidden_reblogs = statement(
    select(statuses.c.id, statuses.c.account_id).where(
        statuses.c.reblog_of_id == bindparam("status"),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_not(None),
        ~_own_measure,
    )
)
_mark = statement(
    update(statuses)
    .where(one_of(statuses.c.id, "ids"))
    .values(hidden_at=bindparam("since"), version=statuses.c.version + 1)
)
_count_posts = statement(
    update(accounts)
    .where(one_of(accounts.c.id, "ids"))
    .values(statuses_count=accounts.c.statuses_count + bindparam("step"))
)


def _count(column: Any) -> Any:
    return statement(
        update(statuses)
        .where(statuses.c.id == bindparam("other"))
        .values({column.name: column + bindparam("step")})
    )


_count_reply = _count(statuses.c.replies_count)
_count_reblog = _count(statuses.c.reblogs_count)


def hold_for_measure(tx: Transaction, status_id: int) -> HeldStatus | None:
    """The status, whoever may see it, locked; None when there is none."""
    return tx.one(_hold, status=status_id)


def hide_status(tx: Transaction, status: HeldStatus) -> None:
    """Hide a held status with its reblogs, and correct what counted them."""
    if status.deleted_at is not None:
        tx.run(_mark, ids=[status.id], since=tx.now)
        return
    reblogs = tx.all(_reblogs, status=status.id)
    tx.run(_mark, ids=[status.id, *(row.id for row in reblogs)], since=tx.now)
    _correct_counts(tx, status, [row.account_id for row in reblogs], -1)
    tx.emit(StatusHidden(status.id, status.account_id))
    for row in reblogs:
        tx.emit(StatusHidden(row.id, row.account_id))


def show_status(tx: Transaction, status: HeldStatus) -> int:
    """Show a hidden status and its reblogs again; how many reblogs. What was deleted meanwhile stays so."""
    if status.deleted_at is not None:
        tx.run(_mark, ids=[status.id], since=None)
        return 0
    reblogs = tx.all(_hidden_reblogs, status=status.id)
    tx.run(_mark, ids=[status.id, *(row.id for row in reblogs)], since=None)
    _correct_counts(tx, status, [row.account_id for row in reblogs], 1)
    tx.emit(StatusRestored(status.id, status.account_id))
    for row in reblogs:
        tx.emit(StatusRestored(row.id, row.account_id))
    return len(reblogs)


def _correct_counts(tx: Transaction, status: HeldStatus, rebloggers: list[int], step: int) -> None:
    counted = status.visibility in ("public", "unlisted")
    if counted and status.in_reply_to_id is not None:
        tx.run(_count_reply, other=status.in_reply_to_id, step=step)
    if counted and status.reblog_of_id is not None:
        tx.run(_count_reblog, other=status.reblog_of_id, step=step)
    # The author may be among those who reblogged it, and is then counted twice.
    lock_accounts(tx, status.account_id, *rebloggers)
    if status.visibility != "direct":
        tx.run(_count_posts, ids=[status.account_id], step=step)
    tx.run(_count_posts, ids=rebloggers, step=step)
