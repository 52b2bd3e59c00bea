"""A planned hand-over: requests wait, the reed catches up and is promoted, requests are led there."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import httpx2

from roseau.kernel.errors import Unavailable
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.asking import to_reason
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.links import Link
from roseau.survival.reeds.roster import Machine
from roseau.survival.reeds.shipping import Shipper

#: The reed has everything within this time,
CATCH_UP_SECONDS = 10.0
#: and serves within this one, or the hand-over is called off.
TAKE_OVER_SECONDS = 30.0

T = TypeVar("T")


class Door(Protocol):
    """What a hand-over needs of the gate before all requests (`doors/gate.py`)."""

    async def shut(self) -> None:
        """Let nobody in, and wait for those who are."""
        ...

    def reopen(self) -> None:
        """Let everybody in again."""
        ...

    def lead_to(self, url: str) -> None:
        """Have every request answered there."""
        ...


class Handing(Protocol):
    """What a hand-over needs of the primary."""

    identity: Identity
    shipper: Shipper
    gate: Door | None

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the shipping thread."""
        ...


async def hand_over(primary: Handing, machine: Machine) -> str:
    """Have this reed promoted and serving; the address of its server.

    Raises Unavailable; then the primary goes on as before.

    When it returns, the gate is shut and writers wait: the caller leads them on.
    """
    shipper, gate = primary.shipper, primary.gate
    link = shipper.links.get(machine.id)
    if link is not None and not link.machine.web_address:
        raise Unavailable(
            "%(name)s has not said where its web server will be, so nobody could be led there. "
            "Start it with --web-address.",
            values={"name": machine.name},
        )
    if link is None or not link.live or machine.id not in shipper.memberships[0].reeds:
        raise Unavailable(
            "%(name)s is not ready: it has to be counted and to follow. `roseau status` shows how it is.",
            values={"name": machine.name},
        )
    if gate is not None:
        await gate.shut()
    shipper.hold(True)
    try:
        await _catch_up(shipper, link)
        await primary.within(_ask_to_promote(primary, machine))
    except (OSError, wire.Refused, wire.Overtaken) as error:
        shipper.hold(False)
        if gate is not None:
            gate.reopen()
        raise Unavailable(
            "%(name)s did not take over, and this machine goes on: %(reason)s.",
            values={"name": machine.name, "reason": to_reason(error)},
        ) from error
    try:
        await _wait_for_server(link.machine)
    except TimeoutError as error:
        # It may reign or not; the links find out, and nothing is acknowledged here meanwhile if it does.
        shipper.hold(False)
        if gate is not None:
            gate.reopen()
        raise Unavailable(
            "%(name)s was asked to take over, and its server does not answer at %(address)s. "
            "Look at `roseau status` on both machines.",
            values={"name": machine.name, "address": link.machine.web_address},
        ) from error
    return link.machine.web_address


async def _catch_up(shipper: Shipper, link: Link) -> None:
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while link.stored < shipper.log.number:
            await asyncio.sleep(0.01)


async def _ask_to_promote(primary: Handing, machine: Machine) -> None:
    shipper = primary.shipper
    line = await wire.call(primary.identity, machine, shipper.epoch, "ask")
    try:
        await line.ask(messages.Promote(epoch=shipper.epoch + 1, number=shipper.log.number), messages.Done)
    finally:
        line.close()


async def _wait_for_server(machine: Machine) -> None:
    async with asyncio.timeout(TAKE_OVER_SECONDS), httpx2.AsyncClient() as client:
        while True:
            with suppress(httpx2.HTTPError):
                if (await client.get(machine.web_address + "/health")).is_success:
                    return
            await asyncio.sleep(0.02)
