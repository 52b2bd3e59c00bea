"""The two ways into the database: `read()` and `write()`.

Both take a plain function whose first argument is a `Transaction`, run it in one transaction, and
return what it returns. What `write` has answered is on disk. SQLite (`storage/sqlite.py`) and
PostgreSQL (`storage/postgresql.py`) stand behind the same names.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from roseau.kernel import clock
from roseau.kernel.cache import Cache
from roseau.storage.events import Event, append_events
from roseau.storage.statements import DialectName, Statement

P = ParamSpec("P")
T = TypeVar("T")
Row = TypeVar("Row")


class Caches:
    """What the reads of one database keep, by kind."""

    SIZE = 4096

    def __init__(self) -> None:
        self._kinds: dict[str, Cache[Any, Any]] = {}

    def of(self, kind: str) -> Cache[Any, Any]:
        """The cache of one kind of thing."""
        cache = self._kinds.get(kind)
        return cache if cache is not None else self._kinds.setdefault(kind, Cache(self.SIZE))


class Transaction(ABC):
    """One open transaction; handed to every function that reads or writes. Commands never end it."""

    __slots__ = ("caches", "emitted", "memo", "news", "now", "writable")
    dialect: DialectName

    def __init__(self, caches: Caches, writable: bool) -> None:
        self.now = clock.now()
        self.emitted: list[Event] = []
        #: What one part of a command leaves for the next, such as the end of a chain it has just written.
        self.memo: dict[str, Any] = {}
        #: Whether the worker has something to do after the commit: an event or a job.
        self.news = False
        self.writable = writable
        self.caches = caches

    def cached(self, kind: str, key: Any) -> Any:
        """What was kept under this key, or None. A key must name one unchanging value (id and version)."""
        return self.caches.of(kind).get(key)

    def keep(self, kind: str, key: Any, value: Any) -> None:
        """Keep a value for later reads. A write keeps nothing: what it sees may yet be rolled back."""
        if not self.writable:
            self.caches.of(kind).put(key, value)

    @abstractmethod
    def all(self, statement: Statement[Row], /, **parameters: Any) -> list[Row]:
        """Every row."""

    @abstractmethod
    def run(self, statement: Statement[Any], /, **parameters: Any) -> int:
        """Change something; how many rows were changed."""

    @abstractmethod
    def run_many(self, statement: Statement[Any], rows: Sequence[dict[str, Any]], /) -> None:
        """The same change for each set of parameters."""

    @abstractmethod
    def script(self, sql: str) -> None:
        """Several statements of plain SQL, for migrations."""

    @abstractmethod
    def lock_events(self) -> None:
        """Make this transaction the only one that appends events until it ends."""

    def one(self, statement: Statement[Row], /, **parameters: Any) -> Row | None:
        """The first row, or None."""
        rows = self.all(statement, **parameters)
        return rows[0] if rows else None

    def value(self, statement: Statement[Any], /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        rows = self.all(statement, **parameters)
        return rows[0][0] if rows else None

    def values(self, statement: Statement[Any], /, **parameters: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.all(statement, **parameters)]

    def emit(self, event: Event) -> None:
        """Say what happened. Appended after everything else in this transaction, just before it commits."""
        self.emitted.append(event)
        self.news = True

    def close(self) -> None:
        """Append what was emitted; called by the database, once, before the commit."""
        if self.emitted:
            self.lock_events()
            append_events(self, self.emitted)


class Nested(RuntimeError):
    """A command asked for a transaction of its own; it has one, and would wait for itself for ever."""

    def __init__(self) -> None:
        super().__init__("a transaction was asked for inside a transaction: pass `tx` on instead")


class Database(Protocol):
    """What the doors see of a database."""

    dialect: DialectName
    #: The last event that may leave the process; None: every one may. Survival waits for its reeds here.
    told: int | None
    #: Called on the event loop after commits that left an event or a job.
    on_events: list[Callable[[], None]]

    def read(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run a short read in one consistent view."""
        ...

    def scan(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run a read that may take longer, in a thread of its own."""
        ...

    def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run a command; when it returns, its changes are on disk. If it raises, nothing was changed."""
        ...

    def read_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`read` for callers without an event loop (command line, tests)."""
        ...

    def write_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`write` for callers without an event loop."""
        ...

    def close(self) -> None:
        """Finish what waits and close every connection."""
        ...
