"""The seam for survival: who has to have a commit before anybody is told of it.

And the row that every commit raises, by which each copy of the database says how far it has come.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple, Protocol

import apsw

from roseau.kernel import clock
from roseau.kernel.errors import RoseauError

Answer = Callable[[RoseauError | None], None]


class Committed(NamedTuple):
    """A commit: its number in the log, its random mark, and how long the write-ahead log is now, in pages."""

    number: int
    mark: str
    pages: int


class Witness(Protocol):
    """Sees every commit. Both methods are called on the writer's thread."""

    def admit(self) -> None:
        """Wait until a commit could be witnessed. Raises RoseauError when none can."""
        ...

    def witness(self, commit: Committed | None, answer: Answer) -> None:
        """Take the commit (None: the group changed nothing) and have `answer` called, from any thread, when
        it and all before it are where they have to be, or with the error that says they are not."""
        ...


class Position:
    """The row `log_position`, as the writer raises it."""

    def __init__(self, writer: apsw.Connection) -> None:
        self._writer = writer
        self._present = False
        self._changes = 0

    def begin(self) -> None:
        """A group begins."""
        self._changes = self._writer.total_changes()

    def step(self) -> tuple[int, str] | None:
        """Count the group, if it has changed anything: its number and mark."""
        if self._writer.total_changes() == self._changes or not self._is_present():
            return None
        mark = secrets.token_hex(8)
        row = self._writer.execute(
            "INSERT INTO log_position (id, epoch, number, mark, at) VALUES (1, 1, 1, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET number = number + 1, mark = excluded.mark, at = excluded.at"
            " RETURNING number",
            (mark, clock.now()),
        ).get
        return int(row), mark

    def _is_present(self) -> bool:
        # An older database gets the table from a migration, which is a commit like others.
        if not self._present:
            self._present = bool(
                self._writer.execute("SELECT count(*) FROM sqlite_master WHERE name = 'log_position'").get
            )
        return self._present
