"""Blobs: files named by the SHA-256 of their bytes, in a folder. Written whole or not at all."""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from roseau.kernel.errors import Unavailable
from roseau.storage.syncing import sync

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}\Z")
_DIGEST = 64
#: What a copy that is not what its name says is called from then on; nobody takes it for a blob any more.
WRONG = ".wrong"


class FolderBlobs:
    """Blobs in a local folder, two levels deep: `ab/cd/abcd….jpg`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path_of(self, name: str) -> Path:
        """Where the blob lies. Raises ValueError for anything that is not the name of a blob."""
        if not _NAME.match(name):
            raise ValueError(f"not the name of a blob: {name!r}")
        return self.folder / name[:2] / name[2:4] / name

    def put_file(self, source: Path, extension: str) -> str:
        """Take a file over; it is on disk under its name when this returns, and `source` is gone."""
        name = f"{hash_file(source)}.{extension}"
        try:
            self.take_over(source, name)
        except OSError as error:
            raise Unavailable(
                "This server cannot save files at the moment. Try again in a minute."
            ) from error
        return name

    def take_over(self, source: Path, name: str) -> None:
        """Give a file whose bytes are those of the name its place; a wrong copy that is there is set aside.

        Raises OSError.
        """
        target = self.path_of(name)
        # Touched before it is looked at: from then on the sweep leaves it alone.
        if _touch(target):
            if is_right(target):
                source.unlink()
                return
            set_aside(target)
        made = not target.parent.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as handle:
            os.fsync(handle.fileno())
        # A file made elsewhere may lie on another file system, where it cannot simply be renamed.
        waiting = self.incoming / secrets.token_hex(16)
        shutil.move(source, waiting)
        waiting.chmod(0o644)
        waiting.replace(target)
        for folder in (target.parent, *((target.parent.parent, self.folder) if made else ())):
            sync(folder)

    def put_bytes(self, data: bytes, extension: str) -> str:
        """The same for bytes in memory."""
        waiting = self.incoming / secrets.token_hex(16)
        try:
            waiting.write_bytes(data)
        except OSError as error:
            waiting.unlink(missing_ok=True)
            raise Unavailable(
                "This server cannot save files at the moment. Try again in a minute."
            ) from error
        return self.put_file(waiting, extension)

    def has(self, name: str) -> bool:
        """Whether there is a file under this name."""
        return self.path_of(name).is_file()

    def names(self, prefix: str = "") -> Iterator[str]:
        """The name of every blob, or of those that begin with one or two digits; in order."""
        for folder in sorted(self.folder.glob(f"{prefix:?<2}/??")):
            yield from sorted(path.name for path in folder.iterdir() if _NAME.match(path.name))

    def list_older(self, prefix: str, before: int) -> set[str]:
        """The names that begin with one or two digits and were last put before a moment (milliseconds)."""
        return {
            path.name
            for path in self.folder.glob(f"{prefix:?<2}/??/*")
            if _NAME.match(path.name) and path.stat().st_mtime * 1000 < before
        }

    def remove_older(self, name: str, before: int) -> bool:
        """Delete the blob, unless somebody has put it again since that moment (milliseconds)."""
        path, aside = self.path_of(name), self.incoming / f"{name}.aside"
        try:
            # Whoever puts the same bytes now either touched the file before, and it is seen here, or finds
            # none in its place and puts its own.
            path.replace(aside)
        except FileNotFoundError:
            return False
        if aside.stat().st_mtime * 1000 >= before:
            aside.replace(path)
            return False
        aside.unlink()
        return True

    def clear_remains(self, before: int) -> None:
        """Delete what unfinished work left behind before that moment (milliseconds)."""
        for path in self.incoming.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime * 1000 < before:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def remove(self, name: str) -> None:
        """Delete the blob; nothing happens when it is not there."""
        self.path_of(name).unlink(missing_ok=True)


def is_name(text: str) -> bool:
    """Whether this can be the name of a blob."""
    return _NAME.match(text) is not None


def is_right(path: Path, name: str = "") -> bool:
    """Whether the bytes of a file are those that its name says. False when there is no file."""
    try:
        return hash_file(path) == (name or path.name)[:_DIGEST]
    except FileNotFoundError:
        return False


def set_aside(path: Path) -> None:
    """Keep a wrong copy under another name, for whoever wants to know what became of it."""
    with suppress(FileNotFoundError):
        path.replace(path.with_name(path.name + WRONG))


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _touch(path: Path) -> bool:
    """Mark the file as put just now; False when there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
