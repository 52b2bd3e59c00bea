"""Reading a site's database from a second process, beside a server that writes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import apsw

from roseau.kernel.errors import Unavailable
from roseau.storage.database import Caches, Transaction
from roseau.storage.sqlite import _STORAGE_ERRORS, BUSY_MILLISECONDS, _SqliteTransaction, check_library
from roseau.storage.statements import DialectName

P = ParamSpec("P")
T = TypeVar("T")


class Readable(Protocol):
    """What a process that only reads sees of a database."""

    dialect: DialectName

    def read_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a read in one consistent view."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class SqliteReader:
    """A database file of somebody else's. It is never written, and its log is left as it is."""

    dialect: DialectName = "sqlite"

    def __init__(self, path: Path) -> None:
        check_library()
        # Not SQLITE_OPEN_READONLY: whoever reads a log may have to make its index.
        self._connection = apsw.Connection(
            str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=128
        )
        self._connection.set_busy_timeout(BUSY_MILLISECONDS)
        self._connection.pragma("query_only", True)
        self._connection.pragma("temp_store", "memory")
        # Only the writer copies the log into the database, and says to its reeds where it was.
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._caches = Caches()

    def read_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a read in one consistent view. Raises Unavailable."""
        try:
            self._connection.execute("BEGIN")
            try:
                transaction: Any = _SqliteTransaction(self._connection, self._caches, False)
                return function(transaction, *args, **kwargs)
            finally:
                self._connection.execute("ROLLBACK")
        except _STORAGE_ERRORS as error:
            raise Unavailable from error

    def write_now(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Never: whatever has to be settled first is the server's to settle. Raises Unavailable."""
        raise Unavailable("This database was never opened by its server. Start `roseau serve` once.")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
