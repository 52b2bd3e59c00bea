"""A primary that ships and a reed that keeps pictures, in this process; and reeds as processes."""

import asyncio
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from roseau.opening import open_database
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.stores.copies import Blobs
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.blob_keeping import BlobKeeper
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.machines import list_reigns
from roseau.survival.reeds.reed import Reed
from roseau.survival.reeds.reed_store import ReedStore, ReedStores
from roseau.survival.reeds.roster import Machine, MachineState, Roster, save_state
from roseau.survival.reeds.shipping import Shipper
from tests.cli.running import ROOT, clean_environment
from tests.survival.media import until

T = TypeVar("T")
PICTURE = bytes(range(256)) * 4096
NAME = f"{hashlib.sha256(PICTURE).hexdigest()}.jpg"


def to_machine(identity: Identity, name: str, **about: Any) -> Machine:
    """A machine as it is listed."""
    return Machine(
        id=identity.id,
        name=name,
        certificate=identity.certificate,
        sealing_key=identity.sealing_public,
        **{"address": "", "role": "reed"} | about,
    )


class RunningReed:
    """A reed in this process, with an event loop and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.identity = Identity.of(folder)
        self.port = 0
        self.media = FolderBlobs(folder / "media")

    def start(self, roster: Roster) -> None:
        """Listen, at the same port as before."""
        if not (self.folder / "machine.json").exists():
            save_state(self.folder, MachineState(role="reed", name="reed", roster=roster))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.reed = Reed(self.folder, self.identity, 1 << 20)
        self.reed.blobs = BlobKeeper(self.reed).answer
        _, self.port = self.run(self.reed.listen("127.0.0.1", self.port))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in its event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self.run(self.reed.close())
            self.run(finish())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
            self._loop.close()


async def finish() -> None:
    """Wait for what goes on in this event loop besides."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=10)


class Pair:
    """A primary that ships, and one reed."""

    def __init__(self, folder: Path) -> None:
        data = folder / "primary"
        data.mkdir()
        self.folder = folder
        database = open_database(Settings(data=str(data), synchronous="OFF"))
        assert isinstance(database, SqliteDatabase)
        self.database = database
        self.identity = Identity.of(data)
        self.reed = RunningReed(folder / "reed")
        self.own = to_machine(self.identity, "primary", role="primary")
        self.reed.start(self.roster(self.machine))
        self.shipper = Shipper(database, data, self.identity, 1 << 20)
        roster = self.roster(self.machine)
        self.shipper.start(roster, database.read_now(list_reigns), None)
        self.blobs = Blobs(data / "media", copies=2)
        self.stores = ReedStores(self.shipper, self.blobs, 2)
        self.stores.follow()
        self.store = ReedStore(self.shipper, self.machine)
        self.file = folder / "picture"
        self.file.write_bytes(PICTURE)
        until(lambda: self.link.live)

    @property
    def machine(self) -> Machine:
        """The reed."""
        return to_machine(self.reed.identity, "garden", address=f"127.0.0.1:{self.reed.port}", counted=True)

    @property
    def link(self) -> Any:
        """The link to it."""
        return self.shipper.links[self.reed.identity.id]

    def roster(self, *others: Machine, needed: int = 1) -> Roster:
        """The primary and these."""
        return Roster(epoch=1, needed=needed, machines=[self.own, *others])

    def become(self, roster: Roster) -> None:
        """Have the stores follow another list of machines."""
        self.shipper.roster = roster
        self.stores.follow()

    def put_again(self) -> str:
        """Give the picture to the site, as an upload does."""
        copy = self.folder / "copy"
        shutil.copyfile(self.file, copy)
        return self.blobs.put_file(copy, "jpg")

    def close(self) -> None:
        """Stop both."""
        self.store.close()
        self.blobs.close()
        self.stores.close()
        self.shipper.close()
        self.database.close()
        self.reed.stop()


def converse(
    pair: Pair, *said: messages.Message, body: bytes = b"", identity: Identity | None = None
) -> messages.Message:
    """Ask the reed something about blobs; what it says."""

    async def ask() -> messages.Message:
        line = await wire.call(identity or pair.identity, pair.machine, 1, "blobs")
        try:
            for message in said:
                await line.send(message, body if isinstance(message, messages.Piece) else b"")
            async with asyncio.timeout(20):
                return (await line.receive())[0]
        finally:
            line.close()
            with suppress(OSError):
                await line.writer.wait_closed()

    return asyncio.run(ask())


@contextmanager
def reed_process(folder: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """`roseau reed serve`, once it listens."""
    command = [sys.executable, "-m", "roseau", "reed", "serve", "--data", str(folder), *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(log="quiet"), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "listens on" in process.stdout.readline()
            yield process
        finally:
            process.terminate()


def free_ports(count: int) -> list[int]:
    """Ports that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
