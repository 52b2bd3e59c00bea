"""How much room a site takes on its machine, and how much is left."""

import asyncio
import os
import shutil
from pathlib import Path

from roseau.storage.database import Database, Transaction
from roseau.storage.statements import statements
from roseau.survival.watching.days import Sizes

_database_size = statements(
    sqlite="SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    postgresql="SELECT pg_database_size(current_database())",
)


async def measure(database: Database, folder: Path) -> Sizes:
    """Walk through the data folder, in a thread: with many pictures this takes seconds."""
    size = await database.read(_size_of_database)
    media, log = await asyncio.to_thread(lambda: (_size_of(folder / "media"), _size_of(folder / "log")))
    # The write-ahead log beside the database is a log too.
    wal = folder / "roseau.db-wal"
    log += wal.stat().st_size if wal.exists() else 0
    return Sizes(media, size, log, shutil.disk_usage(folder).free)


def _size_of_database(tx: Transaction) -> int:
    return int(tx.value(_database_size))


def _size_of(folder: Path) -> int:
    """What the files below a folder take on the disk; what vanishes meanwhile is not counted."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return total
