"""A status held still while something is done to it, so that parallel commands count right."""

from sqlalchemy import bindparam, select

from roseau.domain.statuses.loading import StatusView, load_hidden, load_status
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.relationships import blocks
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement

# On PostgreSQL these wait for whoever holds the row; SQLite has one writer anyway. `key_share` leaves new
# rows that point at the held one (a favourite, a reply) free to come in.
_reblogged = statement(select(statuses.c.reblog_of_id).where(statuses.c.id == bindparam("status")))
_hold_status = statement(
    select(statuses.c.id).where(statuses.c.id == bindparam("status")).with_for_update(key_share=True)
)
_hidden = statement(
    select(statuses.c.id).where(
        statuses.c.id == bindparam("status"),
        statuses.c.account_id == bindparam("author"),
        statuses.c.hidden_at.is_not(None),
        statuses.c.deleted_at.is_(None),
    )
)
_blocks = statement(
    select(blocks.c.id).where(
        blocks.c.account_id == bindparam("account"), blocks.c.target_id == bindparam("author")
    )
)


def hold_status(tx: Transaction, viewer_id: int, status_id: int) -> StatusView:
    """The status as this member sees it, which nobody else changes until the transaction ends.

    A reblog is held by what it shows, so that both change under one lock. Raises NotFound for what is not
    there and for what this member may not see.
    """
    tx.value(_hold_status, status=tx.value(_reblogged, status=status_id) or status_id)
    view = load_status(tx, viewer_id, status_id)
    if view is None:
        raise NotFound
    return view


def hold_hidden(tx: Transaction, author_id: int, status_id: int) -> StatusView | None:
    """A status of the author's that moderation has hidden, held like any other; None when it is not one."""
    if tx.value(_hidden, status=status_id, author=author_id) is None:
        return None
    tx.value(_hold_status, status=status_id)
    return load_hidden(tx, author_id, status_id)


def check_not_blocking(tx: Transaction, account_id: int, author_id: int) -> None:
    """Whom one blocks one does not favour, reblog or answer in a poll. Raises Forbidden."""
    if tx.value(_blocks, account=account_id, author=author_id) is not None:
        raise Forbidden
