"""The archive that `roseau backup` writes: a gzipped tar of which every byte is accounted for.

`header.json` comes first and `manifest.json`, with the size and SHA-256 of every member, last. The file ends
with an empty gzip member whose comment is the SHA-256 of all bytes before it: to `tar` it is nothing, and
to `restore` the proof that nothing is missing and nothing was changed.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, cast

import msgspec

from roseau.storage.statements import DialectName

FORMAT = 1
#: Pictures do not get smaller, and the database does at once.
COMPRESSION = 2
PIECE = 1024 * 1024

HEADER, MANIFEST, DATABASE, TABLES = "header.json", "manifest.json", "database.db", "tables"
#: Folders of the data folder that are kept whole.
FOLDERS = ("media", "mail")
#: Files of the data folder that are kept where there are any.
FILES = ("machine.key", "roseau.toml")

_PART = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
#: A part cannot begin with a dot, so that no name leads out of the folder.
_NAME = re.compile(
    rf"(?:{HEADER}|{MANIFEST}|{DATABASE}|{'|'.join(FILES)}|{TABLES}/[a-z_]+|(?:{'|'.join(FOLDERS)})(?:/{_PART})+)\Z"
)


class WrongArchive(ValueError):
    """This cannot be restored; the message says why."""


class TableCopy(msgspec.Struct):
    """A table of PostgreSQL as it was copied, and its columns in order."""

    name: str
    columns: list[str]


class Header(msgspec.Struct):
    """What an archive says of itself before anything else."""

    format: int
    roseau: str
    created_at: int
    database: DialectName
    migrations: list[str]
    tables: list[TableCopy] = []
    sequences: dict[str, int] = {}


class Member(msgspec.Struct):
    """One member as the manifest knows it."""

    name: str
    size: int
    sha256: str


def may_be_member(name: str) -> bool:
    """Whether a path, relative to the data folder, can be in an archive."""
    return _NAME.match(name) is not None


def _to_seal(digest: str) -> bytes:
    """An empty gzip member with the digest as its comment (RFC 1952, section 2.3)."""
    return b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + f"sha256:{digest}".encode() + b"\0\x03\0" + bytes(8)


SEAL_BYTES = len(_to_seal("0" * 64))


class _Hashed(io.RawIOBase):
    """A stream that hashes what is written to it or read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Write and hash."""
        self.digest.update(data)
        return self.stream.write(data)

    def read(self, size: int = -1, /) -> bytes:
        """Read and hash."""
        data = self.stream.read(size)
        self.digest.update(data)
        return data


class Writer:
    """An archive that is being written to `stream`; finished when the block ends well."""

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        self._file = stream
        self._all = _Hashed(stream)
        self._gzip = gzip.GzipFile("", "wb", COMPRESSION, self._all, mtime=0)
        self._tar = tarfile.TarFile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)
        self._mtime = header.created_at // 1000
        self._members: list[Member] = []
        self.add_bytes(HEADER, msgspec.json.encode(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            # What failed has to be let go of while the stream is open, though nobody will read it.
            with suppress(OSError):
                self._tar.close()
                self._gzip.close()

    def add_file(self, name: str, path: Path) -> int:
        """Add a file as it is now; its size."""
        with path.open("rb") as source:
            return self._add(name, source, os.fstat(source.fileno()).st_size)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a member from memory."""
        self._add(name, io.BytesIO(data), len(data))

    def _add(self, name: str, source: IO[bytes], size: int) -> int:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, self._mtime
        hashed = _Hashed(source)
        self._tar.addfile(entry, hashed)
        self._members.append(Member(name, size, hashed.digest.hexdigest()))
        return size

    def _finish(self) -> None:
        """Write the manifest and the seal, and see both to the disk."""
        self.add_bytes(MANIFEST, msgspec.json.encode(self._members))
        self._tar.close()
        self._gzip.close()
        self._file.write(_to_seal(self._all.digest.hexdigest()))
        self._file.flush()
        os.fsync(self._file.fileno())


def verify(path: Path, progress: Callable[[int], None]) -> None:
    """Make sure that every byte is as it was written. Raises WrongArchive."""
    left = path.stat().st_size - SEAL_BYTES
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
            progress(len(piece))
        seal = stream.read()
    if left != 0 or not seal.startswith(_to_seal("")[:17]):
        raise WrongArchive(f"{path} is not a backup made by Roseau, or its end is missing.")
    if seal != _to_seal(digest.hexdigest()):
        raise WrongArchive(f"{path} was altered or damaged. Nothing was restored; use another backup.")


def unpack(path: Path, folder: Path, progress: Callable[[int], None]) -> Header:
    """Unpack a verified archive into an empty folder; its header. Raises WrongArchive."""
    try:
        with gzip.open(path) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            return _unpack(tar, folder, progress)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WrongArchive(f"{path} cannot be unpacked: {error}.") from error
    except msgspec.DecodeError as error:
        raise WrongArchive(f"{path} does not describe its content as Roseau does: {error}.") from error


def _unpack(tar: tarfile.TarFile, folder: Path, progress: Callable[[int], None]) -> Header:
    header: Header | None = None
    listed: list[Member] | None = None
    found: list[Member] = []
    for entry in tar:
        if listed is not None or not entry.isreg() or not may_be_member(entry.name):
            raise WrongArchive(f"The archive holds {entry.name!r}, which no backup of Roseau's does.")
        source = cast(IO[bytes], tar.extractfile(entry))
        if header is None:
            data = source.read()
            header = _check_header(entry, data)
            found.append(Member(HEADER, len(data), hashlib.sha256(data).hexdigest()))
        elif entry.name == MANIFEST:
            listed = msgspec.json.decode(source.read(), type=list[Member])
        else:
            found.append(_write(entry, source, folder))
            progress(entry.size)
    if header is None or listed is None or listed != found:
        raise WrongArchive("The archive does not hold what its manifest says.")
    return header


def _check_header(entry: tarfile.TarInfo, data: bytes) -> Header:
    if entry.name != HEADER:
        raise WrongArchive("The archive does not begin with a header.")
    # Only the number is sure to be where it is in every format there will be.
    written_as = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("format", msgspec.Raw(b"0"))
    if msgspec.json.decode(written_as, type=int) > FORMAT:
        raise WrongArchive("This backup was made by a newer Roseau. Update Roseau, then restore it.")
    header = msgspec.json.decode(data, type=Header)
    if not all(may_be_member(f"{TABLES}/{table.name}") for table in header.tables):
        raise WrongArchive("The archive names tables that no backup of Roseau's does.")
    return header


def _write(entry: tarfile.TarInfo, source: IO[bytes], folder: Path) -> Member:
    target = folder / entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    hashed = _Hashed(source)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongArchive(f"The archive holds {entry.name!r} twice.") from None
    with os.fdopen(descriptor, "wb") as written:
        while piece := hashed.read(PIECE):
            written.write(piece)
    return Member(entry.name, entry.size, hashed.digest.hexdigest())
