"""Pages by key: every item once, in order, whichever way one walks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select

from roseau.storage.migrations import migrate
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.statuses import conversations
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statement

_add = statement(insert(conversations).values(id=bindparam("id"), created_at=0))
_paged: Paged[Any] = Paged(select(conversations.c.id), conversations.c.id)
ITEMS = list(range(10, 200, 7))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabase]:
    folder: Path = tmp_path_factory.mktemp("pages")
    opened = SqliteDatabase(folder / "pages.db", synchronous="OFF")
    migrate(opened)
    opened.write_now(lambda tx: tx.run_many(_add, [{"id": item} for item in ITEMS]))
    yield opened
    opened.close()


@pytest.fixture
def fetch(database: SqliteDatabase) -> Any:
    return lambda page: [row[0] for row in database.read_now(lambda tx: _paged.fetch(tx, page))]


bound = st.none() | st.integers(0, 2**70)


@given(limit=st.integers(1, 40), max_id=bound, since_id=bound, min_id=bound)
def test_a_page_is_what_its_bounds_say(
    database: SqliteDatabase, limit: int, max_id: int | None, since_id: int | None, min_id: int | None
) -> None:
    page = Page(limit, max_id, since_id, min_id)
    found = [row[0] for row in database.read_now(lambda tx: _paged.fetch(tx, page))]
    lower = min_id if min_id is not None else since_id or 0
    inside = [item for item in ITEMS if item > lower and (max_id is None or item < max_id)]
    expected = inside[:limit] if min_id is not None else inside[-limit:]
    assert found == expected[::-1]


@pytest.mark.parametrize("limit", [1, 3, 40])
def test_walking_down_and_up_meets_every_item_once(fetch: Any, limit: int) -> None:
    down: list[int] = []
    page = Page(limit)
    while items := fetch(page):
        down += items
        page = Page(limit, max_id=items[-1])
    assert down == ITEMS[::-1]
    up: list[int] = []
    page = Page(limit, min_id=0)
    while items := fetch(page):
        up += items[::-1]
        page = Page(limit, min_id=items[0])
    assert up == ITEMS
