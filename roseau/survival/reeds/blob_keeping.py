"""Pictures on a reed: it keeps the blobs that the primary puts here, and gives them to the site's machines.

They lie in `media/`, exactly as on the primary, so that a promoted reed has them in place.
"""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
from contextlib import suppress
from typing import BinaryIO

from roseau.kernel import clock
from roseau.storage.blobs import FolderBlobs, is_name
from roseau.storage.stores.copies import OWED
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.messages import Message
from roseau.survival.reeds.reed import Reed
from roseau.survival.reeds.wire import Line

#: So much of the disk is left to the log: posts are worth more than pictures.
KEPT_FREE = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
#: The next piece has to come, and to be taken, within this time.
PIECE_SECONDS = 10.0
_PREFIX = re.compile(r"[0-9a-f]{2}\Z")


class BlobKeeper:
    """Answers what machines ask of a reed about blobs; `answer` is its `Reed.blobs`."""

    def __init__(self, reed: Reed) -> None:
        self._reed = reed
        self._blobs = FolderBlobs(reed.folder / "media")
        self._blobs.clear_remains(clock.now() - clock.DAY)
        # What this machine had still to tell others as the primary is void: others have reigned since.
        for debts in (self._blobs.folder / OWED).glob("*/"):
            shutil.rmtree(debts, ignore_errors=True)

    async def answer(self, line: Line, message: Message, body: bytes) -> bool:
        """Do what is asked; False when it has nothing to do with blobs. Raises ConnectionError, OSError."""
        if self._reed.state.roster.find(line.machine_id) is None:
            raise wire.Broken("its machine has left")
        match message:
            case messages.Ping():
                await line.send(messages.Pong(free_bytes=self._reed.free_bytes()))
            case messages.BlobPut():
                await line.send(await self._keep(line, message))
            case messages.BlobGet(name=name):
                await self._give(line, _checked(name))
            case messages.BlobHas(name=name):
                await line.send(
                    messages.BlobSize(size=await asyncio.to_thread(self._measure, _checked(name)))
                )
            case messages.BlobRemove(name=name, epoch=epoch):
                await line.send(await self._remove(line, _checked(name), epoch))
            case messages.BlobNames(prefix=prefix):
                await line.send(messages.BlobList(names=await asyncio.to_thread(self._list, prefix)))
            case _:
                return False
        return True

    def _reigns(self, line: Line, epoch: int) -> bool:
        """Whether the caller is the primary of the newest reign that this reed has heard of."""
        state = self._reed.state
        return line.machine_id == state.promised_to or epoch > state.promised

    async def _keep(self, line: Line, wanted: messages.BlobPut) -> Message:
        if not 0 <= wanted.size <= wire.LONGEST_BLOB:
            raise wire.Broken(f"a blob of {wanted.size} bytes")
        arriving = await asyncio.to_thread(_Arriving, self._blobs, _checked(wanted.name), wanted.size)
        try:
            left = wanted.size
            while left > 0:
                async with asyncio.timeout(PIECE_SECONDS):
                    _, piece = await line.expect(messages.Piece)
                left -= len(piece)
                if not piece or left < 0:
                    raise wire.Broken("a blob came in other pieces than it was announced")
                await asyncio.to_thread(arriving.add, piece)
            if not self._reigns(line, wanted.epoch):
                return self._reed.superseded(wanted.epoch)
            problem = await asyncio.to_thread(arriving.keep)
        finally:
            arriving.drop()
        return messages.Refusal(reason=problem) if problem else messages.Done()

    async def _give(self, line: Line, name: str) -> None:
        try:
            file = await asyncio.to_thread(self._blobs.path_of(name).open, "rb")
        except FileNotFoundError:
            await line.send(messages.BlobSize(size=-1))
            return
        with file:
            left = os.fstat(file.fileno()).st_size
            line.put(messages.BlobSize(size=left))
            while left > 0:
                piece = await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
                if not piece:
                    raise wire.Broken("a blob became shorter while it was sent")
                left -= len(piece)
                async with asyncio.timeout(PIECE_SECONDS):
                    await line.send(messages.Piece(), piece)

    def _measure(self, name: str) -> int:
        try:
            return self._blobs.path_of(name).stat().st_size
        except FileNotFoundError:
            return -1

    async def _remove(self, line: Line, name: str, epoch: int) -> Message:
        if not self._reigns(line, epoch):
            return self._reed.superseded(epoch)
        await asyncio.to_thread(self._blobs.remove, name)
        return messages.Done()

    def _list(self, prefix: str) -> list[str]:
        if not _PREFIX.match(prefix):
            raise wire.Broken(f"{prefix!r} is not the beginning of names")
        return list(self._blobs.names(prefix))


class _Arriving:
    """A blob on its way. What goes wrong here is told when all of it has come: until then nobody listens."""

    def __init__(self, blobs: FolderBlobs, name: str, size: int) -> None:
        self._blobs = blobs
        self._name = name
        self._digest = hashlib.sha256()
        self._waiting = blobs.incoming / f"{secrets.token_hex(16)}.arriving"
        self._problem = ""
        self._file: BinaryIO | None = None
        try:
            if shutil.disk_usage(blobs.folder).free < size + KEPT_FREE:
                self._problem = "its disk has no room left for pictures"
            self._file = self._waiting.open("xb")
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._problem = f"it cannot save pictures: {error.strerror or error}"

    def add(self, piece: bytes) -> None:
        """Write the next piece."""
        if self._problem or self._file is None:
            return
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            self._fail(error)

    def keep(self) -> str:
        """Give it its name, on disk; why not, if it cannot be."""
        if not self._problem and self._digest.hexdigest() != self._name.partition(".")[0]:
            self._problem = "what came is not what its name says"
        if not self._problem and self._file is not None:
            try:
                self._file.close()
                self._blobs.take_over(self._waiting, self._name)
            except OSError as error:
                self._fail(error)
        return self._problem

    def drop(self) -> None:
        """Leave nothing behind of what was not kept."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
            self._waiting.unlink(missing_ok=True)


def _checked(name: str) -> str:
    if not is_name(name):
        raise wire.Broken(f"{name!r} is not the name of a blob")
    return name
