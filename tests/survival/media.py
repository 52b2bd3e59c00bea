"""What the tests of media stores share: stores that fail as they are told, and blobs."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from roseau.storage.blobs import FolderBlobs
from roseau.storage.stores import StoreAway
from roseau.storage.stores.folder import FolderStore

PATIENCE = 20.0


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


class Fickle(FolderStore):
    """A folder that is away while `away` is set, and takes nothing while `held` is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.away = False
        self.held = threading.Event()
        self.held.set()

    def _answer(self) -> None:
        if self.away:
            raise StoreAway(f"{self.name} does not answer.")

    def check(self) -> None:
        self._answer()
        super().check()

    def has(self, name: str) -> bool:
        self._answer()
        return super().has(name)

    def put(self, name: str, path: Path) -> None:
        self.held.wait(30)
        self._answer()
        super().put(name, path)

    def get(self, name: str, into: Path) -> None:
        self._answer()
        super().get(name, into)

    def names(self, prefix: str = "") -> Iterator[str]:
        self._answer()
        return super().names(prefix)

    def remove(self, name: str) -> None:
        self._answer()
        super().remove(name)


def spoil(place: FolderBlobs | FolderStore, name: str) -> Path:
    """Change one byte of a copy, as a failing disk does: size and time stay as they were."""
    path = FolderBlobs(place.folder).path_of(name)
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return path
