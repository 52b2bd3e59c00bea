"""Where a vault's objects lie: the few things that a folder and a bucket have in common.

`open_shelf(address)` opens either. A bucket's library is read only when there is a bucket.
"""

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from roseau.storage.syncing import sync
from roseau.survival.vault.names import Item

READ = 1024 * 1024
_REMAINS_SECONDS = 24 * 3600


class ShelfAway(Exception):
    """The vault cannot be reached or used now; the message says why."""


class Missing(LookupError):
    """There is no such object in the vault."""


class Shelf(Protocol):
    """A store of named objects. Called in threads; every method may raise ShelfAway."""

    #: Where it is, without anything secret.
    place: str

    def put(self, name: str, content: Iterable[bytes]) -> int:
        """Store an object, whole and for good when this returns, or not at all; its size."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of an object. Raises Missing."""
        ...

    def list(self, prefix: str = "") -> Iterator[Item]:
        """Every object whose name begins with that folder, which is empty or ends with a slash."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        ...


class FolderShelf:
    """A vault in a folder: another disk, a mounted share, something that is carried away."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder
        self._cleared = False

    def put(self, name: str, content: Iterable[bytes]) -> int:
        """Store an object."""
        target = self._folder / name
        waiting = self._folder / ".incoming" / secrets.token_hex(16)
        try:
            # The folder itself is made by hand or by `vault init`: an unmounted disk is not written under.
            self._folder.stat()
            waiting.parent.mkdir(mode=0o700, exist_ok=True)
            self._clear_remains(waiting.parent)
            try:
                size = _write(waiting, content)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                waiting.replace(target)
            finally:
                waiting.unlink(missing_ok=True)
            sync(target.parent)
        except OSError as error:
            raise self._away(error) from error
        return size

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of an object."""
        try:
            with (self._folder / name).open("rb") as source:
                while piece := source.read(READ):
                    yield piece
        except FileNotFoundError as error:
            raise Missing(name) from error
        except OSError as error:
            raise self._away(error) from error

    def list(self, prefix: str = "") -> Iterator[Item]:
        """Every object under a folder."""
        try:
            self._folder.stat()
            for place, folders, files in os.walk(self._folder / prefix):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for file in sorted(files):
                    path = Path(place, file)
                    found = path.stat()
                    name = path.relative_to(self._folder).as_posix()
                    yield Item(name, found.st_size, found.st_mtime_ns // 1_000_000)
        except OSError as error:
            raise self._away(error) from error

    def delete(self, name: str) -> None:
        """Remove an object, and folders that are empty then."""
        path = self._folder / name
        try:
            path.unlink()
            for folder in path.relative_to(self._folder).parents[:-1]:
                if any((self._folder / folder).iterdir()):
                    break
                (self._folder / folder).rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._away(error) from error

    def _clear_remains(self, incoming: Path) -> None:
        """What a process that died has left, once in a shelf's life."""
        if self._cleared:
            return
        self._cleared = True
        for path in incoming.iterdir():
            if path.stat().st_mtime < time.time() - _REMAINS_SECONDS:
                path.unlink(missing_ok=True)

    def _away(self, error: OSError) -> ShelfAway:
        return ShelfAway(f"{error.filename or self._folder}: {error.strerror or error}")


def _write(path: Path, content: Iterable[bytes]) -> int:
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        for piece in content:
            size += written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    return size


def open_shelf(address: str) -> Shelf:
    """The vault at an address: a folder, or `s3://KEY:SECRET@bucket/prefix?endpoint=…`. Raises ShelfAway."""
    if not address.startswith("s3:"):
        return FolderShelf(Path(address))
    shelf: Shelf = import_module("roseau.survival.vault.bucket").BucketShelf(address)
    return shelf


def place_of(address: str) -> str:
    """An address as it may be shown: without keys and questions."""
    if not address.startswith("s3:"):
        return address
    parts = urlsplit(address)
    return f"s3://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
