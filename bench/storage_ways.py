"""How long the ways into the database take: the figures behind docs/decisions/0001 and 0002.

Run: `python -m bench.storage_ways`. Prints a table; needs nothing running (it starts its own PostgreSQL).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from roseau.kernel import clock
from roseau.storage.migrations import migrate
from roseau.storage.postgresql import PostgresDatabase
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statements
from tests.servers import postgresql

ROUNDS = 5
CALLS = 1000

_page = statements(
    sqlite="WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
    " SELECT i, 'status ' || i, 1795342057000 + i FROM n",
    postgresql="SELECT i, 'status ' || i, 1795342057000 + i FROM generate_series(1, 20) i",
)


async def measure(call: Callable[[], Awaitable[Any]]) -> float:
    """Microseconds per call: the median of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            await call()
        rounds.append((time.perf_counter() - started) / CALLS * 1e6)
    return statistics.median(rounds)


async def sqlite_ways(folder: Path) -> list[tuple[str, float]]:
    """A read of 20 rows inline, and the same in a thread."""
    database = SqliteDatabase(folder / "ways.db")
    migrate(database)
    inline = await measure(lambda: database.read(lambda tx: tx.all(_page)))
    thread = await measure(lambda: database.scan(lambda tx: tx.all(_page)))
    database.close()
    return [("SQLite, 20 rows, on the event loop's thread", inline), ("SQLite, 20 rows, in a thread", thread)]


async def postgresql_ways() -> list[tuple[str, float]]:
    """The same read through the pool in threads, and through psycopg's asynchronous connection."""
    server = postgresql.start()
    dsn = postgresql.create_database(server, "ways")
    database = PostgresDatabase(dsn)
    migrate(database)
    threads = await measure(lambda: database.read(lambda tx: tx.all(_page)))
    database.close()
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        sql = _page.for_dialect("postgresql").sql

        async def ask() -> None:
            async with connection.transaction():
                await (await connection.execute(sql)).fetchall()

        waiting = await measure(ask)
    server.stop()
    return [
        ("PostgreSQL, 20 rows, in a thread", threads),
        ("PostgreSQL, 20 rows, psycopg's async connection", waiting),
    ]


async def time_ways() -> list[tuple[str, float]]:
    """Writing a time as JSON text, from an integer and from a datetime."""
    instant = clock.now()
    moment = datetime.now(UTC)

    async def integer() -> None:
        for _ in range(20):
            clock.to_iso(instant)

    async def aware() -> None:
        for _ in range(20):
            stored = moment.isoformat()
            datetime.fromisoformat(stored).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")

    return [
        ("20 times: integer to text", await measure(integer)),
        ("20 times: text, datetime, text", await measure(aware)),
    ]


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*await sqlite_ways(Path(folder)), *await postgresql_ways(), *await time_ways()]
    print("| way | µs |\n|---|---|")
    for name, spent in rows:
        print(f"| {name} | {spent:.1f} |")


if __name__ == "__main__":
    asyncio.run(main())
