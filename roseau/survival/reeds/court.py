"""The port of a primary that listens: it tells other machines that it reigns, and takes former ones back."""

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import Protocol

from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.roster import Machine, Roster
from roseau.survival.reeds.shipping import Shipper
from roseau.survival.reeds.wire import Line

log = logging.getLogger("roseau.survival")

IDLE_SECONDS = 30.0


class Reigning(Protocol):
    """What the port needs of the primary."""

    identity: Identity
    shipper: Shipper

    @property
    def own(self) -> Machine:
        """This machine."""
        ...

    def readmit(self, machine: Machine, address: str) -> messages.Joined:
        """List a machine that was the primary, or has moved, as a reed that is shipped to."""
        ...


class Court:
    """The listener. It lives in the shipping thread."""

    def __init__(self, primary: Reigning) -> None:
        self._primary = primary
        self._server: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None

    async def listen(self, host: str, port: int) -> None:
        """Answer the machines that are listed."""
        self._context = self._primary.identity.listening(
            machine.certificate for machine in self._roster.machines
        )
        self._server = await asyncio.start_server(
            self._accept, host, port, ssl=self._context, limit=2 * wire.LONGEST_BODY, ssl_handshake_timeout=5
        )

    @property
    def _roster(self) -> Roster:
        return self._primary.shipper.roster

    async def close(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = wire.identify(reader, writer)
        try:
            with suppress(ConnectionError, TimeoutError, wire.Refused, wire.Overtaken):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._answer(line)
        finally:
            line.close()

    async def _answer(self, line: Line) -> None:
        hello, _ = await line.expect(messages.Hello)
        machine = self._roster.find(line.machine_id)
        shipper = self._primary.shipper
        if machine is None:
            await line.send(messages.Refusal(reason="This machine is not one of ours any more."))
        elif hello.purpose == "ship" and hello.epoch > shipper.epoch:
            # Whoever ships in a higher epoch reigns, and this machine has only not heard of it.
            shipper.overtaken(
                messages.Superseded(epoch=hello.epoch, reigns=True, name=machine.name, machine_id=machine.id)
            )
            await line.send(
                messages.Refusal(reason="This machine was the primary; `roseau demote` turns it.")
            )
        elif shipper.superseded is not None:
            await line.send(shipper.superseded)
        elif hello.purpose == "ask":
            message, _ = await line.receive()
            if isinstance(message, messages.Join):
                joined = await asyncio.get_running_loop().run_in_executor(
                    None, self._primary.readmit, machine, message.address
                )
                await line.send(joined)
            else:
                await line.send(self._reigns())
        else:
            await line.send(self._reigns())

    def _reigns(self) -> messages.Superseded:
        own = self._primary.own
        return messages.Superseded(
            epoch=self._primary.shipper.epoch,
            reigns=True,
            name=own.name,
            machine_id=own.id,
            web_address=own.web_address,
        )
