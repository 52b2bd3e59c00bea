"""Statuses as one reader sees them. `load_statuses` is the one way to get them.

What is the same for every reader (`Status`) is kept by (id, version); counts and the reader's own
part are read each time, for a whole page in one statement.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import and_, exists, literal, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.media.attachments import Attachment
from roseau.domain.statuses.details import Emoji, Mention, PollView, Tag, load_details, load_polls
from roseau.domain.statuses.visibility import viewer, visible
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import bookmarks, conversation_mutes, favourites, pins, statuses
from roseau.storage.statements import Statement, one_of, statement


class Status(msgspec.Struct):
    """What every reader sees of a status. The first fields are columns, in order."""

    id: int
    version: int
    account_id: int
    uri: str
    url: str
    local: bool
    text: str
    content_type: str
    content: str
    spoiler_text: str
    sensitive: bool
    language: str | None
    visibility: str
    local_only: bool
    in_reply_to_id: int | None
    in_reply_to_account_id: int | None
    reblog_of_id: int | None
    conversation_id: int | None
    app_id: int | None
    created_at: int
    edited_at: int | None
    media: tuple[Attachment, ...] = ()
    mentions: tuple[Mention, ...] = ()
    tags: tuple[Tag, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    application: tuple[str, str | None] | None = None
    poll_id: int | None = None
    #: Filled in by whoever presents it first (`api/present`); lives as long as this version does.
    encoded: bytes = b""


class StatusView(msgspec.Struct):
    """A status as one reader sees it now."""

    status: Status
    author: AccountView
    replies_count: int
    reblogs_count: int
    favourites_count: int
    favourited: bool
    reblogged: bool
    bookmarked: bool
    pinned: bool
    muted: bool
    poll: PollView | None = None
    reblog: "StatusView | None" = None

    @property
    def id(self) -> int:
        """The status's id."""
        return self.status.id

    @property
    def shown(self) -> "StatusView":
        """What is read: the reblogged status, or this one."""
        return self.reblog or self


def _mine(table: Any) -> Any:
    return exists(select(literal(1)).where(table.c.account_id == viewer, table.c.status_id == statuses.c.id))


_own = statuses.alias("own")
_asked = one_of(statuses.c.id, "ids")
_seen_columns = select(
    statuses.c.id,
    statuses.c.version,
    statuses.c.account_id,
    statuses.c.reblog_of_id,
    statuses.c.replies_count,
    statuses.c.reblogs_count,
    statuses.c.favourites_count,
    _mine(favourites).label("favourited"),
    exists(
        select(literal(1)).where(
            and_(
                _own.c.reblog_of_id == statuses.c.id,
                _own.c.account_id == viewer,
                _own.c.deleted_at.is_(None),
            )
        )
    ).label("reblogged"),
    _mine(bookmarks).label("bookmarked"),
    exists(
        select(literal(1)).where(
            pins.c.account_id == statuses.c.account_id, pins.c.status_id == statuses.c.id
        )
    ).label("pinned"),
    exists(
        select(literal(1)).where(
            conversation_mutes.c.account_id == viewer,
            conversation_mutes.c.conversation_id == statuses.c.conversation_id,
        )
    ).label("muted"),
)
_seen = statement(_seen_columns.where(_asked, visible(statuses)))
_hidden = statement(
    _seen_columns.where(
        _asked,
        statuses.c.account_id == viewer,
        statuses.c.hidden_at.is_not(None),
        statuses.c.deleted_at.is_(None),
    )
)
_FIELDS = Status.__struct_fields__
_static = statement(
    select(*(statuses.c[name] for name in _FIELDS[: _FIELDS.index("media")])).where(
        one_of(statuses.c.id, "ids")
    ),
    into=Status,
)


def load_statuses(tx: Transaction, viewer_id: int, ids: Iterable[int]) -> list[StatusView]:
    """The statuses that this viewer (0: anyone) may see, in the order of `ids`; the rest is left out."""
    return _load(tx, viewer_id, list(ids), _seen)


def load_hidden(tx: Transaction, author_id: int, status_id: int) -> StatusView | None:
    """A status of the author's own that moderation has hidden, as far as it is not sealed away; or None."""
    found = _load(tx, author_id, [status_id], _hidden)
    return found[0] if found else None


def _load(tx: Transaction, viewer_id: int, wanted: list[int], question: Statement[Any]) -> list[StatusView]:
    if not wanted:
        return []
    rows = {row.id: row for row in tx.all(question, viewer=viewer_id, ids=wanted)}
    inner = [row.reblog_of_id for row in rows.values() if row.reblog_of_id and row.reblog_of_id not in rows]
    if inner:
        for row in tx.all(_seen, viewer=viewer_id, ids=inner):
            rows[row.id] = row
    static = _load_static(tx, rows.values())
    authors = load_accounts(tx, [row.account_id for row in rows.values()])
    polls = load_polls(tx, viewer_id, [status.poll_id for status in static.values() if status.poll_id])
    views: dict[int, StatusView] = {}
    for row in rows.values():
        status = static[row.id]
        views[row.id] = StatusView(
            status, authors[row.account_id], row.replies_count, row.reblogs_count, row.favourites_count,
            row.favourited, row.reblogged, row.bookmarked, row.pinned, row.muted,
            polls.get(status.poll_id) if status.poll_id else None,
        )  # fmt: skip
    found: list[StatusView] = []
    for identifier in wanted:
        view = views.get(identifier)
        if view is None:
            continue
        reblogged = view.status.reblog_of_id
        if reblogged is not None:
            view.reblog = views.get(reblogged)
            if view.reblog is None:
                continue
        found.append(view)
    return found


def load_status(tx: Transaction, viewer_id: int, status_id: int) -> StatusView | None:
    """One status, or None where there is none or this viewer may not see it."""
    found = load_statuses(tx, viewer_id, [status_id])
    return found[0] if found else None


def _load_static(tx: Transaction, rows: Iterable[Any]) -> dict[int, Status]:
    found: dict[int, Status] = {}
    missing: list[int] = []
    for row in rows:
        status = tx.cached("status", (row.id, row.version))
        if status is None:
            missing.append(row.id)
        else:
            found[row.id] = status
    if missing:
        loaded = tx.all(_static, ids=missing)
        load_details(tx, loaded)
        for status in loaded:
            found[status.id] = status
            tx.keep("status", (status.id, status.version), status)
    return found
