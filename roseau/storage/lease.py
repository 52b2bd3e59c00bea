"""One writer per data folder: a lock that the running server holds, and lets go of when it dies."""

import fcntl
import os
from pathlib import Path
from typing import IO


class InUse(RuntimeError):
    """Another process works on this data folder."""


def take_lease(folder: Path) -> IO[str]:
    """Hold the folder until the returned file is closed or the process ends. Raises InUse."""
    handle = (folder / "roseau.lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise InUse(f"Another Roseau is at work on {folder}.") from None
    handle.seek(0)
    handle.truncate()
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle
