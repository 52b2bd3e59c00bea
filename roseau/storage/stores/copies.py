"""The blobs of a site: a local folder, with copies in further stores.

Whoever puts a blob is answered when `copies` places have it, the local folder among them. A read is served
from the local folder, whose copy was held against its name when it was first read since the start, and is
again after a day, or when its size, time or file number on disk has changed: hashing each time would cost
more than sending. A copy that is missing or wrong is replaced from another store first.
"""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Literal

from roseau.kernel.errors import Unavailable, mark
from roseau.settings import WrongSetting
from roseau.storage.blobs import FolderBlobs, is_right, set_aside
from roseau.storage.stores import Missing, Store, StoreAway, open_store
from roseau.storage.stores.debts import Debts

log = logging.getLogger("roseau.media")

LOCAL = "local"
#: Beside the blobs: what stores are owed. The dot keeps it out of backups.
OWED = ".owed"
CANNOT_COPY = mark("This server cannot save files in enough places at the moment. Try again in a minute.")
#: How long whoever puts a blob waits for the other stores.
PATIENCE_SECONDS = 15.0
#: For so long a copy that was right is taken for right while its file does not change.
TRUSTED_SECONDS = 24 * 3600.0
_REMEMBERED = 50_000
_AT_ONCE = 4
#: More that waits for a store is left to be settled later.
_MOST_WAITING = 64
_LOCKS = 64

State = Literal["right", "missing", "wrong"]
Work = Callable[["Line", str], None]


def open_blobs(folder: Path, addresses: Iterable[str] = (), copies: int = 1) -> "Blobs":
    """The blobs in a local folder and in the stores at these addresses. Raises WrongSetting."""
    stores = [open_store(address, folder / OWED) for address in addresses]
    if any(Path(store.name).resolve() == folder.resolve() for store in stores):
        raise WrongSetting("media_stores: the data folder's own media are one place already; name others.")
    return Blobs(folder, stores, copies)


