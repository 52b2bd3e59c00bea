"""Searching posts: only those that the reader may see, and only where their author lets them be found.

One finds one's own, those one is mentioned in or did something with, and public posts of people who
said that they may be searched.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    column,
    exists,
    literal,
    not_,
    or_,
    select,
    table,
    text,
)

from roseau.domain.accounts.loading import find_account_id
from roseau.domain.search.asking import Question, to_handle
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import viewer, visible, wanted
from roseau.kernel.ids import MAX_ID
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import (
    bookmarks,
    favourites,
    mentions,
    poll_votes,
    polls,
    statuses,
)
from roseau.storage.statements import DialectName, Statement, statements

_s = statuses
_reblog = statuses.alias("reblog")


def _marked(marks: Any) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(marks.c.account_id == viewer, marks.c.status_id == _s.c.id))


_library = or_(
    _s.c.account_id == viewer,
    _marked(mentions),
    _marked(favourites),
    _marked(bookmarks),
    exists(
        select(literal(1)).where(
            _reblog.c.reblog_of_id == _s.c.id,
            _reblog.c.account_id == viewer,
            _reblog.c.deleted_at.is_(None),
        )
    ),
    exists(
        select(literal(1))
        .select_from(poll_votes.join(polls, polls.c.id == poll_votes.c.poll_id))
        .where(polls.c.status_id == _s.c.id, poll_votes.c.account_id == viewer)
    ),
)
_offered = and_(
    _s.c.visibility == "public",
    exists(select(literal(1)).where(accounts.c.id == _s.c.account_id, accounts.c.indexable)),
)

#: What an operator asks, by name.
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "author": _s.c.account_id == bindparam("author"),
    "media": exists(select(literal(1)).where(media_attachments.c.status_id == _s.c.id)),
    "poll": exists(select(literal(1)).where(polls.c.status_id == _s.c.id)),
    "reply": _s.c.in_reply_to_id.is_not(None),
    "sensitive": or_(_s.c.sensitive, _s.c.spoiler_text != ""),
    "language": or_(
        _s.c.language == bindparam("language"),
        _s.c.language.startswith(bindparam("language") + literal("-")),
    ),
    "library": _library,
    "public": _offered,
}
_fts5 = table("status_search", column("rowid"))
_vectors = table("status_search", column("status_id"))
_matches: dict[DialectName, tuple[Any, Any, str]] = {
    "sqlite": (_fts5, _fts5.c.rowid, "status_search MATCH :{}"),
    "postgresql": (_vectors, _vectors.c.status_id, "status_search.words @@ CAST(:{} AS tsquery)"),
}


def _select(dialect: DialectName, conditions: tuple[str, ...], matched: bool, unmatched: bool) -> Select[Any]:
    chosen: list[ColumnElement[Any] | TextClause] = [
        not_(CONDITIONS[name[1:]]) if name.startswith("-") else CONDITIONS[name] for name in conditions
    ]
    index, row, match = _matches[dialect]
    origin: Any = _s
    number: Any = _s.c.id
    if unmatched:
        chosen.append(_s.c.id.not_in(select(row).where(text(match.format("mismatch")))))
    if matched:
        number = row
        origin = index.join(_s, _s.c.id == number)
        chosen.append(text(match.format("match")))
    return (
        select(_s.c.id)
        .select_from(origin)
        .where(
            *chosen,
            number < bindparam("older_than"),
            number > bindparam("newer_than"),
            _s.c.reblog_of_id.is_(None),
            visible(_s),
            or_(_library, _offered),
            or_(_s.c.account_id == viewer, wanted(_s.c.account_id)),
        )
        .order_by(number.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("skipped"))
    )


@cache
def _find(conditions: tuple[str, ...], matched: bool, unmatched: bool) -> Statement[Any]:
    return statements(
        sqlite=_select("sqlite", conditions, matched, unmatched),
        postgresql=_select("postgresql", conditions, matched, unmatched),
    )


def search_statuses(
    tx: Transaction,
    site: Site,
    reader_id: int,
    question: Question,
    page: Page,
    *,
    offset: int = 0,
    author_id: int = 0,
) -> list[StatusView]:
    """The posts that answer the question, newest first; for members only. `author_id` 0: from anybody."""
    if not reader_id or question.empty():
        return []
    match, mismatch = question.match(tx.dialect), question.mismatch(tx.dialect)
    if question.text and not match:
        return []
    conditions = set(question.conditions)
    if author_id:
        conditions.add("author")
    elif question.author:
        author_id = _find_author(tx, site, reader_id, question.author)
    rows = tx.values(
        _find(tuple(sorted(conditions)), bool(match), bool(mismatch)),
        **_given(conditions, author=author_id, language=question.language),
        **{name: value for name, value in {"match": match, "mismatch": mismatch}.items() if value},
        viewer=reader_id,
        now=tx.now,
        older_than=min(question.older_than, MAX_ID if page.max_id is None else page.max_id),
        newer_than=max(question.newer_than, page.min_id or page.since_id or 0),
        limit=page.limit,
        skipped=offset,
    )
    return load_statuses(tx, reader_id, rows)


def _given(conditions: set[str], **values: Any) -> dict[str, Any]:
    """The parameters of those conditions that have one."""
    names = {name.removeprefix("-") for name in conditions}
    return {name: value for name, value in values.items() if name in names}


def _find_author(tx: Transaction, site: Site, reader_id: int, name: str) -> int:
    if name.lower() == "me":
        return reader_id
    handle = to_handle(name)
    if handle is None:
        return 0
    username, domain = handle
    return find_account_id(tx, username, "" if domain == site.domain else domain) or 0
