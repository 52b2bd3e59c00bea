"""Removal: an author takes a status away. The row stays, marked; counts are put right, media let go."""

from sqlalchemy import bindparam, delete, or_, select, update

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.events import StatusDeleted
from roseau.domain.media.uploads import plan_sweep
from roseau.domain.statuses.holding import hold_hidden, hold_status
from roseau.domain.statuses.loading import Status, StatusView
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import pins, statuses
from roseau.storage.statements import one_of, statement

_reblogs = statement(
    select(statuses.c.id, statuses.c.account_id).where(
        statuses.c.reblog_of_id == bindparam("status"), statuses.c.deleted_at.is_(None)
    )
)
_mark_deleted = statement(
    update(statuses)
    .where(
        or_(statuses.c.id == bindparam("status"), statuses.c.reblog_of_id == bindparam("status")),
        statuses.c.deleted_at.is_(None),
    )
    .values(deleted_at=bindparam("at"), version=statuses.c.version + 1)
)
_uncount_posts = statement(
    update(accounts).where(one_of(accounts.c.id, "ids")).values(statuses_count=accounts.c.statuses_count - 1)
)
_uncount_reply = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("parent"))
    .values(replies_count=statuses.c.replies_count - 1)
)
_uncount_reblog = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("original"))
    .values(reblogs_count=statuses.c.reblogs_count - 1)
)
_unpin = statement(delete(pins).where(pins.c.status_id == bindparam("status")))
_free_media = statement(
    update(media_attachments)
    .where(media_attachments.c.status_id == bindparam("status"))
    # What nobody uses is swept away after a day, which begins now.
    .values(status_id=None, position=0, created_at=bindparam("since"))
)
_delete_media = statement(
    delete(media_attachments).where(media_attachments.c.status_id == bindparam("status"))
)
_withdrawn = statement(
    select(statuses.c.deleted_at).where(
        statuses.c.id == bindparam("status"),
        statuses.c.visibility.in_(["public", "unlisted"]),
        statuses.c.local_only.is_(False),
        statuses.c.hidden_at.is_(None),
    )
)


def was_withdrawn(tx: Transaction, status_id: int) -> bool:
    """Whether it was for everybody to read until its author took it away: who asks may know that it was."""
    return tx.value(_withdrawn, status=status_id) is not None


def delete_status(
    tx: Transaction, author_id: int, status_id: int, *, delete_media: bool = False
) -> StatusView:
    """Delete one's status or reblog; what it was, so that it can be written anew.

    Its media can be attached again for a day, unless `delete_media`. What moderation has hidden can go
    too, and then does not come back. Raises NotFound, also for others'.
    """
    hidden = hold_hidden(tx, author_id, status_id)
    if hidden is not None:
        remove_hidden(tx, hidden.status, delete_media=delete_media)
        return hidden
    view = hold_status(tx, author_id, status_id)
    if view.status.account_id != author_id:
        raise NotFound
    remove_status(tx, view.status, delete_media=delete_media)
    return view


def remove_status(tx: Transaction, status: Status, *, delete_media: bool = False) -> None:
    """Take a held status away with its reblogs, and correct what counted them."""
    reblogs = tx.all(_reblogs, status=status.id)
    tx.run(_mark_deleted, status=status.id, at=tx.now)
    counted = status.visibility in ("public", "unlisted")
    if counted and status.in_reply_to_id is not None:
        tx.run(_uncount_reply, parent=status.in_reply_to_id)
    if counted and status.reblog_of_id is not None:
        tx.run(_uncount_reblog, original=status.reblog_of_id)
    tx.run(_unpin, status=status.id)
    _let_media_go(tx, status.id, delete_media)
    _uncount(tx, status, [row.account_id for row in reblogs])
    tx.emit(StatusDeleted(status.id, status.account_id, status.reblog_of_id))
    for row in reblogs:
        tx.emit(StatusDeleted(row.id, row.account_id, status.id))


def remove_hidden(tx: Transaction, status: Status, *, delete_media: bool = False) -> None:
    """Take away a status that moderation has hidden, with its reblogs: nothing counts them any more."""
    reblogs = tx.all(_reblogs, status=status.id)
    tx.run(_mark_deleted, status=status.id, at=tx.now)
    tx.run(_unpin, status=status.id)
    _let_media_go(tx, status.id, delete_media)
    tx.emit(StatusDeleted(status.id, status.account_id, status.reblog_of_id))
    for row in reblogs:
        tx.emit(StatusDeleted(row.id, row.account_id, status.id))


def _let_media_go(tx: Transaction, status_id: int, delete_media: bool) -> None:
    if delete_media:
        gone = tx.run(_delete_media, status=status_id)
    else:
        gone = tx.run(_free_media, status=status_id, since=tx.now)
    if gone:
        plan_sweep(tx)


def _uncount(tx: Transaction, status: Status, rebloggers: list[int]) -> None:
    """One status less for its author and for each who reblogged it; the author may be among them."""
    lock_accounts(tx, status.account_id, *rebloggers)
    if status.visibility != "direct":
        tx.run(_uncount_posts, ids=[status.account_id])
    tx.run(_uncount_posts, ids=rebloggers)
