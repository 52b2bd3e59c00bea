"""Restoring a moment from a vault: a base copy, and the log laid over it up to that moment.

What is damaged or missing is said by name. A base copy that cannot be used is replaced by an older one with
more of the log; the log ends before its first gap, and whoever restores is told which moment that is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from roseau.kernel import clock
from roseau.kernel.sealing import to_sealing_public
from roseau.storage.copying import fold_log, look_through
from roseau.survival.reeds.wal import Header, NotALog, end_of, list_frames, parse_header
from roseau.survival.vault.names import Base, Generation, Item, Volume, key_id_of, sort_volumes
from roseau.survival.vault.sealed import Altered, open_object
from roseau.survival.vault.shelf import Missing, Shelf

#: Hears of each object: how many bytes of how many have been read.
Report = Callable[[int, int], None]
_FOREVER = 1 << 62


class NothingToRestore(LookupError):
    """The vault has nothing for these words or this moment; the message says what it has."""


class Position(msgspec.Struct, frozen=True):
    """Where in the log a database stands, and when that commit was made."""

    epoch: int
    number: int
    at: int


class Restored(msgspec.Struct):
    """What was brought back: up to which commit, and, a sentence each, what could not be used on the way."""

    position: Position
    troubles: list[str] = []
    #: Whether the log broke off before the moment that was asked for.
    broken_off: bool = False


def find_volumes(shelf: Shelf, private: bytes) -> list[Volume]:
    """What the vault has for the holder of this key. Raises NothingToRestore, ShelfAway."""
    key_id = key_id_of(to_sealing_public(private))
    volumes = [volume for volume in sort_volumes(shelf.list(key_id + "/")) if volume.bases]
    if volumes:
        return volumes
    if any(True for _ in shelf.list()):
        raise NothingToRestore(
            f"These words open nothing in {shelf.place}: it is another site's, "
            "or was written before this recovery key was made."
        )
    raise NothingToRestore(f"{shelf.place} is empty.")


def restore_database(
    shelf: Shelf, volumes: Sequence[Volume], private: bytes, at: int | None, target: Path, report: Report
) -> Restored:
    """Make the database as it was at that moment (milliseconds; None: the last there is) in a new file.

    Raises NothingToRestore, ShelfAway.
    """
    at = _FOREVER if at is None else at
    troubles: list[str] = []
    candidates = _choose(shelf, volumes, at)
    for volume, base in candidates:
        wanted = _list_wanted(volume, base)
        counted = _count(report, base.item.size + sum(g.item.size for w in wanted for g in w.chain()))
        try:
            _write(shelf, private, base.item, target, counted)
            if problems := look_through(target):
                raise Altered(f"{base.item.name} holds a damaged database: {'; '.join(problems)}.")
        except (Altered, Missing) as error:
            troubles.append(_explain(error))
            target.unlink(missing_ok=True)
            continue
        restored = _apply(_Application(shelf, private, target, at, counted), wanted, base.number)
        restored.troubles[:0] = troubles
        # An older copy with more of its log is as good, unless the log ended in between.
        restored.broken_off |= volume is not candidates[0][0]
        return restored
    raise NothingToRestore(" ".join([*troubles, f"No base copy in {shelf.place} can be used."]))


def _choose(shelf: Shelf, volumes: Sequence[Volume], at: int) -> list[tuple[Volume, Base]]:
    """The base copies to try, the best first: of the highest epoch, then the newest not later than that."""
    every = [(volume, base) for volume in volumes for base in volume.bases]
    found = [(volume, base) for volume, base in every if base.at <= at]
    if not found:
        first = clock.to_iso(min(base.at for _, base in every))
        raise NothingToRestore(f"{shelf.place} reaches back to {first}, and no further.")
    return sorted(found, key=lambda pair: (pair[1].epoch, pair[1].at), reverse=True)


def _list_wanted(volume: Volume, base: Base) -> list[Generation]:
    """The generations that lie over a base copy: from the one in which it was made on."""
    before = [generation for generation in volume.generations if generation.before <= base.number]
    return before[-1:] + [later for later in volume.generations if later.before > base.number]


class _Application(msgspec.Struct):
    """Laying the log over a base copy."""

    shelf: Shelf
    private: bytes
    target: Path
    at: int
    report: Callable[[int], None]


def _apply(work: _Application, generations: Sequence[Generation], base_number: int) -> Restored:
    reached = read_place(work.target)
    for generation in generations:
        if generation.before > reached.number:
            return _break_off(reached, f"Commits {reached.number + 1} to {generation.before} are missing.")
        trouble = _fetch(work, generation)
        laid = _lay(work, max(base_number, reached.number))
        reached = laid.position or reached
        if laid.done:
            return Restored(reached)
        if not trouble and reached.number < generation.number:
            trouble = f"{generation.name} does not hold what it should."
        if trouble:
            return _break_off(reached, trouble)
    return Restored(reached)


def _break_off(reached: Position, trouble: str) -> Restored:
    return Restored(reached, [trouble], broken_off=True)


def _fetch(work: _Application, generation: Generation) -> str:
    """Write what the vault has of a generation into one file, up to the first gap; what is wrong there."""
    path = _beside(work.target, ".log")
    chain = generation.chain()
    path.write_bytes(b"")
    for piece in chain:
        try:
            _write(work.shelf, work.private, piece.item, path, work.report, append=True)
            if path.stat().st_size != piece.end:
                raise Altered(f"{piece.item.name} does not hold as much as its name says.")
        except (Altered, Missing) as error:
            # What came of it is verified chunk by chunk, and ends somewhere in it.
            return _explain(error)
    if not chain or chain[-1].end < max(piece.end for piece in generation.pieces):
        return f"A piece of the log is missing in {generation.name}."
    return ""


class _Outcome(msgspec.Struct):
    """What came of a generation: where the database stands, if any was laid; whether the moment is met."""

    position: Position | None = None
    done: bool = False


def _lay(work: _Application, at_least: int) -> _Outcome:
    """Lay the fetched log over the database, up to the moment that is wanted.

    Before the commit `at_least`, which the database has, what is laid would not be whole.
    """
    fetched = _beside(work.target, ".log")
    try:
        commits = list_commits(fetched)
        if not commits:
            return _Outcome()
        with _laid(work.target, fetched, commits[-1]):
            last = read_place(work.target)
        if last.number < at_least:
            return _Outcome()
        done = last.at > work.at
        chosen = _find_last(work, fetched, commits, at_least) if done else commits[-1]
        if not chosen:
            return _Outcome(done=True)
        with _laid(work.target, fetched, chosen):
            fold_log(work.target)
            return _Outcome(read_place(work.target), done)
    except apsw.CorruptError:
        return _Outcome()
    finally:
        fetched.unlink(missing_ok=True)


def _find_last(work: _Application, fetched: Path, commits: Sequence[int], at_least: int) -> int:
    """Where the last commit ends that is not after the moment, by halves; 0 when there is none to lay."""
    found, low, high = 0, 0, len(commits) - 1
    while low < high:
        middle = (low + high) // 2
        with _laid(work.target, fetched, commits[middle]):
            place = read_place(work.target)
        if place.number < at_least:
            low = middle + 1
        elif place.at <= work.at:
            found, low = commits[middle], middle + 1
        else:
            high = middle
    return found


@contextmanager
def _laid(target: Path, fetched: Path, end: int) -> Iterator[None]:
    """The log beside the database up to an offset, for as long as the block lasts."""
    live, index = _beside(target, "-wal"), _beside(target, "-shm")
    index.unlink(missing_ok=True)
    with fetched.open("rb") as source, live.open("wb") as laid:
        left = end
        while left and (piece := source.read(min(1 << 20, left))):
            left -= laid.write(piece)
    try:
        yield
    finally:
        live.unlink(missing_ok=True)
        index.unlink(missing_ok=True)


def list_commits(path: Path) -> list[int]:
    """Where each commit in a file of the log ends; empty for what is none."""
    with path.open("rb") as stream:
        try:
            header: Header = parse_header(stream.read(32))
        except NotALog:
            return []
        step = end_of(header, 1) - end_of(header, 0)
        frames = list_frames(stream.fileno(), header, 0, path.stat().st_size)
        return [frame.offset + step for frame in frames if frame.pages]


def read_place(path: Path) -> Position:
    """Where a database stands, with the log that lies beside it; neither is changed."""
    connection = apsw.Connection(str(path))
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        for epoch, number, at in connection.execute("SELECT epoch, number, at FROM log_position"):
            return Position(int(epoch), int(number), int(at))
    finally:
        connection.close()
    raise Altered("The base copy has no place in the log.")


def _write(
    shelf: Shelf, private: bytes, item: Item, path: Path, report: Callable[[int], None], append: bool = False
) -> None:
    """Open an object into a file."""

    def counted() -> Iterator[bytes]:
        for piece in shelf.read(item.name):
            report(len(piece))
            yield piece

    with path.open("ab" if append else "wb") as written:
        for chunk in open_object(private, item.name, counted()):
            written.write(chunk)


def _explain(error: Altered | Missing) -> str:
    return str(error) if isinstance(error, Altered) else f"{error} is missing."


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(target.name + ending)


def _count(report: Report, total: int) -> Callable[[int], None]:
    done = 0

    def add(piece: int) -> None:
        nonlocal done
        done += piece
        report(done, total)

    return add
