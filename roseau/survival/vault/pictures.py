"""Pictures in a vault: each blob sealed and stored once, and deleted when the site is long without it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import bindparam, func, select

from roseau.domain.media.naming import list_in_history, list_named
from roseau.kernel import clock
from roseau.kernel.sealing import to_sealing_public
from roseau.storage.blobs import FolderBlobs, hash_file
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.media import media_attachments
from roseau.storage.statements import statement
from roseau.survival.vault.names import blob_name, blobs_prefix, key_id_of
from roseau.survival.vault.sealed import Altered, Label, open_object, read_chunks, seal_object
from roseau.survival.vault.shelf import Missing, Shelf

#: Hears how many pictures of how many are done.
Report = Callable[[int, int], None]

#: How often everything here is held against what the vault has. What is uploaded goes there within a minute.
LOOK_EVERY = clock.HOUR
SETTLED = 30 * clock.SECOND
#: Pictures give way to the log: at most so many bytes a second are sent.
BYTES_PER_SECOND = 20 * 1024 * 1024
#: Beside a picture that the site no longer has: its age is how long that has been so.
_GONE = ".gone"

_fresh = statement(
    select(media_attachments.c.id, media_attachments.c.file, media_attachments.c.small_file)
    .where(media_attachments.c.id > bindparam("after"), media_attachments.c.created_at < bindparam("before"))
    .order_by(media_attachments.c.id)
    .limit(100)
)
_newest = statement(select(func.max(media_attachments.c.id)))


class PictureWriter:
    """Brings the pictures of one site into one vault, some at a time. Used by one thread.

    The 256 folders of blobs are gone through one after the other, so that a million of them need no memory.
    """

    def __init__(
        self, shelf: Shelf, public: bytes, data_key: bytes, blobs: FolderBlobs, database: Database, kept: int
    ) -> None:
        self._shelf = shelf
        self._public = public
        self._key_id = key_id_of(public)
        self._data_key = data_key
        self._blobs = blobs
        self._database = database
        #: How long what the site no longer has is kept.
        self._kept = kept
        self._waiting: list[str] = []
        self._folders: list[str] = []
        self._history: set[str] = set()
        self._looked_at = 0
        self._newest = 0
        self._stored: dict[str, int] = {}

    @property
    def stored(self) -> int:
        """How many the vault has, as far as it was looked at."""
        return sum(self._stored.values())

    @property
    def missing(self) -> int:
        """How many are known to be still to be stored."""
        return len(self._waiting)

    def store_some(self, seconds: float, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Store pictures that are missing, for so many seconds at most. Raises ShelfAway."""
        self._look_for_work()
        until = time.monotonic() + seconds
        while goes_on() and time.monotonic() < until:
            if self._waiting:
                began = time.monotonic()
                size = self._store(self._waiting[-1])
                self._waiting.pop()
                pause = size / BYTES_PER_SECOND - (time.monotonic() - began)
                if pause > 0:
                    time.sleep(min(pause, seconds))
            elif self._folders:
                self._compare(self._folders.pop())
            else:
                return

    def _look_for_work(self) -> None:
        if not self._folders and clock.now() - self._looked_at >= LOOK_EVERY:
            self._looked_at = clock.now()
            self._newest = self._database.read_now(lambda tx: tx.value(_newest)) or 0
            self._history = self._database.read_now(list_in_history)
            self._folders = [f"{number:02x}" for number in range(256)]
        elif not self._waiting:
            self._newest, self._waiting = self._database.read_now(_list_fresh, self._newest)

    def _compare(self, folder: str) -> None:
        """Hold one folder against the vault: what is missing there, and what may go."""
        there = {
            item.name: item.modified_at for item in self._shelf.list(f"{blobs_prefix(self._key_id)}{folder}/")
        }
        here = set(self._blobs.names(folder))
        self._waiting = [blob for blob in here if self._name_of(blob) not in there]
        self._stored[folder] = sum(name.endswith(".sealed") for name in there)
        wanted = here | self._database.read_now(list_named, folder)
        wanted |= {blob for blob in self._history if blob.startswith(folder)}
        self._forget(there, {self._name_of(blob) for blob in wanted})

    def _forget(self, there: dict[str, int], wanted: set[str]) -> None:
        """Delete what the site has not had for as long as a moment can be restored."""
        for name in [name for name in there if name.endswith(".sealed")]:
            gone_at = there.get(name + _GONE)
            if name in wanted:
                if gone_at is not None:
                    self._shelf.delete(name + _GONE)
            elif gone_at is None:
                self._shelf.put(name + _GONE, [b"gone\n"])
            elif gone_at < clock.now() - self._kept:
                self._shelf.delete(name)
                self._shelf.delete(name + _GONE)

    def _name_of(self, blob: str) -> str:
        return blob_name(self._key_id, self._data_key, blob)

    def _store(self, blob: str) -> int:
        name, path = self._name_of(blob), self._blobs.path_of(blob)
        try:
            with path.open("rb") as stream:
                content = _with_name(blob, read_chunks(stream, 0, path.stat().st_size))
                label = Label(name=name, made_at=clock.now())
                size = self._shelf.put(name, seal_object(self._public, label, content))
        except FileNotFoundError:
            # Deleted since it was listed, or on another store alone as yet.
            return 0
        self._stored[blob[:2]] = self._stored.get(blob[:2], 0) + 1
        return size


def _list_fresh(tx: Transaction, after: int) -> tuple[int, list[str]]:
    """The blobs of uploads after that one, but for those that may still be worked on; the last of them."""
    rows = tx.all(_fresh, after=after, before=tx.now - SETTLED)
    names = {name for row in rows for name in (row.file, row.small_file) if name}
    return rows[-1].id if rows else after, sorted(names)


def _with_name(blob: str, content: Iterator[bytes]) -> Iterator[bytes]:
    """A picture as it is sealed: its name and a line end before its bytes."""
    yield blob.encode() + b"\n"
    yield from content


def restore_pictures(shelf: Shelf, private: bytes, media: Path, report: Report) -> tuple[int, list[str]]:
    """Bring the pictures back into a folder; how many, and a sentence for each that cannot be used."""
    blobs = FolderBlobs(media)
    prefix = blobs_prefix(key_id_of(to_sealing_public(private)))
    items = [item for item in shelf.list(prefix) if not item.name.endswith(_GONE)]
    troubles: list[str] = []
    for done, item in enumerate(items, 1):
        try:
            _restore_picture(shelf, private, item.name, blobs)
        except (Altered, Missing) as error:
            troubles.append(str(error) if isinstance(error, Altered) else f"{error} is missing.")
        report(done, len(items))
    return len(items) - len(troubles), troubles


def _restore_picture(shelf: Shelf, private: bytes, name: str, blobs: FolderBlobs) -> None:
    waiting = blobs.incoming / "restored"
    blob = b""
    try:
        with waiting.open("wb") as written:
            for chunk in open_object(private, name, shelf.read(name)):
                if not blob:
                    blob, _, chunk = chunk.partition(b"\n")
                written.write(chunk)
        try:
            target = blobs.path_of(blob.decode("ascii"))
        except ValueError as error:
            raise Altered(f"{name} is not a picture of this site's.") from error
        if hash_file(waiting) != target.name.partition(".")[0]:
            raise Altered(f"{name} does not hold the picture that it names.")
        target.parent.mkdir(parents=True, exist_ok=True)
        waiting.chmod(0o644)
        waiting.replace(target)
    finally:
        waiting.unlink(missing_ok=True)
