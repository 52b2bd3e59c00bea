"""The keepers of a site's vaults: a thread for each, which sends what it lacks as long as the server runs.

`Vaults(database, folder, site, log)` in the lifespan: `start()`, `standing()`, `close()`.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import apsw
import msgspec

from roseau.domain.recovery_key import recovery_public_key
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock
from roseau.kernel.errors import RoseauError, mark
from roseau.storage.blobs import FolderBlobs
from roseau.storage.database import Database, Transaction
from roseau.survival.history import find_position, record_base
from roseau.survival.reeds.log import Segment
from roseau.survival.vault.names import key_id_of
from roseau.survival.vault.pictures import PictureWriter
from roseau.survival.vault.shelf import Shelf, ShelfAway, open_shelf, place_of
from roseau.survival.vault.standing import VaultStanding
from roseau.survival.vault.writing import COPY, LogBroke, VolumeWriter

log = logging.getLogger("roseau.survival")

#: What has come is sent after so many seconds, or at once when it is so much.
SEND_SECONDS = 5.0
SEND_BYTES = 4 * 1024 * 1024
LOOK_SECONDS = 1.0
#: How long a vault that is away is left alone: from, to.
BACKOFF_SECONDS = (5.0, 300.0)
PICTURE_SECONDS = 2.0
PRUNE_EVERY = 6 * clock.HOUR
MEMORY = "vaults.json"
NO_KEY = mark("There is no recovery key yet. Make one with `roseau recovery make`.")
#: One base copy at a time, however many vaults there are: each needs room for the whole database.
_copying = threading.Lock()


class KeptLog(Protocol):
    """What a keeper wants of the log."""

    def segments(self) -> Sequence[Segment]:
        """Every generation there is, oldest first."""
        ...

    def hold(self, name: str, number: int | None) -> None:
        """Keep what comes after this number for somebody."""
        ...


class VaultKeeper:
    """Keeps one vault. `step` does what is due; `run` does so until it is told to stop."""

    def __init__(self, database: Database, folder: Path, site: Site, kept: KeptLog, address: str) -> None:
        self.standing = VaultStanding(place=place_of(address))
        self._database = database
        self._folder = folder
        self._site = site
        self._log = kept
        self._address = address
        self._stopped = threading.Event()
        self._shelf: Shelf | None = None
        self._writer: VolumeWriter | None = None
        self._pictures: PictureWriter | None = None
        self._sent_at = 0.0
        self._pruned_at = 0
        # Nothing goes until it is known what the vault has.
        kept.hold(self._hold_name, 0)

    def run(self) -> None:
        """Keep the vault until `stop`."""
        backoff = BACKOFF_SECONDS[0]
        while not self._stopped.is_set():
            try:
                self.step()
                pause, backoff = LOOK_SECONDS, BACKOFF_SECONDS[0]
            except (ShelfAway, OSError, RoseauError, ValueError, apsw.Error) as error:
                self._complain(error)
                pause, backoff = backoff, min(2 * backoff, BACKOFF_SECONDS[1])
            self._stopped.wait(pause)
        self._send_last()

    def _send_last(self) -> None:
        """A server that is stopped leaves nothing behind, if the vault is there and takes it at once."""
        if self._writer is not None and self.standing.state == "holding":
            with suppress(ShelfAway, OSError, LogBroke):
                self._writer.ship(self._log.segments())

    def stop(self) -> None:
        """End `run` soon."""
        self._stopped.set()

    def _complain(self, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        if (self.standing.state, self.standing.reason) != ("away", reason):
            log.warning("vault_away place=%s reason=%s", self.standing.place, reason)
        self.standing.state, self.standing.reason = "away", reason
        # The vault may have changed while it was away; what it has is looked up again.
        self._writer = self._pictures = None

    def step(self, *, now: bool = False) -> None:
        """Send what is due; with `now`, whatever there is. Raises ShelfAway, OSError."""
        public = self._database.read_now(_find_public_key)
        if public is None:
            self.standing.state = "waiting"
            self.standing.reason = NO_KEY
            self._log.hold(self._hold_name, None)
            return
        writer = self._writer
        if writer is None or writer.public != public:
            writer = self._open(public)
        try:
            self._keep(writer, now)
        except LogBroke:
            log.warning("vault_begins_anew place=%s", self.standing.place)
            self._begin(writer)
            self._keep(writer, True)
        if self.standing.state != "holding":
            log.info("vault_holding place=%s", self.standing.place)
        self.standing.state, self.standing.reason = "holding", ""

    # Opening

    def _open(self, public: bytes) -> VolumeWriter:
        self._shelf = self._shelf or open_shelf(self._address)
        writer = VolumeWriter(self._shelf, public, self._folder / "base")
        try:
            path = _recall(self._folder).get(self._memory(public), "")
            if not path:
                raise LogBroke
            writer.resume(path, self._log.segments())
        except LogBroke:
            self._begin(writer)
        self._writer = writer
        self._pictures = PictureWriter(
            self._shelf,
            public,
            self._site.data_key,
            FolderBlobs(self._folder / "media"),
            self._database,
            self._site.settings.vault_days * clock.DAY,
        )
        return writer

    def _begin(self, writer: VolumeWriter) -> None:
        epoch, number = self._database.read_now(find_position)
        # The base copy will have more than this; what follows it is needed, however long the copy takes.
        self._log.hold(self._hold_name, number)
        path = writer.begin(epoch, clock.now())
        _remember(self._folder, self._memory(writer.public), path)

    def _memory(self, public: bytes) -> str:
        return f"{key_id_of(public)} {self.standing.place}"

    @property
    def _hold_name(self) -> str:
        return f"vault {self.standing.place}"

    # Keeping

    def _keep(self, writer: VolumeWriter, now: bool) -> None:
        if writer.needs_base(clock.now()):
            self._make_base(writer)
            now = True
        segments = self._log.segments()
        behind = writer.behind(segments)
        if behind and (now or behind >= SEND_BYTES or time.monotonic() - self._sent_at >= SEND_SECONDS):
            writer.ship(segments, self._goes_on)
            self._sent_at = time.monotonic()
        self._log.hold(self._hold_name, writer.needs_after())
        self._note(writer, self._log.segments())
        if clock.now() - self._pruned_at >= PRUNE_EVERY:
            horizon = clock.now() - self._site.settings.vault_days * clock.DAY
            self.standing.oldest_at = writer.prune(horizon)
            self._pruned_at = clock.now()
        if self._pictures is not None:
            self._pictures.store_some(PICTURE_SECONDS, self._goes_on)
            self.standing.pictures = self._pictures.stored
            self.standing.pictures_missing = self._pictures.missing

    def _goes_on(self) -> bool:
        return not self._stopped.is_set()

    def _make_base(self, writer: VolumeWriter) -> None:
        started_at = clock.now()
        with _copying:
            base = writer.write_base(self._folder / "roseau.db")
        try:
            self._database.write_now(record_base, self.standing.place, started_at, base.item.size)
        except RoseauError as error:
            # The note is for the control room alone, and the copy is made.
            log.warning("base_not_noted place=%s error=%s", self.standing.place, error)

    def _note(self, writer: VolumeWriter, segments: Sequence[Segment]) -> None:
        volume, standing = writer.volume, self.standing
        if volume is None:
            return
        standing.behind_bytes = writer.behind(segments)
        standing.bytes = sum(item.size for item in volume.items())
        if volume.bases:
            standing.base_at = volume.bases[-1].at
            standing.number = volume.bases[-1].number
        if volume.generations and volume.generations[-1].pieces:
            standing.number = max(standing.number, volume.generations[-1].chain()[-1].number)
        if not standing.behind_bytes:
            standing.newest_at = clock.now()


class Vaults:
    """All vaults of a site, each kept by a thread of its own, so that a slow one delays no other."""

    def __init__(self, database: Database, folder: Path, site: Site, kept: KeptLog) -> None:
        self._keepers = [
            VaultKeeper(database, folder, site, kept, address) for address in site.settings.vaults
        ]
        self._threads: list[threading.Thread] = []
        # What a process that was killed left of its base copies.
        for path in (folder / "base").glob(f"{COPY}*"):
            path.unlink(missing_ok=True)

    def start(self) -> None:
        """Begin to keep them."""
        self._threads = [
            threading.Thread(target=keeper.run, name=f"vault-{number}", daemon=True)
            for number, keeper in enumerate(self._keepers, 1)
        ]
        for thread in self._threads:
            thread.start()

    def standing(self) -> list[VaultStanding]:
        """How each stands at this moment."""
        return [keeper.standing for keeper in self._keepers]

    def close(self, patience: float = 10.0) -> None:
        """Stop, and wait a little while the last is sent; what remains is sent after the next start."""
        for keeper in self._keepers:
            keeper.stop()
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


def _find_public_key(tx: Transaction) -> bytes | None:
    return recovery_public_key(load_choices(tx))


def _recall(folder: Path) -> dict[str, str]:
    """Which volume was written in which vault, as this machine remembers it."""
    try:
        return msgspec.json.decode((folder / MEMORY).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


_remembering = threading.Lock()


def _remember(folder: Path, vault: str, path: str) -> None:
    with _remembering:
        waiting = folder / f".{MEMORY}"
        waiting.write_bytes(msgspec.json.encode(_recall(folder) | {vault: path}))
        os.chmod(waiting, 0o600)
        waiting.replace(folder / MEMORY)
