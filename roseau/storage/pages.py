"""Keyset pages, as Mastodon's API has them: `max_id`, `since_id`, `min_id`, `limit`, newest first."""

from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Select, bindparam

from roseau.kernel.ids import MAX_ID
from roseau.storage.database import Transaction
from roseau.storage.statements import Statement, statement

Row = TypeVar("Row")


class Page(msgspec.Struct, frozen=True):
    """Which part of a list: `min_id` asks for the items right above it, `since_id` for the newest."""

    limit: int = 20
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None


class Paged(Generic[Row]):
    """A list that can be read by pages: a select without order or limit, and the id column that sorts it."""

    def __init__(self, select: Select[Any], column: ColumnElement[Any], into: Any = None) -> None:
        bounded = select.where(column < bindparam("page_max"), column > bindparam("page_min"))
        limit: BindParameter[int] = bindparam("page_limit")
        self.newest: Statement[Row] = statement(bounded.order_by(column.desc()).limit(limit), into=into)
        self.nearest: Statement[Row] = statement(bounded.order_by(column.asc()).limit(limit), into=into)

    def fetch(self, tx: Transaction, page: Page, **parameters: Any) -> list[Row]:
        """The rows of that page, newest first."""
        below = MAX_ID if page.max_id is None else min(page.max_id, MAX_ID)
        parameters |= {"page_max": below, "page_limit": page.limit}
        if page.min_id is not None:
            rows = tx.all(self.nearest, page_min=min(page.min_id, MAX_ID), **parameters)
            rows.reverse()
            return rows
        return tx.all(self.newest, page_min=min(page.since_id or 0, MAX_ID), **parameters)
