"""What a machine knows by itself, without opening a database: its role, its promise, the other machines.

`machine.json` in the data folder. Written whole, to disk, before anything is said that depends on it.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from roseau.storage.syncing import sync
from roseau.survival.contract import Membership

FILE = "machine.json"
#: `joining`: paired, and counted as soon as it has caught up. `former`: it was the primary.
MachineRole = Literal["primary", "reed", "joining", "former"]


class Machine(msgspec.Struct, kw_only=True):
    """A machine as the others know it. `certificate` is DER; `address` HOST:PORT, or empty."""

    id: str
    name: str
    address: str
    certificate: bytes
    sealing_key: bytes
    role: MachineRole
    counted: bool = False
    #: Where its web server is, as far as it has said so.
    web_address: str = ""


class Roster(msgspec.Struct, kw_only=True):
    """Everybody, as the primary of an epoch told it."""

    epoch: int = 0
    needed: int = 0
    automatic: bool = False
    base_url: str = ""
    machines: list[Machine] = []

    @property
    def membership(self) -> Membership:
        """Who counts."""
        return Membership(
            self.epoch,
            frozenset(machine.id for machine in self.machines if machine.counted),
            self.needed,
        )

    @property
    def primary(self) -> Machine | None:
        """Who reigns."""
        return next((machine for machine in self.machines if machine.role == "primary"), None)

    def find(self, id_or_name: str) -> Machine | None:
        """A machine by its id or name."""
        return next((one for one in self.machines if id_or_name in (one.id, one.name)), None)


class MachineState(msgspec.Struct, kw_only=True):
    """This machine."""

    role: MachineRole = "primary"
    name: str = ""
    #: Where it listens for other machines, and where they reach it.
    listen: str = ""
    address: str = ""
    #: On a reed: where the others reach its web server once it is promoted; empty when it has not said.
    web_address: str = ""
    #: The highest epoch that it has promised, and to whom.
    promised: int = 0
    promised_to: str = ""
    #: The first epoch in which that machine may ship to this one.
    followed: int = 0
    #: On a primary: the last epoch whose beginning the old and the new members have agreed to.
    settled: int = 0
    #: Set on a primary that has heard of a higher epoch: it writes nothing more.
    superseded: int = 0
    superseded_by: str = ""
    #: Set by a promotion until the site's names are known to lead here.
    pointing: bool = False
    roster: Roster = msgspec.field(default_factory=Roster)


def load_state(folder: Path) -> MachineState:
    """What this machine knows; that of a primary which knows nobody when there is no file."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=MachineState)
    except FileNotFoundError:
        return MachineState()


def save_state(folder: Path, state: MachineState) -> None:
    """Keep it; on disk when this returns."""
    waiting = folder / f".{FILE}.new"
    data = msgspec.json.format(msgspec.json.encode(state), indent=1)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(folder / FILE)
    sync(folder)
