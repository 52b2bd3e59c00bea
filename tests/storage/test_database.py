"""The two ways into the database keep their promises, on SQLite and on PostgreSQL."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select

from roseau.domain.events import AccountCreated
from roseau.kernel.errors import Invalid, Unavailable
from roseau.storage import checkpoints, events
from roseau.storage.database import Database, Nested, Transaction
from roseau.storage.migrations import migrate
from roseau.storage.postgresql import PostgresDatabase
from roseau.storage.schema.statuses import conversations
from roseau.storage.sqlite import SqliteDatabase, UnsafeSQLite, check_library
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

_add = statement(insert(conversations).values(id=bindparam("id"), created_at=0))
_add_long = statement(insert(conversations).values(id=bindparam("id"), uri=bindparam("uri"), created_at=0))
#: More than the log may have before it is copied back (`storage/checkpoints.py`).
LONG_TEXT = 6 * 1024 * 1024
_count = statement(select(func.count()).select_from(conversations))


@pytest.fixture
def database(tmp_path: Path, database_url: str) -> Iterator[Database]:
    opened: Any = PostgresDatabase(database_url) if database_url else SqliteDatabase(tmp_path / "test.db")
    migrate(opened)
    yield opened
    opened.close()


def add(tx: Transaction, number: int) -> int:
    tx.run(_add, id=number)
    return number


def add_text(tx: Transaction, number: int) -> None:
    tx.run(_add_long, id=number, uri="x" * LONG_TEXT + str(number))


def add_and_fail(tx: Transaction, number: int) -> None:
    tx.run(_add, id=number)
    tx.emit(AccountCreated(number))
    raise Invalid("changed my mind")


def count(tx: Transaction) -> int:
    return int(tx.value(_count))


async def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    assert await database.write(add, 7) == 7
    assert await database.read(count) == 1
    assert await database.scan(count) == 1


async def test_a_failing_command_changes_nothing_and_harms_nobody(database: Database) -> None:
    results = await asyncio.gather(
        *(database.write(add, n) for n in range(20)),
        *(database.write(add_and_fail, n) for n in range(100, 120)),
        *(database.write(add, n) for n in range(200, 220)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Invalid) for result in results) == 20
    assert await database.read(count) == 40
    assert await database.read(events.find_last_event) == 0


async def test_waiting_writes_share_a_commit(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "group.db")
    migrate(database)
    before = database.commits
    await asyncio.gather(*(database.write(add, n) for n in range(64)))
    assert await database.read(count) == 64
    assert database.commits - before <= 16
    database.close()


async def test_the_log_is_copied_back_beside_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "TOO_MANY_PAGES", 8_000)
    database = SqliteDatabase(tmp_path / "log.db")
    migrate(database)
    log = tmp_path / "log.db-wal"
    longest = 0
    written = 25
    for number in range(written):
        await database.write(add_text, number)
        longest = max(longest, log.stat().st_size)
    database.close()
    # It was begun anew again and again rather than growing with all that was written.
    assert longest < written * LONG_TEXT / 2
    # SQLite removes the log when its last connection is closed, after copying back what is left of it.
    assert not log.exists()
    reopened = SqliteDatabase(tmp_path / "log.db")
    assert await reopened.read(count) == written
    reopened.close()


async def test_events_are_numbered_in_the_order_in_which_they_can_be_seen(database: Database) -> None:
    """On PostgreSQL numbers are taken before the commit: a reader behind a gap would miss rows."""

    def happen(tx: Transaction, number: int) -> None:
        tx.run(_add, id=number)
        tx.emit(AccountCreated(number))

    seen: list[int] = []

    async def follow() -> None:
        last = 0
        while len(seen) < 120:
            for row in await database.scan(events.list_events, last, 50):
                last = row.seq
                seen.append(row.seq)
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(database.write(happen, n) for n in range(120)))
    await asyncio.wait_for(following, 20)
    assert seen == sorted(set(seen))
    assert len(seen) == 120


async def test_readers_of_the_log_are_woken_after_the_commit(database: Any) -> None:
    woken: list[int] = []
    database.on_events.append(lambda: woken.append(1))
    await database.write(add, 1)
    assert woken == []
    await database.write(lambda tx: tx.emit(AccountCreated(1)))
    await asyncio.sleep(0)
    assert woken == [1]


async def test_what_a_write_sees_is_not_kept_for_readers(database: Database) -> None:
    """It may be rolled back, and the next one would take the same version with other content."""

    def see(tx: Transaction) -> None:
        tx.keep("status", (1, 1), "from a write")

    await database.write(see)
    assert await database.read(lambda tx: tx.cached("status", (1, 1))) is None


async def test_a_command_cannot_open_another_transaction(database: Database) -> None:
    """The one writer would wait for itself."""
    with pytest.raises(Nested, match="pass `tx` on"):
        await database.write(lambda tx: database.write_now(add, 1))
    assert await database.write(add, 2) == 2


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable):
        await database.read(add, 1)
    assert await database.read(count) == 0


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.51.2"])
def test_a_sqlite_that_can_lose_data_is_refused(version: str) -> None:
    with pytest.raises(UnsafeSQLite, match=r"3\.51\.3"):
        check_library(version)


def test_there_is_one_sqlite_in_the_process() -> None:
    """Two copies of the library in one process break each other's locks."""
    check_library()
    assert "_sqlite3" not in sys.modules
