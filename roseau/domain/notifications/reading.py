"""Notifications as their member reads them: by pages, one alone, counted, cleared."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.notifications.official import OFFICIAL, OURS
from roseau.domain.notifications.subjects import Subject, load_subjects
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import viewer, visible
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import follow_requests
from roseau.storage.schema.statuses import favourites, statuses
from roseau.storage.schema.timelines import markers, notifications
from roseau.storage.statements import one_of, statement

_n = notifications
_s = statuses.alias("about")
_sender = accounts.alias("sender")
#: Of these the status is the whole point: without it there is nothing to tell.
_ABOUT_A_STATUS = ("mention", "status", "reblog", "favourite", "poll", "update")


class Choice(msgspec.Struct, kw_only=True):
    """Which notifications are meant. No `types` means all; `from_id` 0 means from anybody.

    Types that Mastodon does not have are left out unless `types` or `known` names them.
    """

    types: list[str] = []
    exclude_types: list[str] = []
    from_id: int = 0
    filtered: bool = False
    #: Types of ours that whoever asks can show.
    known: Collection[str] = ()

    def parameters(self, viewer_id: int) -> dict[str, Any]:
        """What `chosen` needs."""
        return {
            "viewer": viewer_id,
            "types": self.types,
            "all_types": not self.types,
            "exclude_types": [*self.exclude_types, *OURS.difference(self.types, self.known)],
            "sender": self.from_id,
            "with_filtered": self.filtered,
        }


class NotificationView(msgspec.Struct):
    """A notification as its member sees it."""

    id: int
    type: str
    created_at: int
    group_key: str
    account: AccountView
    status: StatusView | None
    #: What a notification of the site itself is about.
    subject: Subject | None = None


def _flag(name: str) -> ColumnElement[bool]:
    return bindparam(name, type_=_n.c.filtered.type)


#: It is the viewer's, and what it tells is still so.
standing = and_(
    _n.c.account_id == viewer,
    _n.c.dismissed_at.is_(None),
    exists(
        select(literal(1)).where(
            _sender.c.id == _n.c.from_account_id,
            _sender.c.suspended_at.is_(None),
            _sender.c.deleted_at.is_(None),
        )
    ),
    or_(
        _n.c.type.not_in(_ABOUT_A_STATUS),
        exists(select(literal(1)).select_from(_s).where(_s.c.id == _n.c.status_id, visible(_s))),
    ),
    or_(
        _n.c.type != "favourite",
        exists(
            select(literal(1)).where(
                favourites.c.account_id == _n.c.from_account_id, favourites.c.status_id == _n.c.status_id
            )
        ),
    ),
    or_(
        _n.c.type != "follow_request",
        exists(
            select(literal(1)).where(
                follow_requests.c.account_id == _n.c.from_account_id,
                follow_requests.c.target_id == _n.c.account_id,
            )
        ),
    ),
)
#: What a `Choice` leaves of it.
chosen = and_(
    standing,
    or_(_flag("with_filtered"), not_(_n.c.filtered)),
    or_(_flag("all_types"), one_of(_n.c.type, "types", "TEXT")),
    not_(one_of(_n.c.type, "exclude_types", "TEXT")),
    or_(bindparam("sender") == 0, _n.c.from_account_id == bindparam("sender")),
)


def _rows(condition: ColumnElement[bool]) -> Select[Any]:
    return select(
        _n.c.id, _n.c.type, _n.c.created_at, _n.c.group_key, _n.c.from_account_id, _n.c.status_id
    ).where(condition)


_page: Paged[Any] = Paged(_rows(chosen), _n.c.id)
_one = statement(_rows(and_(standing, _n.c.id == bindparam("wanted"))))
_count = statement(
    select(func.count()).select_from(
        select(_n.c.id).where(chosen, _n.c.id > bindparam("since")).limit(bindparam("most")).subquery()
    )
)
_last_read = statement(
    select(markers.c.last_read_id).where(
        markers.c.account_id == bindparam("member"), markers.c.timeline == "notifications"
    )
)
_clear = statement(
    update(_n)
    .where(_n.c.account_id == bindparam("member"), _n.c.dismissed_at.is_(None), not_(_n.c.filtered))
    .values(dismissed_at=bindparam("at"))
)
_dismiss = statement(
    update(_n)
    .where(_n.c.account_id == bindparam("member"), _n.c.id == bindparam("wanted"))
    .values(dismissed_at=bindparam("at"))
)


def list_notifications(tx: Transaction, viewer_id: int, page: Page, choice: Choice) -> list[NotificationView]:
    """A page of the member's notifications, newest first."""
    return _to_views(tx, viewer_id, _page.fetch(tx, page, **choice.parameters(viewer_id)))


def find_notification(tx: Transaction, viewer_id: int, notification_id: int) -> NotificationView | None:
    """One of the member's notifications, or None."""
    views = _to_views(tx, viewer_id, tx.all(_one, viewer=viewer_id, wanted=notification_id))
    return views[0] if views else None


def find_last_read(tx: Transaction, member_id: int) -> int:
    """The newest notification that the member has read, by their marker; 0 when there is none."""
    return int(tx.value(_last_read, member=member_id) or 0)


def count_unread(tx: Transaction, viewer_id: int, choice: Choice, most: int = 100) -> int:
    """How many notifications came since the member's marker; counts up to `most`."""
    since = find_last_read(tx, viewer_id)
    return int(tx.value(_count, since=since, most=most, **choice.parameters(viewer_id)))


def clear_notifications(tx: Transaction, member_id: int) -> None:
    """Clear them all away; requests that wait stay."""
    tx.run(_clear, member=member_id, at=tx.now)


def dismiss_notification(tx: Transaction, member_id: int, notification_id: int) -> None:
    """Clear one away; nothing happens when it is not the member's."""
    tx.run(_dismiss, member=member_id, wanted=notification_id, at=tx.now)


def _to_views(tx: Transaction, viewer_id: int, rows: Sequence[Any]) -> list[NotificationView]:
    people = load_accounts(tx, [row.from_account_id for row in rows])
    about = list(dict.fromkeys(row.status_id for row in rows if row.status_id))
    views = {view.id: view for view in load_statuses(tx, viewer_id, about)}
    subjects = load_subjects(tx, viewer_id, [row.id for row in rows if row.type in OFFICIAL])
    return [
        NotificationView(
            row.id, row.type, row.created_at, row.group_key, people[row.from_account_id],
            views.get(row.status_id), subjects.get(row.id),
        )
        for row in rows
    ]  # fmt: skip
