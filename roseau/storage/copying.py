"""A copy of a SQLite database, of one moment, beside whoever writes."""

from collections.abc import Callable
from pathlib import Path

import apsw

from roseau.storage.sqlite import check_library

PAGES = 2_000


def copy_sqlite(
    source: Path, target: Path, progress: Callable[[int, int], None], pages: int = PAGES
) -> list[str]:
    """Copy the database file; the names of its migrations. `progress` hears of pages done and of all."""
    check_library()
    reader = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    writer = apsw.Connection(str(target))
    try:
        # The log belongs to the server: this connection, should it be the last, copies nothing back.
        reader.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        reader.set_busy_timeout(10_000)
        reader.pragma("query_only", True)
        # An open read keeps the moment. Without it the copy would begin anew with every commit of the server.
        reader.execute("BEGIN")
        migrations = [
            str(name) for (name,) in reader.execute("SELECT name FROM schema_migrations ORDER BY name")
        ]
        with writer.backup("main", reader, "main") as copy:
            while not copy.done:
                copy.step(pages)
                progress(copy.page_count - copy.remaining, copy.page_count)
        reader.execute("ROLLBACK")
    finally:
        writer.close()
        reader.close()
    return migrations


def fold_log(path: Path) -> None:
    """Copy the log that lies beside a database into it, and empty the log. Nobody else may have it open."""
    connection = apsw.Connection(str(path))
    try:
        # A connection knows of the log only once it has read.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        connection.pragma("synchronous", "OFF")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        connection.close()


def look_through(path: Path) -> list[str]:
    """Have SQLite look through a database; what it finds wrong, nothing when all is well."""
    connection = apsw.Connection(str(path))
    try:
        found = [str(line) for (line,) in connection.execute("PRAGMA quick_check(3)")]
    finally:
        connection.close()
    return [] if found == ["ok"] else found
