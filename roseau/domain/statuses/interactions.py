"""Favourites and reblogs: done, undone, and who did them. Doing twice what is done changes nothing."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, literal, or_, select, update

from roseau.domain.accounts.loading import AccountView, load_account, load_accounts
from roseau.domain.accounts.preferences import Visibility, load_preferences
from roseau.domain.events import Favourited, StatusPosted
from roseau.domain.site import Site
from roseau.domain.statuses.holding import check_not_blocking, hold_status
from roseau.domain.statuses.loading import Status, load_status
from roseau.domain.statuses.removal import remove_status
from roseau.domain.statuses.visibility import viewer, wanted
from roseau.kernel import ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.statuses import favourites, statuses
from roseau.storage.statements import statement, upsert

_favourite = statement(
    upsert(favourites)
    .values({name: bindparam(name) for name in ("account_id", "status_id", "id", "created_at")})
    .on_conflict_do_nothing()
)
_unfavourite = statement(
    delete(favourites).where(
        favourites.c.account_id == bindparam("account"), favourites.c.status_id == bindparam("status")
    )
)
_own_reblog = statement(
    select(statuses.c.id).where(
        statuses.c.reblog_of_id == bindparam("status"),
        statuses.c.account_id == bindparam("account"),
        statuses.c.deleted_at.is_(None),
    )
)
_reblog = statement(
    upsert(statuses)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "account_id", "uri", "visibility", "local_only", "reblog_of_id", "created_at")
        }
    )
    .on_conflict_do_nothing()
)
_count_favourite = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("status"))
    .values(favourites_count=statuses.c.favourites_count + bindparam("more"))
)
_count_reblog = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("status"))
    .values(reblogs_count=statuses.c.reblogs_count + 1)
)
_count_post = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("author"))
    .values(statuses_count=accounts.c.statuses_count + 1, last_status_at=bindparam("at"))
)


def favourite(tx: Transaction, account_id: int, status_id: int) -> None:
    """Like it. Raises NotFound, Forbidden for a status of somebody one blocks."""
    status = hold_status(tx, account_id, status_id).shown.status
    check_not_blocking(tx, account_id, status.account_id)
    if tx.run(_favourite, account_id=account_id, status_id=status.id, id=ids.new_id(), created_at=tx.now):
        tx.run(_count_favourite, status=status.id, more=1)
        tx.emit(Favourited(status.id, account_id))


def unfavourite(tx: Transaction, account_id: int, status_id: int) -> None:
    """Take the like back. Raises NotFound."""
    status = hold_status(tx, account_id, status_id).shown.status
    if tx.run(_unfavourite, account=account_id, status=status.id):
        tx.run(_count_favourite, status=status.id, more=-1)


def reblog_status(
    tx: Transaction, site: Site, account_id: int, status_id: int, visibility: Visibility | None = None
) -> int:
    """Show it to one's followers; the id of the reblog, also when there was one already.

    A private post is reblogged by its author only, and privately; the reblog of another is as visible as
    asked for, else as the member's posts usually are. Raises NotFound, Forbidden, Invalid.
    """
    status = hold_status(tx, account_id, status_id).shown.status
    check_not_blocking(tx, account_id, status.account_id)
    if status.visibility == "direct" or (status.visibility == "private" and status.account_id != account_id):
        raise Forbidden
    if visibility == "direct":
        raise Invalid("Validation failed: a boost cannot be private between people")
    known = tx.value(_own_reblog, status=status.id, account=account_id)
    if known is not None:
        return int(known)
    chosen = visibility or load_preferences(tx, account_id).default_privacy
    if status.visibility == "private" or chosen == "direct":
        chosen = "private"
    return _add_reblog(tx, site, account_id, status, chosen)


def _add_reblog(tx: Transaction, site: Site, account_id: int, status: Status, visibility: Visibility) -> int:
    author = load_account(tx, account_id)
    if author is None or author.account.suspended_at is not None:
        raise Forbidden
    reblog_id = ids.new_id()
    added = tx.run(
        _reblog,
        id=reblog_id,
        account_id=account_id,
        uri=f"{site.base_url}/users/{author.account.username}/statuses/{reblog_id}/activity",
        visibility=visibility,
        local_only=status.local_only,
        reblog_of_id=status.id,
        created_at=tx.now,
    )
    if not added:
        return int(tx.value(_own_reblog, status=status.id, account=account_id))
    if visibility in ("public", "unlisted"):
        tx.run(_count_reblog, status=status.id)
    tx.run(_count_post, author=account_id, at=tx.now)
    tx.emit(StatusPosted(reblog_id, account_id))
    return reblog_id


def unreblog(tx: Transaction, account_id: int, status_id: int) -> int:
    """Take one's reblog back; the id of what was reblogged. `status_id` is either's. Raises NotFound."""
    status = hold_status(tx, account_id, status_id).shown.status
    known = tx.value(_own_reblog, status=status.id, account=account_id)
    if known is not None:
        wrapper = load_status(tx, account_id, known)
        if wrapper is None:
            raise NotFound
        remove_status(tx, wrapper.status)
    return status.id


# Who did it. Suspended people are not shown, nor, but to the author, those whom the reader wants not to meet.

_shown = and_(
    accounts.c.suspended_at.is_(None),
    accounts.c.deleted_at.is_(None),
    or_(viewer == bindparam("author"), wanted(accounts.c.id)),
)


def _people(account_id: ColumnElement[int], row_id: ColumnElement[int]) -> Any:
    return select(row_id.label("row_id"), account_id.label("account_id")).where(
        exists(select(literal(1)).where(accounts.c.id == account_id, _shown))
    )


_favourited_by: Paged[Any] = Paged(
    _people(favourites.c.account_id, favourites.c.id).where(favourites.c.status_id == bindparam("status")),
    favourites.c.id,
)
_reblogged_by: Paged[Any] = Paged(
    _people(statuses.c.account_id, statuses.c.id).where(
        statuses.c.reblog_of_id == bindparam("status"),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
        # A private reblog is between the member and their followers.
        statuses.c.visibility.in_(["public", "unlisted"]),
    ),
    statuses.c.id,
)


def list_favourited_by(
    tx: Transaction, viewer_id: int, status_id: int, page: Page
) -> list[tuple[int, AccountView]]:
    """Who favourited it, last first, each with the id that sorts the page. Raises NotFound."""
    return _list_people(tx, _favourited_by, viewer_id, status_id, page)


def list_reblogged_by(
    tx: Transaction, viewer_id: int, status_id: int, page: Page
) -> list[tuple[int, AccountView]]:
    """Who reblogged it, but privately, last first, each with the id that sorts the page. Raises NotFound."""
    return _list_people(tx, _reblogged_by, viewer_id, status_id, page)


def _list_people(
    tx: Transaction, paged: "Paged[Any]", viewer_id: int, status_id: int, page: Page
) -> list[tuple[int, AccountView]]:
    view = load_status(tx, viewer_id, status_id)
    if view is None:
        raise NotFound
    status = view.shown.status
    rows = paged.fetch(tx, page, viewer=viewer_id, status=status.id, author=status.account_id, now=tx.now)
    people = load_accounts(tx, [row.account_id for row in rows])
    return [(row.row_id, people[row.account_id]) for row in rows]
