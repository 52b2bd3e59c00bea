"""Copying SQLite's write-ahead log back into the database, beside the writer rather than in its way.

SQLite would do it in the commit that makes the log too long, and whoever waits for that commit would wait
for two more syncs and thousands of pages. A passive checkpoint on another connection disturbs nobody.
"""

import logging
import threading
from collections.abc import Callable

import apsw

log = logging.getLogger("roseau.storage")

#: The log is copied back when it has this many pages (4 MB), as SQLite itself would.
PAGES = 1_000
#: When a flood of writes is ahead of that thread by so much (128 MB), the writer copies the rest itself.
TOO_MANY_PAGES = 32_000


class Checkpointer:
    """One thread that copies the log back whenever the writer says that it has grown."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._wanted = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._ended = False
        #: How long the log was after the last commit.
        self.pages = 0
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def follow(self, writer: apsw.Connection) -> None:
        """Watch over the log of this connection's commits, in place of SQLite's own checkpoints."""
        writer.wal_autocheckpoint(0)
        writer.set_wal_hook(self._grown)

    def _grown(self, writer: apsw.Connection, name: str, pages: int) -> int:
        self.pages = pages
        if pages >= TOO_MANY_PAGES:
            self._copy(writer)
        elif pages >= PAGES:
            self._wanted.set()
        return apsw.SQLITE_OK

    def _copy(self, connection: apsw.Connection) -> None:
        try:
            with self._one_at_a_time:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (apsw.BusyError, apsw.FullError, apsw.IOError) as error:
            # The log keeps everything; the next commit asks again.
            log.warning("checkpoint_failed error=%r", error)

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._ended:
                return
            connection = connection or self._connect()
            self._copy(connection)

    def close(self) -> None:
        """End the thread; its connection is closed with the others."""
        self._ended = True
        self._wanted.set()
        self._thread.join()
