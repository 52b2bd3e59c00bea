"""A database file and the write-ahead log beside it, written byte for byte and read through SQLite."""

import hashlib
import os
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from roseau.storage.syncing import sync
from roseau.survival.contract import Membership, Position, Reign
from roseau.survival.reeds.log import Place
from roseau.survival.reeds.wal import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    Header,
    NotALog,
    end_of,
    list_frames,
    parse_header,
    read_header,
)


class Misfit(ValueError):
    """What came does not go on where this copy ends."""


NOBODY = Membership(0, frozenset(), 0)


class Copy(NamedTuple):
    """How far the copy on disk has come, as SQLite reads it; all zero when there is none."""

    position: Position
    mark: str
    place: Place | None
    #: Where each epoch began, and who counts, as this copy knows it.
    history: tuple[Reign, ...] = ()
    membership: Membership = NOBODY


class Growing(msgspec.Struct):
    """Which generation the newest file is, and the position before it."""

    salts: str
    before: int


NOTHING = Copy(Position(0, 0), "", None)


class Files:
    """A database file, the log beside it, and what was written to it and not copied back yet."""

    def __init__(self, database: Path, copy: Copy) -> None:
        self.database = database
        self.wal_path = database.with_name(database.name + "-wal")
        self._growing_path = (
            database.with_name("growing.json")
            if database.parent.name == "base"
            else database.parent / "log" / "growing.json"
        )
        self._db = os.open(database, os.O_RDWR)
        self._wal = os.open(self.wal_path, os.O_RDWR | os.O_CREAT, 0o600)
        place = copy.place
        self.header: Header | None = read_header(self._wal) if place else None
        self.written = self.synced = place.offset if place else 0
        self._copied = HEADER_BYTES
        self._through = self._reached = copy.position.number
        self._closed = False
        self.growing = self._read_growing()

    @property
    def salts(self) -> str:
        """The generation that is being written; empty when none is."""
        return self.header.salts if self.header else ""

    @property
    def place(self) -> Place | None:
        """Where the synced log ends."""
        return Place(self.salts, self.synced) if self.header else None

    @property
    def waiting_bytes(self) -> int:
        """How much was synced and not copied back."""
        return self.synced - self._copied

    def _read_growing(self) -> Growing | None:
        with suppress(FileNotFoundError, msgspec.DecodeError):
            growing = msgspec.json.decode(self._growing_path.read_bytes(), type=Growing)
            return growing if growing.salts == self.salts else None
        return None

    def begin(self, header: Header, before: int) -> None:
        """The next generation begins, in a file of its own."""
        os.close(self._wal)
        self._wal = os.open(self.wal_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.header, self.written, self.synced, self._copied = header, 0, 0, HEADER_BYTES
        self.growing = Growing(header.salts, before)
        self._growing_path.write_bytes(msgspec.json.encode(self.growing))
        sync(self.wal_path.parent)

    def write(self, salts: str, offset: int, through: int, data: bytes) -> None:
        """Bytes at the end of the generation."""
        if salts != self.salts or offset != self.written:
            raise Misfit(f"bytes for {salts}:{offset} came where {self.salts}:{self.written} was next")
        while data:
            done = os.pwrite(self._wal, data, self.written)
            self.written += done
            data = data[done:]
        self._through = max(self._through, through)

    def sync(self) -> int:
        """To the disk; up to which number."""
        try:
            os.fdatasync(self._wal)
        except OSError:
            # What the system failed to write it may have forgotten: it has to come again.
            os.ftruncate(self._wal, self.synced)
            self.written, self._through = self.synced, self._reached
            raise
        self.synced, self._reached = self.written, self._through
        return self._through

    def copy_back(self) -> None:
        """Pages of whole commits go into the database; the newest of each is enough."""
        if self.header is None:
            return
        size = self.header.page_size
        newest: dict[int, int] = {}
        upto: dict[int, int] = {}
        for frame in list_frames(self._wal, self.header, self._copied, self.synced):
            upto[frame.page] = frame.offset
            if frame.pages:
                newest.update(upto)
                upto.clear()
                self._copied = frame.offset + FRAME_HEADER_BYTES + size
        for page, offset in sorted(newest.items()):
            os.pwrite(self._db, os.pread(self._wal, size, offset + FRAME_HEADER_BYTES), (page - 1) * size)

    def finish(self) -> tuple[str, int | None] | None:
        """Everything of this generation is in the database, on disk; its salts and the number before it."""
        if self.header is None:
            return None
        self.sync()
        self.copy_back()
        os.fsync(self._db)
        return self.salts, self.growing.before if self.growing else None

    def close(self) -> None:
        """Let go of the files."""
        if not self._closed:
            self._closed = True
            os.close(self._db)
            os.close(self._wal)


def read_copy(database: Path) -> Copy:
    """How far a database has come, with what of its log is valid. NOTHING when it cannot be read."""
    if not database.exists():
        return NOTHING
    wal = database.with_name(database.name + "-wal")
    try:
        with closing(open_reading(database)) as connection:
            row: Any = connection.execute("SELECT epoch, number, mark FROM log_position").fetchone()
            reigns: Any = connection.execute(
                "SELECT epoch, after_number, needed, members FROM epochs ORDER BY epoch"
            ).fetchall()
            frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        place = None
        if frames > 0:
            header = parse_header(_head(wal))
            place = Place(header.salts, end_of(header, frames))
    except (apsw.Error, NotALog, OSError):
        return NOTHING
    if row is None:
        return NOTHING
    history = tuple(Reign(int(epoch), int(after)) for epoch, after, _, _ in reigns)
    membership = NOBODY
    if reigns:
        epoch, _, needed, members = reigns[-1]
        membership = Membership(
            int(epoch), frozenset(msgspec.json.decode(members, type=list[str])), int(needed)
        )
    return Copy(Position(int(row[0]), int(row[1])), str(row[2]), place, history, membership)


def open_reading(database: Path) -> apsw.Connection:
    """A connection that leaves the log as it is when it is closed."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return connection


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER_BYTES)


def digest_of(path: Path, nonce: str, start: int, end: int) -> str:
    """The SHA-256 of a nonce and a stretch of a file; empty when the file is gone or shorter."""
    digest = hashlib.sha256(nonce.encode())
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
    except FileNotFoundError:
        return ""
    if len(data) < end - start:
        return ""
    digest.update(data)
    return digest.hexdigest()
