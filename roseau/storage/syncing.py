"""Seeing to it that what was written is on the disk and not only on its way there."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """See a file's bytes, or a folder's names, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