class Line:
    """One further store: its threads, so that a slow one holds up nobody else, and what it is owed."""

    def __init__(self, store: Store, debts: Debts) -> None:
        self.store = store
        self.debts = debts
        #: Why it cannot be used, as of the last attempt; empty when it can.
        self.away = ""
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="media")
        self._room = threading.BoundedSemaphore(_MOST_WAITING)
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def submit(self, work: Work, name: str) -> "Future[None]":
        """Have something done in this line's threads."""
        if not self._room.acquire(blocking=False):
            refused: Future[None] = Future()
            refused.set_exception(StoreAway(f"{self.store.name} is slow, and has much to do."))
            return refused
        task = self._threads.submit(self._do, work, name)
        task.add_done_callback(lambda done: self._room.release())
        return task

    def _do(self, work: Work, name: str) -> None:
        try:
            with self._locks[hash(name) % _LOCKS]:
                work(self, name)
        except StoreAway as error:
            if not self.away:
                log.warning("media_store_away %s", error)
            self.away = str(error)
            raise
        self.away = ""

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Blobs(FolderBlobs):
    """The blobs of a site. Everything that `FolderBlobs` does reaches the further stores too."""

    def __init__(self, folder: Path, stores: Iterable[Store] = (), copies: int = 1) -> None:
        super().__init__(folder)
        self.copies = copies
        #: Names of stores that get copies, and whose copies count for nothing when a blob is put.
        self.unawaited: frozenset[str] = frozenset()
        #: Whether a store was counted in whose names nobody has looked at.
        self.fresh = False
        self._lines: dict[str, Line] = {}
        self._known: OrderedDict[str, tuple[tuple[int, ...], float]] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching = [threading.Lock() for _ in range(_LOCKS)]
        for store in stores:
            self.attach(store)

    # Stores

    def attach(self, store: Store) -> None:
        """Count a store in from now on; one of the same name is replaced."""
        replaced = self._lines.get(store.name)
        lines = self._lines | {store.name: Line(store, Debts(self.folder / OWED, store.name))}
        # Others may be walking over the old one.
        self._lines = lines
        self.fresh = True
        if replaced:
            replaced.close()

    def detach(self, name: str) -> None:
        """Count a store no longer; what it was owed is forgotten."""
        gone = self._lines.get(name)
        self._lines = {other: line for other, line in self._lines.items() if other != name}
        if gone:
            gone.close()
            gone.debts.forget()

    def lines(self) -> list[Line]:
        """The further stores."""
        return list(self._lines.values())

    def close(self) -> None:
        """Begin nothing more with the further stores."""
        for line in self.lines():
            line.close()

    # Writing

    def put_file(self, source: Path, extension: str) -> str:
        """Take a file over, and return when as many places have it as should.

        Raises Unavailable when they cannot be had; what was saved stays, and putting it again is right.
        """
        name = super().put_file(source, extension)
        try:
            self._remember(name)
            sent = [(line.store.name, self.send(line, name)) for line in self.lines()]
            awaited = [task for store, task in sent if store not in self.unawaited]
            enough = _have_done(awaited, min(self.copies, 1 + len(awaited)) - 1)
        except OSError as error:
            raise Unavailable(CANNOT_COPY) from error
        if not enough:
            raise Unavailable(CANNOT_COPY)
        return name

    def send(self, line: Line, name: str) -> "Future[None]":
        """Have a store get this blob, now or as soon as it can be reached."""
        line.debts.owe(name)
        return line.submit(self._copy, name)

    def _copy(self, line: Line, name: str) -> None:
        try:
            path = self.bring(name)
        except Missing:
            # Nobody has it any more: there is nothing to send.
            line.debts.settle(name)
            return
        line.store.put(name, path)
        line.debts.settle(name)

    def remove_older(self, name: str, before: int) -> bool:
        """Delete the blob everywhere, unless somebody has put it again since that moment (milliseconds)."""
        if not super().remove_older(name, before):
            return False
        self._have_removed(name)
        return True

    def remove(self, name: str) -> None:
        """Delete the blob everywhere."""
        super().remove(name)
        self._have_removed(name)

    def _have_removed(self, name: str) -> None:
        for line in self.lines():
            line.debts.owe_removal(name)
            line.submit(self._drop, name)

    def _drop(self, line: Line, name: str) -> None:
        # Somebody may have put it again meanwhile.
        if not self.has(name):
            line.store.remove(name)
        line.debts.settle_removal(name)

    def settle(self, *, removals: bool) -> int:
        """Do what stores that were away have missed; how many blobs that was. `removals`: also deletions."""
        done = 0
        for line in self.lines():
            works: list[tuple[Work, Iterable[str]]] = [(self._copy, line.debts.lacks())]
            if removals:
                works.append((self._drop, line.debts.keeps()))
            with suppress(StoreAway, FileNotFoundError):
                for work, names in works:
                    for few in _by_few(names):
                        for task in [line.submit(work, name) for name in few]:
                            task.result()
                            done += 1
        return done

    def owes_removals(self) -> bool:
        """Whether a store has still to let go of something."""
        return any(next(iter(line.debts.keeps()), None) for line in self.lines())

    # Reading

    def known_right(self, name: str) -> Path | None:
        """Where the blob lies, if this copy was found right lately and has not changed. Quick."""
        path = self.path_of(name)
        known = self._known.get(name)
        if known and known[0] == _signature(path) and time.monotonic() < known[1] + TRUSTED_SECONDS:
            return path
        return None

    def bring(self, name: str) -> Path:
        """Where the blob lies, with the bytes that its name says, fetched from another store if need be.

        Raises Missing when no store has it, StoreAway when none of those that answer has.
        """
        path = self.known_right(name)
        if path:
            return path
        path = self.path_of(name)
        with self._fetching[hash(name) % _LOCKS]:
            try:
                self._mend(name, path)
            except OSError as error:
                raise StoreAway(f"{self.folder} cannot be used: {error.strerror or error}.") from error
            return path

    def _mend(self, name: str, path: Path) -> None:
        signature = _signature(path)
        if not (signature and is_right(path)):
            if signature:
                log.error("media_wrong store=%s name=%s", LOCAL, name)
                set_aside(path)
            self._fetch(name)
            signature = _signature(path)
        self._remember(name, signature)

    def _fetch(self, name: str) -> None:
        """Put a right copy into the local folder, and see to it that the stores without one get it."""
        lacking = []
        away: StoreAway | None = None
        for line in self.lines():
            if line.debts.is_leaving(name):
                continue
            waiting = self.incoming / f"{secrets.token_hex(16)}.fetched"
            try:
                line.store.get(name, waiting)
                if is_right(waiting, name):
                    self.take_over(waiting, name)
                    break
                log.error("media_wrong store=%s name=%s", line.store.name, name)
                lacking.append(line)
            except Missing:
                lacking.append(line)
            except StoreAway as error:
                away = error
            finally:
                waiting.unlink(missing_ok=True)
        else:
            raise away or Missing(name)
        log.info("media_repaired store=%s name=%s", LOCAL, name)
        for line in lacking:
            self.send(line, name)

    def examine(self, line: Line | None, name: str) -> State:
        """How the copy in a store is, after reading all of it; None is the local folder. Raises StoreAway."""
        if line is None:
            if is_right(self.path_of(name)):
                return "right"
            # The file may look as it did when it was right: it has to be read when it is next wanted.
            self._known.pop(name, None)
            return "wrong" if self.has(name) else "missing"
        waiting = self.incoming / f"{secrets.token_hex(16)}.fetched"
        try:
            line.store.get(name, waiting)
            return "right" if is_right(waiting, name) else "wrong"
        except Missing:
            return "missing"
        finally:
            waiting.unlink(missing_ok=True)

    def _remember(self, name: str, signature: tuple[int, ...] = ()) -> None:
        signature = signature or _signature(self.path_of(name))
        with self._lock:
            self._known[name] = signature, time.monotonic()
            self._known.move_to_end(name)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _signature(path: Path) -> tuple[int, ...]:
    """What changes when a file does; empty when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _by_few(names: Iterable[str]) -> Iterable[list[str]]:
    few: list[str] = []
    for name in names:
        few.append(name)
        if len(few) == _AT_ONCE:
            yield few
            few = []
    if few:
        yield few


def _have_done(tasks: list["Future[None]"], needed: int) -> bool:
    """Wait until so many have succeeded; False when they do not."""
    until = time.monotonic() + PATIENCE_SECONDS
    waiting = set(tasks)
    while needed > 0:
        done, waiting = wait(waiting, max(until - time.monotonic(), 0), FIRST_COMPLETED)
        needed -= sum(not task.cancelled() and task.exception() is None for task in done)
        if not done:
            return False
    return True
