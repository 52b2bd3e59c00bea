"""What operators may ask of a running server that is more than one transaction: reeds, switch, standing.

`operations.py` is the table for everything else. Both are reached through the local socket (`control.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from roseau.doors.server import Server
from roseau.kernel.errors import Unavailable
from roseau.operations import Nothing
from roseau.survival.reeds.primary import Primary
from roseau.survival.reeds.roster import MachineRole, load_state
from roseau.survival.standing import Standing

A = TypeVar("A", bound=msgspec.Struct)
R = TypeVar("R")


class Action(msgspec.Struct, Generic[A, R], frozen=True):
    """One line of a table: what is asked for, with what, and what comes back."""

    name: str
    arguments: type[A]
    result: Any


class ReedName(msgspec.Struct):
    """A reed, by its name or id. `force`: although too few reeds agree."""

    name: str
    force: bool = False


class Force(msgspec.Struct):
    """Whether to do it although too few reeds agree."""

    force: bool = False


class MachineStanding(msgspec.Struct, kw_only=True):
    """The machine that was asked."""

    role: MachineRole
    name: str = ""
    id: str = ""
    epoch: int = 0
    number: int = 0
    #: On a reed: the epoch it has promised, whether the primary is silent, and what stands against storing.
    promised: int = 0
    primary: str = ""
    lost: bool = False
    problem: str = ""


class Status(msgspec.Struct, kw_only=True):
    """How a machine stands, and on the primary the whole site."""

    machine: MachineStanding
    standing: Standing = msgspec.field(default_factory=Standing)


STATUS: Action[Nothing, Status] = Action("status", Nothing, Status)
INVITE_REED: Action[Nothing, str] = Action("invite_reed", Nothing, str)
COUNT_REED: Action[ReedName, Nothing] = Action("count_reed", ReedName, Nothing)
REMOVE_REED: Action[ReedName, Nothing] = Action("remove_reed", ReedName, Nothing)
SWITCH: Action[ReedName, str] = Action("switch", ReedName, str)
PROMOTE: Action[Force, str] = Action("promote", Force, str)


def primary_of(server: Server) -> Primary:
    """What keeps the reeds. Raises Unavailable on PostgreSQL."""
    survival: object = server.survival
    if not isinstance(survival, Primary):
        raise Unavailable(
            "This site keeps its data in PostgreSQL, whose own replication does this work. "
            "Reeds are for sites on SQLite."
        )
    return survival


async def show_status(server: Server, _: Nothing) -> Status:
    """How the site stands."""
    state = load_state(server.folder)
    standing = server.standing()
    machine = MachineStanding(
        role="former" if standing.role == "superseded" else "primary",
        name=state.name or "primary",
        id=standing.machine_id,
        epoch=standing.epoch,
        number=standing.number,
        promised=state.promised,
    )
    return Status(machine=machine, standing=standing)


async def invite_reed(server: Server, _: Nothing) -> str:
    """A one-time code for a new reed."""
    return await server.database.write(primary_of(server).invite)


async def count_reed(server: Server, wanted: ReedName) -> Nothing:
    """Count a reed that has caught up."""
    await asyncio.to_thread(primary_of(server).count, wanted.name)
    return Nothing()


async def remove_reed(server: Server, wanted: ReedName) -> Nothing:
    """Let a reed go."""
    await asyncio.to_thread(primary_of(server).remove, wanted.name, wanted.force)
    return Nothing()


async def switch(server: Server, wanted: ReedName) -> str:
    """Hand the site over to a reed; the address of its server."""
    primary = primary_of(server)
    return await primary.hand_over(wanted.name)


Steer = Callable[[Server, Any], Awaitable[Any]]
ACTIONS: dict[str, tuple[Action[Any, Any], Steer]] = {
    action.name: (action, function)
    for action, function in (
        (STATUS, show_status),
        (INVITE_REED, invite_reed),
        (COUNT_REED, count_reed),
        (REMOVE_REED, remove_reed),
        (SWITCH, switch),
    )
}
