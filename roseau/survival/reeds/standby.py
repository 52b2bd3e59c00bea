"""The files of a reed: the log as it comes, byte for byte, and the database that follows it.

At each moment they are a database that SQLite opens. Nothing here is safe for two threads at once; the reed
does all of it on one.
"""

import hashlib
import os
import shutil
from pathlib import Path

from roseau.storage.syncing import sync
from roseau.survival.contract import Position
from roseau.survival.reeds.files import NOTHING, Copy, Files, Misfit, digest_of, read_copy
from roseau.survival.reeds.log import Log, Segment, list_files, name_of
from roseau.survival.reeds.wal import NotALog, parse_header

#: Synced pages are copied back into the database when there are so many bytes of them.
COPY_BACK_BYTES = 16 * 1024 * 1024
#: So much room is left free, for the database itself to grow into when it is opened.
SPARE_BYTES = 16 * 1024 * 1024


class Standby:
    """The copy of a site in one data folder."""

    def __init__(self, folder: Path, log_limit: int) -> None:
        self.folder = folder
        self.database = folder / "roseau.db"
        self._base = folder / "base"
        self._log_folder = folder / "log"
        self._log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log = Log(folder, log_limit)
        # Other reeds may be behind this one when it is promoted: everything is kept, up to the limit.
        self.log.hold("others", 0)
        self._into: Files | None = None
        self._staged = 0
        self._hash = hashlib.sha256()
        self._receiving: int | None = None
        self._finish_swap()
        self.copy = NOTHING
        self.reread()

    # Where it stands

    def reread(self) -> Copy:
        """Look at the files through SQLite; a base copy that was not whole is dropped."""
        self._abandon_base()
        self.close()
        self.copy = read_copy(self.database)
        if self.copy is not NOTHING:
            self._into = Files(self.database, self.copy)
            # SQLite reads what the system has in memory; what this copy claims has to be on the disk.
            self._into.sync()
        self._tell_log()
        return self.copy

    @property
    def number(self) -> int:
        """The last commit on disk; 0 while a base copy is on its way, for what is here may have diverged."""
        return 0 if self._staged else self.copy.position.number

    def _tell_log(self) -> None:
        files, number = list_files(self._log_folder), self.number
        ends = [before for before, _, _ in files[1:]]
        growing = self._into.growing if self._into else None
        if files:
            ends.append(growing.before if growing else number)
        segments = [
            Segment(path, salts, before, end, path.stat().st_size)
            for (before, salts, path), end in zip(files, ends, strict=True)
        ]
        if growing is not None and self._into is not None:
            path, size = self._into.wal_path, self._into.synced
            segments.append(Segment(path, growing.salts, growing.before, number, size, [size], [number]))
        self.log.adopt(segments, number)

    # The log

    def write(self, salts: str, before: int, offset: int, through: int, data: bytes) -> None:
        """Take bytes of the log; on disk after `sync`. Raises Misfit, OSError."""
        if self._into is None:
            raise Misfit("there is no copy here that the log could go on from")
        if shutil.disk_usage(self.folder).free < len(data) + SPARE_BYTES:
            raise OSError(28, "no space left for the log")
        if offset == 0 and self._into.salts != salts:
            # What came before the generation ended may still be under way to the disk.
            self.sync()
            if not self._staged and before != self.number and self._into.salts:
                raise Misfit("a generation begins elsewhere than where this copy ends")
            self._next_generation(self._into, before, data)
        self._into.write(salts, offset, through, data)

    def sync(self) -> int:
        """See what was written to the disk; the number up to which this copy is whole. Raises OSError."""
        if self._into is None or self._receiving is not None:
            # Nothing of a log can come while a base copy does.
            return 0
        through = self._into.sync()
        if self._staged:
            if through < self._staged:
                return 0
            self._swap()
        if through > self.number:
            position = Position(self.copy.position.epoch, through)
            self.copy = self.copy._replace(position=position, mark="", place=self._into.place)
        return self.number

    @property
    def waits_to_copy(self) -> bool:
        """Whether so many pages are synced that `copy_back` is worth its while."""
        into = self._into
        return into is not None and not self._staged and into.waiting_bytes >= COPY_BACK_BYTES

    def copy_back(self) -> None:
        """Copy synced pages into the database."""
        if self._into is not None and not self._staged:
            self._into.copy_back()

    def _next_generation(self, files: Files, before: int, data: bytes) -> None:
        try:
            header = parse_header(data)
        except NotALog as error:
            raise Misfit(f"what came as a generation is none: {error}") from error
        finished = files.finish()
        if finished is not None:
            salts, number_before = finished
            if number_before is None or self._staged:
                files.wal_path.unlink(missing_ok=True)
            else:
                files.wal_path.rename(self._log_folder / name_of(number_before, salts))
        files.begin(header, before)
        if not self._staged:
            self._tell_log()
            self.log.trim()

    # Base copies

    def begin_base(self, number: int, size: int) -> None:
        """A base copy comes; it replaces what is here when it is whole. Raises OSError."""
        self._abandon_base()
        if shutil.disk_usage(self.folder).free < size + SPARE_BYTES:
            raise OSError(28, "no space left for a base copy")
        self._base.mkdir(mode=0o700)
        self._staged = number
        self._hash = hashlib.sha256()
        self._receiving = os.open(self._base / "roseau.db", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def add_base(self, piece: bytes) -> None:
        """The next piece of it. Raises Misfit, OSError."""
        if self._receiving is None:
            raise Misfit("a piece of a base copy came, and there is none")
        self._hash.update(piece)
        while piece:
            piece = piece[os.write(self._receiving, piece) :]

    def end_base(self, sha256: str, follows: bool) -> None:
        """It is whole. Raises Misfit when it is not what was sent."""
        if self._receiving is None:
            raise Misfit("a base copy ended that had not begun")
        os.fsync(self._receiving)
        os.close(self._receiving)
        self._receiving = None
        if self._hash.hexdigest() != sha256:
            self._abandon_base()
            raise Misfit("the base copy was altered on its way")
        copy = read_copy(self._base / "roseau.db")
        if copy.position.number != self._staged:
            raise Misfit("the base copy is of another position than was said")
        if self._into is not None:
            self._into.close()
        self._into = Files(self._base / "roseau.db", NOTHING)
        if not follows:
            self._swap()

    def _swap(self) -> None:
        """Put the base copy, with the log that was laid over it, in place of what was here."""
        staged = self._into
        if staged is not None:
            staged.close()
        sync(self._base / "roseau.db")
        for name in ("roseau.db-wal", "growing.json"):
            if (self._base / name).exists():
                sync(self._base / name)
        (self._base / "ready").touch()
        sync(self._base)
        self._finish_swap()
        self._staged = 0
        self.copy = read_copy(self.database)
        self._into = Files(self.database, self.copy)
        if staged is not None and self._into.header is not None:
            # Behind the last whole commit there may be the beginning of the next.
            self._into.written, self._into.synced = staged.written, staged.synced
        self._tell_log()

    def _finish_swap(self) -> None:
        """Go on with a swap that was decided; whatever happens in between, it ends the same."""
        if not (self._base / "ready").exists():
            self._abandon_base()
            return
        if (self._base / "roseau.db").exists():
            for suffix in ("-wal", "-shm"):
                (self.folder / f"roseau.db{suffix}").unlink(missing_ok=True)
            shutil.rmtree(self._log_folder, ignore_errors=True)
            self._log_folder.mkdir(mode=0o700)
            sync(self.folder)
        # The log first: a database without its log would pass for whole.
        for name, target in (
            ("growing.json", self._log_folder / "growing.json"),
            ("roseau.db-wal", self.folder / "roseau.db-wal"),
            ("roseau.db", self.database),
        ):
            if (self._base / name).exists():
                (self._base / name).rename(target)
        sync(self._log_folder)
        sync(self.folder)
        shutil.rmtree(self._base)

    def _abandon_base(self) -> None:
        if self._receiving is not None:
            os.close(self._receiving)
            self._receiving = None
        self._staged = 0
        if not (self._base / "ready").exists():
            shutil.rmtree(self._base, ignore_errors=True)

    # Looking at it

    def prove(self, nonce: str, salts: str, start: int, end: int) -> str:
        """The digest of a nonce and some stored bytes; empty when they are not here any more."""
        for segment in self.log.segments():
            size = self._into.synced if self._into and segment.path == self._into.wal_path else segment.size
            if segment.salts == salts and 0 <= start <= end <= size:
                return digest_of(segment.path, nonce, start, end)
        return ""

    def close(self) -> None:
        """Let go of the files; they can be opened as a database now."""
        if self._into is not None:
            self._into.close()
        self._into = None
