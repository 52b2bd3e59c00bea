"""The hot questions: how many statements a page takes, and that an index answers each.

A page of 40 may not take more statements than a page of 2, and no timeline may read a whole table.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roseau.domain.statuses import loading
from roseau.domain.statuses.drafts import Draft, PollDraft, check_draft
from roseau.domain.statuses.posting import post_status
from roseau.domain.timelines import fanout, queries
from roseau.storage import postgresql, sqlite
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.storage.statements import Statement, statements

READER_PARAMETERS: dict[str, Any] = {
    "viewer": 1,
    "now": 1,
    "page_max": 10**18,
    "page_min": 0,
    "page_limit": 20,
    "only_media": False,
    "list": 1,
    "author": 1,
    "without_replies": False,
    "without_reblogs": False,
    "without_direct": False,
    "tagged": "",
    "any_of": ["a"],
    "all_of": [],
    "all_count": 0,
    "none_of": [],
    "local": False,
    "remote": False,
    "ids": [1, 2],
    "status": 1,
    "yesterday": 0,
    "after": 0,
    "until": 10**18,
    "skipped": 1,
    "since": 0,
}

#: What is asked on every visit, with the tables that must not be read whole.
HOT: dict[str, tuple[Statement[Any], tuple[str, ...]]] = {
    "home": (queries._home.newest, ("home_entries", "statuses", "accounts")),
    "home upwards": (queries._home.nearest, ("home_entries", "statuses", "accounts")),
    "list": (queries._list.newest, ("home_entries", "statuses", "accounts")),
    "local": (queries._here.newest, ("accounts", "mutes", "blocks")),
    "public": (queries._everywhere.newest, ("accounts", "mutes", "blocks")),
    "hashtag": (queries._tagged.newest, ("status_tags", "accounts")),
    "profile": (queries._by_author.newest, ("statuses", "accounts")),
    "statuses": (loading._seen, ("statuses", "accounts", "favourites", "bookmarks", "follows", "mentions")),
    "lifting": (fanout._lift, ("home_entries", "follows", "tag_follows")),
    "fan-out": (fanout._begin, ("statuses", "follows", "home_entries")),
}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement that is run meanwhile."""
    asked: list[str] = []
    for kind in (sqlite._SqliteTransaction, postgresql._PostgresTransaction):
        original = kind.all

        def record(
            self: Any, statement: Any, /, _original: Callable[..., Any] = original, **parameters: Any
        ) -> Any:
            asked.append(statement.for_dialect(self.dialect).sql)
            return _original(self, statement, **parameters)

        monkeypatch.setattr(kind, "all", record)
    yield asked
    monkeypatch.undo()


def fill(tx: Transaction, site: Any, author_id: int, count: int) -> None:
    for number in range(count):
        poll = PollDraft(["yes", "no"], 3600) if number % 5 == 0 else None
        draft = check_draft(site, Draft(text=f"Post {number} #reeds @bob", poll=poll))
        fanout.fan_out(tx, post_status(tx, site, author_id, draft))


def test_a_longer_page_takes_no_more_statements(
    server: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = cast.ada.id
    assert cast.bob.id
    server.database.write_now(fill, server.site, ada, 45)
    asked_for: dict[int, int] = {}
    for limit in (2, 40):
        server.database.read_now(queries.list_home, ada, Page(limit))
        with counted(monkeypatch) as asked:
            views = server.database.read_now(queries.list_home, ada, Page(limit))
        assert len(views) == limit
        asked_for[limit] = len(asked)
    assert asked_for[2] <= asked_for[40] <= 6


@pytest.mark.parametrize("name", HOT)
def test_an_index_answers(server: Any, name: str) -> None:
    statement, tables = HOT[name]
    dialect = server.database.dialect
    sql = statement.for_dialect(dialect).sql
    wanted = {
        key: value for key, value in READER_PARAMETERS.items() if f":{key}" in sql or f"%({key})s" in sql
    }

    def explain(tx: Transaction) -> list[str]:
        if dialect == "sqlite":
            asking = Statement({"sqlite": "EXPLAIN QUERY PLAN " + sql})
            return [str(row[3]) for row in tx.all(asking, **wanted)]
        tx.run(statements(sqlite="", postgresql="SET LOCAL enable_seqscan = off"))
        cursor = tx._cursor  # type: ignore[attr-defined]
        return [str(row[0]) for row in cursor.execute("EXPLAIN " + sql, wanted).fetchall()]

    plan = server.database.write_now(explain)
    for table in tables:
        if dialect == "sqlite":
            read_whole = [line for line in plan if line.startswith(f"SCAN {table}") and "INDEX" not in line]
        else:
            read_whole = [line for line in plan if f"Seq Scan on {table} " in line]
        assert not read_whole, "\n".join(plan)
