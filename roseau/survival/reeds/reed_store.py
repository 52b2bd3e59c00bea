"""The reeds as stores of pictures: `ReedStore` is one of them, `ReedStores` follows who is listed."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from roseau.kernel import clock
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import Blobs
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.links import SILENT_SECONDS
from roseau.survival.reeds.messages import Message
from roseau.survival.reeds.roster import Machine
from roseau.survival.reeds.shipping import Shipper
from roseau.survival.reeds.wire import Line

#: A reed that takes longer to answer, or to take or send the next piece, is away.
ANSWER_SECONDS = 5.0
#: A connection that was not used for so long is not used again: the reed may be hanging up.
IDLE_SECONDS = 20.0
PIECE_BYTES = 256 * 1024
_HEX = "0123456789abcdef"

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class ReedStore:
    """The blobs on one reed. Called in threads; its connections live in the shipping thread."""

    def __init__(self, shipper: Shipper, machine: Machine) -> None:
        self.name = f"reed:{machine.name}"
        #: Replaced when the reed has moved.
        self.machine = machine
        self._shipper = shipper
        self._idle: list[tuple[Line, float]] = []
        self._under_way: set[Future[Any]] = set()
        self._closed = threading.Event()

    def check(self) -> None:
        """See that it answers. Raises StoreAway."""
        self._do(partial(_ask, messages.Ping(), messages.Pong))

    def has(self, name: str) -> bool:
        """Whether there is a file under this name."""
        return self._do(partial(_ask, messages.BlobHas(name=name), messages.BlobSize)).size >= 0

    def put(self, name: str, path: Path) -> None:
        """Send a file there; it is on that machine's disk when this returns, held against its name."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            announced = messages.BlobPut(name=name, size=size, epoch=self._shipper.epoch)
            link = self._shipper.links.get(self.machine.id)
            if link is not None and link.state == "refused":
                # What is not believed about the log is not believed about pictures either.
                raise StoreAway(f"{self.name} is not used: {link.reason}")
            self._do(partial(_put, announced, file))

    def get(self, name: str, into: Path) -> None:
        """Fetch a file from there. Raises Missing."""
        with into.open("xb") as file:
            if not self._do(partial(_get, name, file)):
                raise Missing(name)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of all that is kept there."""
        for folder in _folders(prefix):
            yield from self._do(partial(_ask, messages.BlobNames(prefix=folder), messages.BlobList)).names

    def remove(self, name: str) -> None:
        """Delete the file. Only the primary may: a reed that knows a newer one is away for this machine."""
        asked = messages.BlobRemove(name=name, epoch=self._shipper.epoch)
        self._do(partial(_ask, asked, messages.Done))

    def close(self) -> None:
        """Ask it nothing more; whoever waits is told that it is away."""
        self._closed.set()
        for task in list(self._under_way):
            task.cancel()
        self._shipper.submit(self._hang_up())

    def _do(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> T:
        """Have a conversation, and wait for how it ends. Raises StoreAway."""
        if self._closed.is_set() or self._is_silent():
            raise StoreAway(f"{self.name} does not answer.")
        task = self._shipper.submit(self._converse(work))
        self._under_way.add(task)
        try:
            if self._closed.is_set():
                task.cancel()
            return task.result()
        except wire.Overtaken:
            raise StoreAway(f"{self.name} has another primary since.") from None
        except wire.Refused as error:
            raise StoreAway(f"{self.name} does not take it: {error}.") from error
        except (CancelledError, TimeoutError):
            raise StoreAway(f"{self.name} does not answer.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StoreAway(f"{self.name} cannot be used: {reason}.") from error
        finally:
            self._under_way.discard(task)

    def _is_silent(self) -> bool:
        """Whether the link has had no answer for a while, so that waiting for one here is no use."""
        link = self._shipper.links.get(self.machine.id)
        if link is None or link.state != "silent":
            return False
        return link.answered_at is None or clock.now() - link.answered_at > SILENT_SECONDS * 1000

    async def _converse(self, work: Callable[[Line], Coroutine[Any, Any, T]]) -> T:
        line = self._find_idle() or await wire.call(
            self._shipper.identity, self.machine, self._shipper.epoch, "blobs"
        )
        try:
            result = await work(line)
        except BaseException:
            line.close()
            raise
        self._idle.append((line, time.monotonic()))
        if self._closed.is_set():
            await self._hang_up()
        return result

    def _find_idle(self) -> Line | None:
        """A connection that is still good, the last used first; the others are hung up."""
        while self._idle:
            line, used_at = self._idle.pop()
            if time.monotonic() < used_at + IDLE_SECONDS and not line.reader.at_eof():
                return line
            line.close()
        return None

    async def _hang_up(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()


async def _ask(question: Message, kind: type[M], line: Line) -> M:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await line.ask(question, kind)


async def _put(announced: messages.BlobPut, file: BinaryIO, line: Line) -> None:
    line.put(announced)
    left = announced.size
    while left > 0:
        piece = await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
        if not piece:
            raise wire.Broken("the file became shorter while it was sent")
        left -= len(piece)
        async with asyncio.timeout(ANSWER_SECONDS):
            await line.send(messages.Piece(), piece)
    async with asyncio.timeout(ANSWER_SECONDS):
        await line.expect(messages.Done)


async def _get(name: str, file: BinaryIO, line: Line) -> bool:
    """False when the reed has none."""
    size = (await _ask(messages.BlobGet(name=name), messages.BlobSize, line)).size
    if size > wire.LONGEST_BLOB:
        raise wire.Broken(f"it has a blob of {size} bytes")
    left = size
    while left > 0:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, piece = await line.expect(messages.Piece)
        left -= len(piece)
        if not piece or left < 0:
            raise wire.Broken("it sent something else than it announced")
        await asyncio.to_thread(file.write, piece)
    return size >= 0


def _folders(prefix: str) -> list[str]:
    folders = [prefix]
    while len(folders[0]) < 2:
        folders = [folder + digit for folder in folders for digit in _HEX]
    return folders


class ReedStores:
    """Makes every reed a store of the site's pictures, as long as it is listed.

    One that is not counted gets them too, and may have some that nobody else has, but no upload waits for it.
    """

    def __init__(self, shipper: Shipper, blobs: Blobs, wanted: int) -> None:
        self._shipper = shipper
        self._blobs = blobs
        self._wanted = wanted
        self._stores: dict[str, ReedStore] = {}
        self._lock = threading.Lock()

    def follow(self) -> None:
        """The machines that are shipped to are the stores from now on."""
        with self._lock:
            # Read here, so that of two threads that come with news the last one has the newest.
            roster = self._shipper.roster
            reeds = {one.id: one for one in roster.machines if _keeps(one)}
            reeds.pop(self._shipper.identity.id, None)
            for machine_id, store in list(self._stores.items()):
                known = reeds.get(machine_id)
                if known is not None and known.name == store.machine.name:
                    store.machine = known
                else:
                    self._drop(machine_id)
            for machine_id, machine in reeds.items():
                if machine_id not in self._stores:
                    store = self._stores[machine_id] = ReedStore(self._shipper, machine)
                    self._blobs.attach(store)
            uncounted = [store for store in self._stores.values() if not store.machine.counted]
            self._blobs.unawaited = frozenset(store.name for store in uncounted)
            # A picture is to be where the post is that shows it: here and on K reeds.
            self._blobs.copies = max(self._wanted, 1 + roster.needed)

    def _drop(self, machine_id: str) -> None:
        store = self._stores.pop(machine_id)
        store.close()
        self._blobs.detach(store.name)

    def close(self) -> None:
        """Ask no reed anything more."""
        with self._lock:
            for store in self._stores.values():
                store.close()


def _keeps(machine: Machine) -> bool:
    """Whether a machine is to hold pictures: a former primary does not, unless it counts."""
    return bool(machine.address) and (machine.counted or machine.role in ("reed", "joining"))
