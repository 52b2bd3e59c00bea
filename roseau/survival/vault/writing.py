"""Writing one volume of a vault: the log as it grows, base copies, and what may go.

A volume is gone on with after a restart as long as the log here still holds what was sent last; otherwise,
and on another machine, the next one begins with a base copy.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import apsw

from roseau.kernel import clock
from roseau.storage.copying import copy_sqlite
from roseau.survival.reeds.log import Segment
from roseau.survival.reeds.wal import FRAME_HEADER_BYTES, parse_header
from roseau.survival.vault.names import (
    Base,
    Generation,
    Item,
    Piece,
    Volume,
    base_name,
    key_id_of,
    new_volume,
    piece_name,
    sort_volumes,
)
from roseau.survival.vault.sealed import Label, read_chunks, read_label, seal_object
from roseau.survival.vault.shelf import Missing, Shelf

#: How much of the log goes into one object at most.
PIECE_BYTES = 64 * 1024 * 1024
#: How often a base copy is made.
BASE_EVERY = clock.DAY
#: What a base copy is called while it is made.
COPY = "vault-"


class LogBroke(Exception):
    """The log here does not follow on what the vault has."""


class VolumeWriter:
    """One volume of one vault. Used by one thread."""

    def __init__(self, shelf: Shelf, public: bytes, folder: Path) -> None:
        self.shelf = shelf
        self.public = public
        self.key_id = key_id_of(public)
        self.folder = folder
        self.volume: Volume | None = None

    # Beginning

    def resume(self, path: str, segments: Sequence[Segment]) -> None:
        """Go on with the volume of that path. Raises LogBroke when the log does not."""
        found = next((volume for volume in sort_volumes(self.shelf.list(path + "/"))), None)
        if found is None or not found.bases or not path.startswith(self.key_id + "/"):
            raise LogBroke
        if found.generations and not self._is_ours(found.generations[-1], segments):
            raise LogBroke
        self.volume = found
        self._next(segments)

    def _is_ours(self, generation: Generation, segments: Sequence[Segment]) -> bool:
        """Whether the log here holds what the vault has of its last generation, to the last commit."""
        segment = next((known for known in segments if known.salts == generation.salts), None)
        chain = generation.chain()
        if segment is None or not chain or segment.number_before != generation.before:
            return False
        if chain[-1].end < max(piece.end for piece in generation.pieces):
            return False
        name = chain[-1].item.name
        try:
            tail = read_label(name, self.shelf.read(name)).tail
        except (Missing, ValueError):
            return False
        return segment.size >= chain[-1].end and tail != "" and tail == _tail_of(segment.path, chain[-1].end)

    def begin(self, epoch: int, at: int) -> str:
        """Begin a new volume, which needs a base copy before anything else; its path."""
        path = new_volume(self.key_id, epoch, at)
        self.volume = Volume(path, [], [])
        return path

    def _present(self) -> Volume:
        if self.volume is None:
            raise LogBroke
        return self.volume

    # Base copies

    def needs_base(self, now: int) -> bool:
        """Whether it is time for a base copy."""
        bases = self._present().bases
        return not bases or now - bases[-1].at >= BASE_EVERY

    def write_base(self, source: Path) -> Base:
        """Copy the database beside its writer, seal the copy and store it."""
        made = self.folder / f"{COPY}{secrets.token_hex(8)}.db"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        at = clock.now()
        try:
            os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            copy_sqlite(source, made, lambda done, total: None)
            epoch, number = read_position(made)
            name = base_name(self._present().path, epoch, number, at)
            with made.open("rb") as stream:
                content = read_chunks(stream, 0, made.stat().st_size)
                size = self.shelf.put(name, seal_object(self.public, Label(name=name, made_at=at), content))
        finally:
            for path in (made, made.with_name(made.name + "-wal"), made.with_name(made.name + "-shm")):
                path.unlink(missing_ok=True)
        base = Base(epoch, number, at, Item(name, size, at))
        self._present().bases.append(base)
        return base

    # The log

    def needs_after(self) -> int:
        """The vault needs every commit after this number."""
        volume = self._present()
        if volume.generations:
            return volume.generations[-1].before
        return volume.bases[-1].number if volume.bases else 0

    def behind(self, segments: Sequence[Segment]) -> int:
        """How many bytes of the log the vault lacks."""
        try:
            waiting = self._next(segments)
        except LogBroke:
            return sum(segment.size for segment in segments)
        return sum(segment.size for segment in waiting) - self._sent(waiting[0]) if waiting else 0

    def ship(self, segments: Sequence[Segment], goes_on: Callable[[], bool] = lambda: True) -> int:
        """Store what the log has beyond the vault; how many bytes. Raises LogBroke, ShelfAway."""
        shipped = 0
        waiting = self._next(segments)
        for segment in waiting:
            finished = segment is not segments[-1]
            end = segment.size
            while (sent := self._sent(segment)) < end and goes_on():
                upto = _cut(segment, sent, end)
                self._put(segment, sent, upto)
                shipped += upto - sent
            if finished and goes_on():
                self._gather(segment)
        return shipped

    def _next(self, segments: Sequence[Segment]) -> Sequence[Segment]:
        """The generations that are to be sent, from the one that was begun. Raises LogBroke."""
        volume = self._present()
        if volume.generations:
            last = volume.generations[-1]
            for index, segment in enumerate(segments):
                if segment.salts == last.salts and segment.number_before == last.before:
                    return segments[index:]
            raise LogBroke
        number = volume.bases[-1].number if volume.bases else 0
        for index in reversed(range(len(segments))):
            if segments[index].number_before <= number:
                return segments[index:]
        if segments:
            raise LogBroke
        return segments

    def _sent(self, segment: Segment) -> int:
        generations = self._present().generations
        last = generations[-1] if generations else None
        return last.end if last and last.salts == segment.salts else 0

    def _put(self, segment: Segment, start: int, end: int) -> None:
        volume = self._present()
        number = segment.find_number(end)
        name = piece_name(volume.path, segment.number_before, segment.salts, start, end, number)
        label = Label(name=name, made_at=clock.now(), tail=_tail_of(segment.path, end))
        try:
            with segment.path.open("rb") as stream:
                size = self.shelf.put(name, seal_object(self.public, label, read_chunks(stream, start, end)))
        except FileNotFoundError as error:
            raise LogBroke from error
        if not volume.generations or volume.generations[-1].salts != segment.salts:
            volume.generations.append(Generation(segment.number_before, segment.salts, []))
        piece = Piece(start, end, number, Item(name, size, label.made_at))
        volume.generations[-1].pieces.append(piece)

    def _gather(self, segment: Segment) -> None:
        """Store a finished generation as few large objects in the place of many small ones."""
        generations = self._present().generations
        if not generations or generations[-1].salts != segment.salts:
            return
        generation = generations[-1]
        small = [piece for piece in generation.chain() if piece.end - piece.start < PIECE_BYTES // 2]
        if len(small) < 2 or generation.end > PIECE_BYTES:
            return
        self._put(segment, 0, generation.end)
        whole = generation.pieces[-1]
        for piece in generation.pieces[:-1]:
            self.shelf.delete(piece.item.name)
        generation.pieces[:] = [whole]

    # What may go

    def prune(self, horizon: int) -> int | None:
        """Delete what no moment after `horizon` needs, in every volume; when the oldest left begins."""
        oldest: int | None = None
        volumes = sort_volumes(self.shelf.list(self.key_id + "/"))
        for index, volume in enumerate(volumes):
            later = [base.at for after in volumes[index + 1 :] for base in after.bases[:1]]
            if volume.path != self._present().path and any(at <= horizon for at in later):
                for item in volume.items():
                    self.shelf.delete(item.name)
            else:
                kept = self._shorten(volume, horizon)
                oldest = kept if oldest is None else oldest
        return oldest

    def _shorten(self, volume: Volume, horizon: int) -> int | None:
        """Leave one base copy older than the horizon, and the log from it on; when that copy was made."""
        old = [base for base in volume.bases if base.at <= horizon]
        if not old:
            return volume.bases[0].at if volume.bases else None
        for base in old[:-1]:
            self.shelf.delete(base.item.name)
        needed = [generation for generation in volume.generations if generation.before <= old[-1].number]
        for generation in needed[:-1]:
            for piece in generation.pieces:
                self.shelf.delete(piece.item.name)
        kept = self._present()
        if volume.path == kept.path:
            kept.bases = [base for base in kept.bases if base not in old[:-1]]
            gone = {generation.salts for generation in needed[:-1]}
            kept.generations = [known for known in kept.generations if known.salts not in gone]
        return old[-1].at


def read_position(path: Path) -> tuple[int, int]:
    """Where in the log a copy of the database stands: epoch and number."""
    connection = apsw.Connection(str(path))
    try:
        for epoch, number in connection.execute("SELECT epoch, number FROM log_position"):
            return int(epoch), int(number)
    finally:
        connection.close()
    raise LookupError("this database has no place in a log")


def _cut(segment: Segment, start: int, end: int) -> int:
    """Where a piece from `start` on ends: at the end of a commit if one is known in reach."""
    if end - start <= PIECE_BYTES:
        return end
    reach = [known for known in segment.ends if start < known <= start + PIECE_BYTES]
    return reach[-1] if reach else end


def _tail_of(path: Path, end: int) -> str:
    """A digest of the header of the frame that ends there; its checksum covers everything before it."""
    with suppress(FileNotFoundError, ValueError), path.open("rb") as stream:
        header = parse_header(stream.read(32))
        stream.seek(end - FRAME_HEADER_BYTES - header.page_size)
        return hashlib.sha256(stream.read(FRAME_HEADER_BYTES)).hexdigest()[:32]
    return ""
