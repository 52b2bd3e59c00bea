"""Notifications in groups: ten favourites of one post in an afternoon are one line (Mastodon 4.3)."""

from typing import Any

import msgspec
from sqlalchemy import Text, and_, bindparam, case, cast, func, literal, or_, select, update

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.notifications.official import OFFICIAL, OURS
from roseau.domain.notifications.reading import Choice, chosen, find_last_read, standing
from roseau.domain.notifications.subjects import Subject, load_subjects
from roseau.domain.notifications.telling import GROUPED
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.kernel.ids import MAX_ID, parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.storage.schema.timelines import notifications
from roseau.storage.statements import one_of, statement

#: A page of groups is made of at most so many notifications; what is older comes with the next page.
WINDOW = 1000
#: Faces that a group shows.
SAMPLES = 8

_n = notifications


class Group(msgspec.Struct, kw_only=True):
    """Notifications of one kind about one thing; `page_*` tell of those in the range that was asked for."""

    key: str
    type: str
    count: int
    newest_id: int
    page_min_id: int
    page_max_id: int
    latest_at: int
    account_ids: list[int]
    status_id: int | None
    #: What a notification of the site itself is about; such a group is one notification.
    subject: Subject | None = None


class Groups(msgspec.Struct):
    """A page of groups, newest first, with all the accounts and statuses that it names."""

    groups: list[Group]
    accounts: list[AccountView]
    statuses: list[StatusView]


#: The key under which a notification is grouped; the caller may want some types one by one.
_key = case(
    (one_of(_n.c.type, "grouped", "TEXT"), _n.c.group_key),
    else_=literal("ungrouped-").concat(cast(_n.c.id, Text)),
).label("key")


def _page(newest: bool) -> Any:
    order = _n.c.id.desc() if newest else _n.c.id.asc()
    window = (
        select(_n.c.id, _key)
        .where(chosen, _n.c.id < bindparam("page_max"), _n.c.id > bindparam("page_min"))
        .order_by(order)
        .limit(WINDOW)
        .subquery()
    )
    edge = func.max(window.c.id)
    return (
        select(window.c.key, func.min(window.c.id).label("oldest"), edge.label("newest"))
        .group_by(window.c.key)
        .order_by(edge.desc() if newest else edge.asc())
        .limit(bindparam("page_limit"))
    )


_newest = statement(_page(newest=True))
_nearest = statement(_page(newest=False))
_members = (
    select(
        _n.c.id, _n.c.type, _n.c.created_at, _n.c.from_account_id, _n.c.status_id, _key,
        func.row_number().over(partition_by=_key, order_by=_n.c.id.desc()).label("place"),
        func.count().over(partition_by=_key).label("total"),
    )
    .where(chosen, or_(one_of(_n.c.group_key, "keys", "TEXT"), one_of(_n.c.id, "ids")))
    .subquery()
)  # fmt: skip
_samples = statement(select(_members).where(_members.c.place <= SAMPLES).order_by(_members.c.id.desc()))
_in_group = and_(
    standing,
    or_(_n.c.group_key == bindparam("group"), _n.c.id == bindparam("single")),
    _n.c.filtered.is_(False),
)
_people = statement(
    select(_n.c.from_account_id).where(_in_group).order_by(_n.c.id.desc()).limit(bindparam("most"))
)
_edges = statement(select(func.min(_n.c.id), func.max(_n.c.id)).where(_in_group))
_dismiss = statement(
    update(_n)
    .where(
        _n.c.account_id == bindparam("member"),
        or_(_n.c.group_key == bindparam("group"), _n.c.id == bindparam("single")),
    )
    .values(dismissed_at=bindparam("at"))
)


def _names(key: str) -> dict[str, Any]:
    """A group is found by its key; one that is not grouped, by the id in it."""
    prefix, _, number = key.rpartition("-")
    single = parse_id(number) if prefix == "ungrouped" else None
    return {"group": key, "single": single or 0}


