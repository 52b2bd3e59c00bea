"""What a store still has to be told, kept as empty files beside the blobs, so that a restart finds it again.

A file for each blob that a store lacks (`NAME`) or should let go (`NAME.gone`). Usually there is none, so a
million blobs cost nothing here, and no commit carries what only this machine needs to know. What even these
files miss, the comparison of all names finds.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from roseau.storage.blobs import is_name

_GONE = ".gone"


class Debts:
    """What one store is owed."""

    def __init__(self, folder: Path, store: str) -> None:
        self._folder = folder / sha256(store.encode()).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)

    def owe(self, name: str) -> None:
        """It has to get this blob, whatever was said before."""
        (self._folder / name).touch()
        (self._folder / (name + _GONE)).unlink(missing_ok=True)

    def owe_removal(self, name: str) -> None:
        """It has to let go of this blob."""
        (self._folder / (name + _GONE)).touch()
        (self._folder / name).unlink(missing_ok=True)

    def settle(self, name: str) -> None:
        """It has this blob."""
        (self._folder / name).unlink(missing_ok=True)

    def settle_removal(self, name: str) -> None:
        """It has let go of this blob."""
        (self._folder / (name + _GONE)).unlink(missing_ok=True)

    def is_leaving(self, name: str) -> bool:
        """Whether it has still to let go of this blob, which was deleted."""
        return (self._folder / (name + _GONE)).exists()

    def lacks(self) -> Iterator[str]:
        """The blobs that it has to get."""
        return (path.name for path in self._folder.iterdir() if is_name(path.name))

    def keeps(self) -> Iterator[str]:
        """The blobs that it has to let go."""
        for path in self._folder.iterdir():
            if path.suffix == _GONE and is_name(path.stem):
                yield path.stem

    def forget(self) -> None:
        """The store is no longer one of this site's."""
        rmtree(self._folder, ignore_errors=True)
