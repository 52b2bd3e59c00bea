"""A store in any folder, such as a disk that is mounted there; laid out as the data folder's own media."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from roseau.kernel import clock
from roseau.settings import WrongSetting
from roseau.storage.blobs import FolderBlobs
from roseau.storage.stores import Missing, StoreAway

MARK = ".roseau-media"


def open_address(address: str, memory: Path | None) -> "FolderStore":
    """The store in this folder. Raises WrongSetting."""
    if not Path(address).is_absolute():
        raise WrongSetting(f"media_stores: {address!r} has to begin with a slash, or with s3://.")
    return FolderStore(Path(address), memory)


class FolderStore:
    """Blobs in a folder that may go away, as a disk that is not mounted does.

    Where a disk was, there is an empty folder on another one, and nobody wants the pictures there. So a file
    marks the folder when it is first used, and with `memory` that is remembered on this side: a folder that
    was used before and has no mark is away.
    """

    def __init__(self, folder: Path, memory: Path | None = None) -> None:
        self.name = str(folder)
        self.folder = folder
        self._memory = memory and memory / f"{sha256(self.name.encode()).hexdigest()[:16]}.known"

    def check(self) -> None:
        """See that it can be written, and clear away what was broken off. Raises StoreAway."""
        with self._opened() as blobs:
            blobs.clear_remains(clock.now() - clock.DAY)
            waiting = blobs.incoming / secrets.token_hex(16)
            waiting.write_bytes(b"here")
            waiting.unlink()

    def has(self, name: str) -> bool:
        """Whether there is a file under this name."""
        with self._opened() as blobs:
            return blobs.has(name)

    def put(self, name: str, path: Path) -> None:
        """Copy a file here; it is on disk when this returns. A wrong copy makes room for it."""
        with self._opened() as blobs:
            waiting = blobs.incoming / secrets.token_hex(16)
            try:
                shutil.copyfile(path, waiting)
                blobs.take_over(waiting, name)
            finally:
                waiting.unlink(missing_ok=True)

    def get(self, name: str, into: Path) -> None:
        """Copy a file from here. Raises Missing."""
        with self._opened() as blobs:
            source = blobs.path_of(name)
            if not source.is_file():
                raise Missing(name)
            shutil.copyfile(source, into)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of all that is kept here."""
        with self._opened() as blobs:
            yield from blobs.names(prefix)

    def remove(self, name: str) -> None:
        """Delete the file."""
        with self._opened() as blobs:
            blobs.remove(name)

    @contextmanager
    def _opened(self) -> Iterator[FolderBlobs]:
        try:
            self._find_mark()
            yield FolderBlobs(self.folder)
        except OSError as error:
            raise StoreAway(f"{self.name} cannot be used: {error.strerror or error}.") from error

    def _find_mark(self) -> None:
        mark = self.folder / MARK
        if mark.is_file():
            self._remember()
            return
        if self._memory and self._memory.exists():
            raise StoreAway(
                f"{self.name} is not the folder it was: is its disk mounted? "
                f"If it is to begin anew, empty, delete {self._memory}."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
        self._remember()

    def _remember(self) -> None:
        if self._memory and not self._memory.exists():
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            self._memory.touch()