def list_groups(
    tx: Transaction, viewer_id: int, page: Page, choice: Choice, grouped: list[str] | None = None
) -> Groups:
    """A page of the member's notifications; `grouped` are the types to group (None: all that can be)."""
    parameters = choice.parameters(viewer_id) | {"grouped": list(GROUPED if grouped is None else grouped)}
    rows = _list_rows(tx, page, parameters)
    rows.sort(key=lambda row: -row.newest)
    return _load(tx, viewer_id, [(row.key, row.oldest, row.newest) for row in rows], parameters)


def _list_rows(tx: Transaction, page: Page, parameters: dict[str, Any]) -> list[Any]:
    return tx.all(
        _newest if page.min_id is None else _nearest,
        page_max=MAX_ID if page.max_id is None else page.max_id,
        page_min=(page.since_id or 0) if page.min_id is None else page.min_id,
        page_limit=page.limit,
        **parameters,
    )


def find_group(tx: Transaction, viewer_id: int, key: str) -> Groups | None:
    """One group, or None."""
    row = tx.one(_edges, viewer=viewer_id, **_names(key))
    if row is None or row[0] is None:
        return None
    grouped = [] if key.startswith("ungrouped-") else list(GROUPED)
    parameters = Choice(known=OURS).parameters(viewer_id) | {"grouped": grouped}
    return _load(tx, viewer_id, [(key, row[0], row[1])], parameters)


def _load(
    tx: Transaction, viewer_id: int, found: list[tuple[str, int, int]], parameters: dict[str, Any]
) -> Groups:
    keys = [key for key, _, _ in found]
    singles = [newest for key, _, newest in found if key.startswith("ungrouped-")]
    members: dict[str, list[Any]] = {key: [] for key in keys}
    if found:
        for row in tx.all(_samples, keys=keys, ids=singles, **parameters):
            if row.key in members:
                members[row.key].append(row)
    groups: list[Group] = []
    for key, oldest, newest in found:
        rows = members[key]
        if not rows:
            continue
        latest = next((row for row in rows if row.id <= newest), rows[0])
        groups.append(
            Group(
                key=key, type=rows[0].type, count=rows[0].total, newest_id=rows[0].id, page_min_id=oldest,
                page_max_id=newest, latest_at=latest.created_at,
                account_ids=list(dict.fromkeys(row.from_account_id for row in rows)),
                status_id=rows[0].status_id,
            )
        )  # fmt: skip
    subjects = load_subjects(tx, viewer_id, [one.newest_id for one in groups if one.type in OFFICIAL])
    for group in groups:
        group.subject = subjects.get(group.newest_id)
    people = load_accounts(tx, [person for group in groups for person in group.account_ids])
    about = list(dict.fromkeys(group.status_id for group in groups if group.status_id))
    return Groups(groups, list(people.values()), load_statuses(tx, viewer_id, about))


def list_group_accounts(tx: Transaction, viewer_id: int, key: str, most: int = 80) -> list[AccountView]:
    """Everybody in a group, the last first."""
    ids = tx.values(_people, viewer=viewer_id, most=most, **_names(key))
    people = load_accounts(tx, ids)
    return [people[account_id] for account_id in dict.fromkeys(ids) if account_id in people]


def dismiss_group(tx: Transaction, member_id: int, key: str) -> None:
    """Clear a whole group away; nothing happens when the member has none of that name."""
    tx.run(_dismiss, member=member_id, at=tx.now, **_names(key))


def count_unread_groups(
    tx: Transaction, viewer_id: int, choice: Choice, most: int = 100, grouped: list[str] | None = None
) -> int:
    """How many groups have something newer than the member's marker; counts up to `most`."""
    since = find_last_read(tx, viewer_id)
    parameters = choice.parameters(viewer_id) | {"grouped": list(GROUPED if grouped is None else grouped)}
    return len(_list_rows(tx, Page(limit=most, since_id=since), parameters))
