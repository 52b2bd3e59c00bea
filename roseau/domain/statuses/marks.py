"""What a member keeps of statuses for themselves: bookmarks, pins, muted conversations, favourites."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.statuses.holding import hold_status
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import viewer, visible
from roseau.kernel import ids
from roseau.kernel.errors import Invalid
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.statuses import bookmarks, conversation_mutes, favourites, pins, statuses
from roseau.storage.statements import Statement, statement, upsert

MAX_PINS = 5


def _add(table: Any) -> Statement[Any]:
    names = ("account_id", "status_id", "id", "created_at")
    return statement(upsert(table).values({name: bindparam(name) for name in names}).on_conflict_do_nothing())


def _remove(table: Any) -> Statement[Any]:
    return statement(
        delete(table).where(
            table.c.account_id == bindparam("account"), table.c.status_id == bindparam("status")
        )
    )


_bookmark, _unbookmark = _add(bookmarks), _remove(bookmarks)
_pin, _unpin = _add(pins), _remove(pins)
_count_pins = statement(
    select(func.count())
    .select_from(pins)
    .where(pins.c.account_id == bindparam("account"), pins.c.status_id != bindparam("status"))
)
_mute = statement(
    upsert(conversation_mutes)
    .values({name: bindparam(name) for name in ("account_id", "conversation_id", "created_at")})
    .on_conflict_do_nothing()
)
_unmute = statement(
    delete(conversation_mutes).where(
        conversation_mutes.c.account_id == bindparam("account"),
        conversation_mutes.c.conversation_id == bindparam("conversation"),
    )
)


def bookmark(tx: Transaction, account_id: int, status_id: int) -> None:
    """Keep it for later; nobody is told. Raises NotFound."""
    status = hold_status(tx, account_id, status_id).shown
    tx.run(_bookmark, account_id=account_id, status_id=status.id, id=ids.new_id(), created_at=tx.now)


def unbookmark(tx: Transaction, account_id: int, status_id: int) -> None:
    """Keep it no longer. Raises NotFound."""
    tx.run(_unbookmark, account=account_id, status=hold_status(tx, account_id, status_id).shown.id)


def pin(tx: Transaction, account_id: int, status_id: int) -> None:
    """Show one's own status at the top of one's profile. Raises NotFound, Invalid."""
    status = hold_status(tx, account_id, status_id).status
    if status.reblog_of_id is not None:
        raise Invalid("Validation failed: A boost cannot be pinned")
    if status.account_id != account_id:
        raise Invalid("Validation failed: Someone else's post cannot be pinned")
    if status.visibility == "direct":
        raise Invalid("Validation failed: Posts that are only visible to mentioned users cannot be pinned")
    lock_accounts(tx, account_id)
    if tx.value(_count_pins, account=account_id, status=status.id) >= MAX_PINS:
        raise Invalid("Validation failed: You have already pinned the maximum number of posts")
    tx.run(_pin, account_id=account_id, status_id=status.id, id=ids.new_id(), created_at=tx.now)


def unpin(tx: Transaction, account_id: int, status_id: int) -> None:
    """Take it from the top of one's profile. Raises NotFound."""
    tx.run(_unpin, account=account_id, status=hold_status(tx, account_id, status_id).id)


def mute_conversation(tx: Transaction, account_id: int, status_id: int) -> None:
    """Hear no more of the conversation that the status is part of. Raises NotFound."""
    status = hold_status(tx, account_id, status_id).shown.status
    if status.conversation_id is not None:
        tx.run(_mute, account_id=account_id, conversation_id=status.conversation_id, created_at=tx.now)


def unmute_conversation(tx: Transaction, account_id: int, status_id: int) -> None:
    """Hear of the conversation again. Raises NotFound."""
    status = hold_status(tx, account_id, status_id).shown.status
    if status.conversation_id is not None:
        tx.run(_unmute, account=account_id, conversation=status.conversation_id)


def _marked(mark: Any) -> "Paged[Any]":
    """The member's marks on what they may still see, by the id of the mark."""
    mark_id: ColumnElement[int] = mark.c.id
    return Paged(
        select(mark_id.label("mark_id"), statuses.c.id.label("status_id"))
        .join(statuses, statuses.c.id == mark.c.status_id)
        .where(mark.c.account_id == viewer, visible(statuses)),
        mark_id,
    )


_bookmarks, _favourites = _marked(bookmarks), _marked(favourites)


def list_bookmarks(tx: Transaction, account_id: int, page: Page) -> list[tuple[int, StatusView]]:
    """What the member bookmarked, last first, each with the id that sorts the page."""
    return _list_marked(tx, _bookmarks, account_id, page)


def list_favourites(tx: Transaction, account_id: int, page: Page) -> list[tuple[int, StatusView]]:
    """What the member favourited, last first, each with the id that sorts the page."""
    return _list_marked(tx, _favourites, account_id, page)


def _list_marked(
    tx: Transaction, paged: "Paged[Any]", account_id: int, page: Page
) -> list[tuple[int, StatusView]]:
    mark_ids = {row.status_id: row.mark_id for row in paged.fetch(tx, page, viewer=account_id)}
    return [(mark_ids[view.id], view) for view in load_statuses(tx, account_id, mark_ids)]
