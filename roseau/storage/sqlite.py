"""SQLite, through apsw: reads on the caller's thread, writes on one thread that groups commits.

The only SQLite in the process is apsw's own copy (two copies break each other's locks), and it must
be 3.51.3 or newer: 3.7.0 to 3.51.2 can corrupt the database when the WAL is reset.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from roseau.kernel.errors import RoseauError, Unavailable
from roseau.storage.checkpoints import Checkpointer
from roseau.storage.database import Caches, Nested, Transaction
from roseau.storage.statements import DialectName, Row, Statement
from roseau.storage.witness import Committed, Position, Witness

T = TypeVar("T")

OLDEST_SAFE = (3, 51, 3)
#: A group is closed after this many commands or milliseconds, so that nobody waits for a long queue.
GROUP_COMMANDS = 64
GROUP_SECONDS = 0.02
BUSY_MILLISECONDS = 5_000

_STORAGE_ERRORS = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
)


class UnsafeSQLite(RuntimeError):
    """The SQLite library is too old to be trusted with data."""


def check_library(version: str | None = None) -> None:
    """Refuse a SQLite that can lose data. Raises UnsafeSQLite."""
    found = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")[:3]) < OLDEST_SAFE:
        raise UnsafeSQLite(
            f"SQLite {found} can corrupt a database when its write-ahead log is reset; "
            "Roseau needs 3.51.3 or newer. Install the requirements again: they bring one along."
        )


class _SqliteTransaction(Transaction):
    __slots__ = ("_cursor",)
    dialect = "sqlite"

    def __init__(self, connection: apsw.Connection, caches: Caches, writable: bool) -> None:
        super().__init__(caches, writable)
        self._cursor = connection.cursor()

    def all(self, statement: Statement[Row], /, **parameters: Any) -> list[Row]:
        compiled = statement.for_dialect("sqlite")
        rows: Any = self._cursor.execute(compiled.sql, _bind(parameters)).fetchall()
        return [compiled.to_row(row) for row in rows] if compiled.to_row else rows

    def run(self, statement: Statement[Any], /, **parameters: Any) -> int:
        compiled = statement.for_dialect("sqlite")
        self._cursor.execute(compiled.sql, _bind(parameters))
        return int(self._cursor.connection.changes())

    def run_many(self, statement: Statement[Any], rows: Sequence[dict[str, Any]], /) -> None:
        self._cursor.executemany(statement.for_dialect("sqlite").sql, [_bind(row) for row in rows])

    def script(self, sql: str) -> None:
        self._cursor.execute(sql)

    def lock_events(self) -> None:
        # There is one writer, and numbers are given in the order of its commits.
        pass


def _bind(parameters: dict[str, Any]) -> dict[str, Any]:
    """Lists travel as JSON (`one_of` unpacks them); everything else as it is."""
    for name, value in parameters.items():
        if isinstance(value, list):
            parameters[name] = msgspec.json.encode(value).decode()
    return parameters


class _Command:
    """One call of `write`: the function, where its answer goes, and what came of it."""

    __slots__ = ("alone", "answer", "error", "function", "loop", "news", "result")

    def __init__(
        self,
        function: Callable[[Transaction], Any],
        answer: Any,
        loop: asyncio.AbstractEventLoop | None,
        alone: bool = False,
    ) -> None:
        self.function = function
        self.answer = answer
        self.loop = loop
        #: Answered without a witness.
        self.alone = alone
        self.result: Any = None
        self.error: BaseException | None = None
        self.news = False


class SqliteDatabase:
    """A database in one file. See `storage.database.Database` for what the methods promise."""

    dialect: DialectName = "sqlite"

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        check_library()
        self.path = path
        self._synchronous = synchronous
        self.on_events: list[Callable[[], None]] = []
        self.told: int | None = None
        self.commits = 0
        self._witness: Witness | None = None
        self._whole = False
        self.caches = Caches()
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._guard = threading.Lock()
        self._scanners = ThreadPoolExecutor(2, "scan")
        self._queue: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._checkpointer = Checkpointer(lambda: self.connect(writable=True))
        started = threading.Event()
        self._writer = threading.Thread(
            target=self._write_groups, args=(started,), name="writer", daemon=True
        )
        self._writer.start()
        started.wait()
        if self._failure:
            raise self._failure

    # Connections

    def connect(self, writable: bool) -> apsw.Connection:
        """A connection of one's own: backups and the shipping of the log use it."""
        flags = (
            apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if writable else apsw.SQLITE_OPEN_READWRITE
        )
        connection = apsw.Connection(str(self.path), flags=flags, statementcachesize=512)
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        if writable:
            connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", self._synchronous)
        connection.pragma("foreign_keys", True)
        connection.pragma("cache_size", -8_000)
        connection.pragma("temp_store", "memory")
        if not writable:
            connection.pragma("query_only", True)
        with self._guard:
            self._connections.append(connection)
        return connection

    def _reader(self) -> apsw.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect(writable=False)
        return connection

    # Reading

    def read_now(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            try:
                return function(_SqliteTransaction(connection, self.caches, False), *args, **kwargs)
            finally:
                connection.execute("ROLLBACK")
        except _STORAGE_ERRORS as error:
            raise Unavailable from error

    async def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        # Inline on purpose: a page takes well under a millisecond, less than a hop to another thread.
        return self.read_now(function, *args, **kwargs)

    async def scan(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scanners, lambda: self.read_now(function, *args, **kwargs))

    # Writing

    def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Command(lambda tx: function(tx, *args, **kwargs), answer, loop))
        return answer

    def write_now(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return self._write_now(lambda tx: function(tx, *args, **kwargs), alone=False)

    def write_alone(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """`write_now` for what survival itself has to write: admitted and answered without the witness."""
        return self._write_now(lambda tx: function(tx, *args, **kwargs), alone=True)

    def _write_now(self, function: Callable[[Transaction], T], alone: bool) -> T:
        if threading.current_thread() is self._writer:
            raise Nested
        answer: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._queue.put(_Command(function, answer, None, alone))
        command = answer.get()
        if command.error is not None:
            raise command.error
        return command.result  # type: ignore[no-any-return]

    def _write_groups(self, started: threading.Event) -> None:
        """The writer thread: take what waits, run it in one transaction, sync once, answer everyone."""
        try:
            connection = self.connect(writable=True)
            self._checkpointer.follow(connection)
            position = Position(connection)
        except (apsw.Error, OSError) as error:
            self._failure = error
            return
        finally:
            started.set()
        while (first := self._queue.get()) is not None:
            group, ended = [first], False
            try:
                if self._witness is not None and not first.alone:
                    self._witness.admit()
                connection.execute("BEGIN IMMEDIATE")
                position.begin()
                until = time.monotonic() + GROUP_SECONDS
                self._run_command(connection, first)
                while len(group) < GROUP_COMMANDS and time.monotonic() < until:
                    try:
                        command = self._queue.get_nowait()
                    except queue.Empty:
                        break
                    if command is None:
                        ended = True
                        break
                    group.append(command)
                    self._run_command(connection, command)
                self._commit(connection, position, group)
            except (apsw.Error, OSError, RoseauError) as error:
                self._abandon(connection, group, error)
                self._answer(group)
            if ended:
                break

    def _run_command(self, connection: apsw.Connection, command: _Command) -> None:
        """Run one command of a group in its own savepoint, so that its failure is its own."""
        connection.execute("SAVEPOINT command")
        tx = _SqliteTransaction(connection, self.caches, True)
        try:
            command.result = command.function(tx)
            tx.close()
            connection.execute("RELEASE command")
            command.news = tx.news
        except (apsw.FullError, apsw.IOError):
            # SQLite may have rolled the whole transaction back: no member of the group is saved.
            raise
        except BaseException as error:  # handed to the caller of write(), who meets it there
            connection.execute("ROLLBACK TO command")
            connection.execute("RELEASE command")
            command.error = Unavailable() if isinstance(error, _STORAGE_ERRORS) else error

    def _commit(self, connection: apsw.Connection, position: Position, group: list[_Command]) -> None:
        witness = self._witness
        last_event = 0
        if witness is not None and any(command.news for command in group):
            last_event = int(connection.execute("SELECT max(seq) FROM events").get or 0)
        stepped = position.step()
        connection.execute("COMMIT")
        self.commits += 1
        if witness is None:
            self._answer(group)
            return
        commit = None if stepped is None else Committed(*stepped, self._checkpointer.pages)
        if any(command.alone for command in group):
            witness.witness(commit, lambda error: None)
            self._answer(group)
        else:
            witness.witness(commit, partial(self._settle, group, last_event))

    def _settle(self, group: list[_Command], last_event: int, error: RoseauError | None) -> None:
        """The witness has spoken."""
        if error is None:
            self.told = max(self.told or 0, last_event)
        for command in group if error is not None else ():
            command.error, command.news = command.error or error, False
        self._answer(group)

    def _abandon(self, connection: apsw.Connection, group: list[_Command], error: BaseException) -> None:
        """The group could not be saved: nobody is told that it was."""
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for command in group:
            refusal = error if isinstance(error, RoseauError) else Unavailable()
            refusal.__cause__ = refusal.__cause__ or error if refusal is not error else None
            command.error, command.news = command.error or refusal, False

    def _answer(self, group: list[_Command]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[_Command]] = {}
        for command in group:
            if command.loop is None:
                command.answer.put(command)
            else:
                loops.setdefault(command.loop, []).append(command)
        for loop, commands in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._resolve, commands)

    def _resolve(self, commands: list[_Command]) -> None:
        """On the event loop: hand each caller its answer, then wake the readers of the log, once."""
        for command in commands:
            if command.answer.cancelled():
                continue
            if command.error is not None:
                command.answer.set_exception(command.error)
            else:
                command.answer.set_result(command.result)
        if any(command.news for command in commands):
            for wake in self.on_events:
                wake()

    # The log

    def attach(self, begin: Callable[[Transaction, int], Witness]) -> None:
        """From now on the log is kept whole, and commits are acknowledged by a witness.

        `begin` makes it, on the writer's thread, from an open transaction and the length of the log in pages.
        """
        looking = self.connect(writable=False)

        def start(tx: Transaction) -> None:
            pages, _ = looking.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
            self._checkpointer.pages = max(pages, 0)
            self._witness = begin(tx, self._checkpointer.pages)
            self.told = 0

        self.keep_whole()
        self.write_alone(start)

    def keep_whole(self) -> None:
        """Leave the write-ahead log where it is when the database is closed: others have its beginning."""
        self._whole = True

    def close(self) -> None:
        self._queue.put(None)
        self._writer.join()
        self._checkpointer.close()
        self._scanners.shutdown()
        with self._guard:
            for connection in self._connections:
                # Not when it was asked for: then others may be at work with their connections. Who has asked
                # for one of their own may have closed it.
                with suppress(apsw.ConnectionClosedError):
                    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(self._whole))
                connection.close()
            self._connections.clear()
