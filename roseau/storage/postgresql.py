"""PostgreSQL, through psycopg: each read and write runs in a thread with a connection of the pool."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from roseau.kernel.errors import Unavailable
from roseau.storage.database import Caches, Nested, Transaction
from roseau.storage.statements import DialectName, Row, Statement

T = TypeVar("T")

CONNECTIONS = 8
TRIES = 3
#: How long a request waits for a connection before it is told that nothing can be saved now.
PATIENCE_SECONDS = 3
#: How long to wait for what somebody else has locked.
BUSY_MILLISECONDS = 5_000
#: Readers of the log must see numbers in order. Whoever appends holds this lock until the commit:
#: without it, a reader of `seq > last` beside eight writers missed a third of the rows.
EVENTS_LOCK = 0x526F7365

_TRANSIENT = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_STORAGE_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.DiskFull,
    psycopg.errors.ReadOnlySqlTransaction,
    PoolTimeout,
)


class _PostgresTransaction(Transaction):
    __slots__ = ("_cursor",)
    dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any], caches: Caches, writable: bool) -> None:
        super().__init__(caches, writable)
        self._cursor = connection.cursor()

    def all(self, statement: Statement[Row], /, **parameters: Any) -> list[Row]:
        compiled = statement.for_dialect("postgresql")
        rows: Any = self._cursor.execute(compiled.sql, parameters).fetchall()
        return [compiled.to_row(row) for row in rows] if compiled.to_row else rows

    def run(self, statement: Statement[Any], /, **parameters: Any) -> int:
        self._cursor.execute(statement.for_dialect("postgresql").sql, parameters)
        return self._cursor.rowcount

    def run_many(self, statement: Statement[Any], rows: Sequence[dict[str, Any]], /) -> None:
        self._cursor.executemany(statement.for_dialect("postgresql").sql, rows)

    def script(self, sql: str) -> None:
        self._cursor.execute(sql.encode())

    def lock_events(self) -> None:
        self._cursor.execute("SELECT pg_advisory_xact_lock(%s)", (EVENTS_LOCK,))


def _be_patient(connection: psycopg.Connection[Any]) -> None:
    """Wait for a lock, and not for ever: then the caller is told to try again."""
    connection.execute(f"SET lock_timeout = {BUSY_MILLISECONDS}".encode())
    connection.commit()


class PostgresDatabase:
    """A PostgreSQL database. See `storage.database.Database` for what the methods promise."""

    dialect: DialectName = "postgresql"

    def __init__(self, dsn: str, connections: int = CONNECTIONS) -> None:
        self.told: int | None = None
        self.on_events: list[Callable[[], None]] = []
        self.commits = 0
        self.caches = Caches()
        self._guard = threading.Lock()
        self._local = threading.local()
        self._pool = ConnectionPool(
            dsn, min_size=1, max_size=connections, timeout=PATIENCE_SECONDS, open=True, configure=_be_patient
        )
        self._threads = ThreadPoolExecutor(connections, "postgresql")
        try:
            self._pool.wait(15)
        except PoolTimeout as error:
            self.close()
            raise Unavailable(
                "The PostgreSQL server does not answer; look at the setting `database`."
            ) from error

    def read_now(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            with self._pool.connection() as connection:
                connection.read_only = True
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                try:
                    return function(_PostgresTransaction(connection, self.caches, False), *args, **kwargs)
                finally:
                    connection.rollback()
        except _STORAGE_ERRORS as error:
            raise Unavailable from error

    async def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.read_now(function, *args, **kwargs))

    async def scan(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self.read(function, *args, **kwargs)

    def write_now(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return self._write(function, args, kwargs)[0]

    def _write(self, function: Callable[..., T], args: Any, kwargs: Any) -> tuple[T, bool]:
        """Run the command, again when PostgreSQL asks for it; also say whether it left work to do."""
        if getattr(self._local, "writing", False):
            raise Nested
        for attempt in range(TRIES):
            self._local.writing = True
            try:
                return self._write_once(function, args, kwargs)
            except _TRANSIENT as error:
                if attempt == TRIES - 1:
                    raise Unavailable from error
            except _STORAGE_ERRORS as error:
                raise Unavailable from error
            finally:
                self._local.writing = False
        raise Unavailable

    def _write_once(self, function: Callable[..., T], args: Any, kwargs: Any) -> tuple[T, bool]:
        with self._pool.connection() as connection:
            connection.read_only = False
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            tx = _PostgresTransaction(connection, self.caches, True)
            result = function(tx, *args, **kwargs)
            tx.close()
            connection.commit()
        with self._guard:
            self.commits += 1
        return result, tx.news

    async def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        result, news = await loop.run_in_executor(self._threads, self._write, function, args, kwargs)
        if news:
            for wake in self.on_events:
                wake()
        return result

    def close(self) -> None:
        self._threads.shutdown()
        self._pool.close()
