"""The log of a site: every generation of its write-ahead log, as long as somebody may need it.

The primary's writer copies what it commits into `log/`; on a reed the file beside the database is the newest
generation itself, and is moved there when it is complete. `docs/survival.md` says what the names mean.
"""

import os
import re
import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from roseau.survival.reeds.wal import Header, end_of, read_header

_NAME = re.compile(r"(\d{16})-([0-9a-f]{16})\.wal\Z")
#: The ends of this many latest commits are known; what lies further back is sent up to the end of its file.
KNOWN_ENDS = 200_000
_PIECE = 1024 * 1024


class Place(NamedTuple):
    """A place in the log: a generation, by its salts, and an offset in it."""

    salts: str
    offset: int


class Dropped(LookupError):
    """The log does not reach back so far."""


@dataclass(slots=True)
class Segment:
    """One generation. `number_before` is the position before its first commit, `number` after its last."""

    path: Path
    salts: str
    number_before: int
    number: int
    size: int
    #: Where each known commit ends, and its number; both ascend.
    ends: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def add(self, end: int, number: int) -> None:
        """A commit has come."""
        self.size, self.number = end, number
        self.ends.append(end)
        self.numbers.append(number)
        if len(self.ends) > KNOWN_ENDS:
            del self.ends[: KNOWN_ENDS // 2], self.numbers[: KNOWN_ENDS // 2]

    def find_number(self, offset: int) -> int:
        """The last commit that ends at or before an offset; 0 when none is known to."""
        index = bisect_right(self.ends, offset)
        if index:
            return self.numbers[index - 1]
        return self.number if offset >= self.size else 0

    def find_end(self, number: int) -> int:
        """Where the last commit up to a number ends; 0 when that is not known."""
        index = bisect_right(self.numbers, number)
        return self.ends[index - 1] if index else 0


def name_of(number_before: int, salts: str) -> str:
    """The name of a generation's file."""
    return f"{number_before:016d}-{salts}.wal"


def list_files(folder: Path) -> list[tuple[int, str, Path]]:
    """The generations in a folder, oldest first: number before, salts, file."""
    found = [(_NAME.match(path.name), path) for path in folder.glob("*.wal")]
    return sorted((int(match[1]), match[2], path) for match, path in found if match)


class Log:
    """The generations of one site, in order; the last one grows. Safe for one writer and many readers."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder / "log"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._source = folder / "roseau.db-wal"
        self._limit = limit
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._holds: dict[str, int] = {}
        self._reading: int | None = None
        self._writing: int | None = None
        self._header: Header | None = None
        self.number = 0

    # Keeping it, on the primary

    def begin(self, number: int, pages: int) -> None:
        """Take over what is there: the database stands at `number`, its log has so many pages."""
        self.number = number
        header = self._look()
        files = list_files(self.folder)
        kept = [] if header is None else [entry for entry in files if entry[1] == header.salts]
        if pages and header is not None and kept and kept[-1] == files[-1]:
            before = kept[-1][0]
        else:
            # What came between is not proven to be there: older generations are of no use.
            before = number
            for _, _, path in files:
                path.unlink()
            files = []
        self._segments = _to_segments(files)
        if not pages or header is None:
            return
        end = end_of(header, pages)
        segment = Segment(self.folder / name_of(before, header.salts), header.salts, before, before, 0)
        self._segments = [known for known in self._segments if known.salts != header.salts] + [segment]
        self._open(segment, header)
        self._copy(segment, end)
        segment.add(end, number)

    def append(self, number: int, pages: int) -> None:
        """Copy the commit that was just made; on the writer's thread, before the next begins."""
        header = self._look()
        if header is None:
            raise OSError("the write-ahead log has vanished")
        if self._header is None or header.salts != self._header.salts:
            segment = Segment(
                self.folder / name_of(self.number, header.salts), header.salts, self.number, self.number, 0
            )
            self._open(segment, header)
            with self._lock:
                self._segments.append(segment)
        segment = self._segments[-1]
        end = end_of(header, pages)
        self._copy(segment, end)
        with self._lock:
            segment.add(end, number)
            self.number = number

    def _look(self) -> Header | None:
        if self._reading is None:
            try:
                self._reading = os.open(self._source, os.O_RDONLY)
            except FileNotFoundError:
                return None
        return read_header(self._reading)

    def _open(self, segment: Segment, header: Header) -> None:
        if self._writing is not None:
            os.close(self._writing)
        self._writing = os.open(segment.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._header = header

    def _copy(self, segment: Segment, end: int) -> None:
        if self._reading is None or self._writing is None:
            raise OSError("the log is closed")
        offset = segment.size
        while offset < end:
            data = os.pread(self._reading, min(_PIECE, end - offset), offset)
            if not data:
                raise OSError("the write-ahead log is shorter than its commits")
            offset += os.pwrite(self._writing, data, offset)

    # Reading it

    def adopt(self, segments: list[Segment], number: int) -> None:
        """Read the log of a reed, whose newest generation lies beside its database."""
        with self._lock:
            self._segments, self.number = segments, number

    def segments(self) -> list[Segment]:
        """Every generation there is, oldest first; the last one may still grow."""
        with self._lock:
            return list(self._segments)

    def end(self) -> Place | None:
        """Where the log ends now."""
        with self._lock:
            return Place(self._segments[-1].salts, self._segments[-1].size) if self._segments else None

    def after_base(self, number: int) -> Place | None:
        """Where to begin behind a base copy of that number; None when the next generation does."""
        with self._lock:
            for segment in reversed(self._segments):
                if segment.number_before <= number:
                    return Place(segment.salts, 0)
            if not self._segments:
                return None
        raise Dropped(f"the log does not reach back to {number}")

    def follow(self, place: Place | None, number: int) -> tuple[Segment, int, int] | None:
        """What comes behind a copy: a generation, from where, and up to where; None when nothing does.

        `place` is where that copy's own log ends, `number` its position. Raises Dropped.
        """
        with self._lock:
            for index, segment in enumerate(self._segments):
                if place is not None and segment.salts == place.salts and place.offset <= segment.size:
                    if place.offset < segment.size:
                        return segment, place.offset, segment.size
                    if index + 1 == len(self._segments):
                        return None
                    return self._segments[index + 1], 0, self._segments[index + 1].size
            if number == self.number:
                return None
            for segment in self._segments:
                if segment.number_before == number:
                    return segment, 0, segment.size
        raise Dropped(f"the log does not reach back to {number}")

    def bytes_behind(self, number: int) -> int:
        """How much of the log comes after a number, as far as is known."""
        with self._lock:
            behind = sum(segment.size for segment in self._segments if segment.number_before >= number)
            for segment in self._segments:
                if segment.number_before < number < segment.number:
                    behind += segment.size - segment.find_end(number)
            return behind

    # How long it is kept

    def hold(self, name: str, number: int | None) -> None:
        """What comes after `number` is still needed by somebody; None: nothing is any more."""
        with self._lock:
            if number is None:
                self._holds.pop(name, None)
            else:
                self._holds[name] = number

    def trim(self) -> None:
        """Delete the generations that nobody needs, and the oldest ones beyond the limit."""
        with self._lock:
            needed = min(self._holds.values(), default=self.number)
            total = sum(segment.size for segment in self._segments)
            while len(self._segments) > 1 and (self._segments[0].number <= needed or total > self._limit):
                oldest = self._segments.pop(0)
                total -= oldest.size
                oldest.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in (self._reading, self._writing):
            if descriptor is not None:
                os.close(descriptor)
        self._reading = self._writing = None


def _to_segments(files: list[tuple[int, str, Path]]) -> list[Segment]:
    """Finished generations as they lie there: each ends where the next begins."""
    ends = [number for number, _, _ in files[1:]]
    return [
        Segment(path, salts, before, end, path.stat().st_size)
        for (before, salts, path), end in zip(files[:-1], ends, strict=True)
    ]


def read_piece(segment: Segment, offset: int, limit: int) -> bytes:
    """Some bytes of a generation. Raises Dropped when its file was deleted meanwhile."""
    try:
        with segment.path.open("rb") as file:
            file.seek(offset)
            return file.read(limit)
    except FileNotFoundError:
        raise Dropped("the generation was dropped") from None
