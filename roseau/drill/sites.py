"""The machines of a drill: a primary and its reeds, each with a folder, a place in the network, a process."""

import asyncio
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from roseau.control import NotRunning, Refused, ask_server
from roseau.drill.client import Address
from roseau.drill.failure import DrillFailed
from roseau.drill.network import Network, Place, remove_folder
from roseau.drill.processes import PATIENCE, Process, Result, clean_environment, run
from roseau.operations import Nothing
from roseau.steering import INVITE_REED, STATUS, Action
from roseau.storage.lease import take_lease
from roseau.survival.reeds.identity import Identity
from roseau.survival.standing import Standing

A = TypeVar("A", bound=msgspec.Struct)
R = TypeVar("R")

#: What every site of a drill is started with: nobody is turned away for asking often, and logs stay short.
SETTINGS = {"log": "events", "rate_limits": "false", "minimum_age": "0"}
_COMMAND_SECONDS = 60.0
_OF_ONE_PROCESS = shutil.ignore_patterns("roseau.sock", "roseau.lock")


class Site:
    """One machine."""

    def __init__(self, place: Place, network: Network, folder: Path, settings: dict[str, str]) -> None:
        self.name = place.name
        self.place = place
        self.data = folder / place.name / "data"
        self.settings = SETTINGS | settings
        self.process: Process | None = None
        self._network = network
        self._log = folder / f"{place.name}.log"
        self.data.parent.mkdir(exist_ok=True)

    @property
    def web(self) -> Address:
        """Where its web server listens, or will when it is promoted."""
        return self.place.address, self.place.web_port

    @property
    def running(self) -> Process:
        """Its process. Raises DrillFailed when it was never started."""
        if self.process is None:
            raise DrillFailed(f"{self.name} does not run")
        return self.process

    @property
    def machine_id(self) -> str:
        """Its id among the machines of the site."""
        return Identity.of(self.data).id

    def command_line(self, *words: str) -> list[str]:
        """A command of Roseau on this machine."""
        return [*self.place.enter, sys.executable, "-m", "roseau", *words, "--data", str(self.data)]

    async def command(self, *words: str, given: str = "", seconds: float = _COMMAND_SECONDS) -> Result:
        """Run a command of Roseau on this machine, whatever it says."""
        environment = clean_environment(self.settings)
        return await run(self.command_line(*words), environment, seconds, given)

    async def succeed(self, *words: str, given: str = "", seconds: float = _COMMAND_SECONDS) -> Result:
        """Run a command that has to succeed. Raises DrillFailed."""
        result = await self.command(*words, given=given, seconds=seconds)
        if result.status:
            said = result.err.strip() or result.out.strip()
            raise DrillFailed(f"`roseau {' '.join(words)}` on {self.name}: {said[-600:]}")
        return result

    async def standing(self) -> Standing:
        """How it stands as a primary. Raises DrillFailed when no server runs."""
        return (await self._ask(STATUS, Nothing())).standing

    async def invite(self) -> str:
        """A code for a new reed. Raises DrillFailed when no server runs."""
        return await self._ask(INVITE_REED, Nothing())

    async def _ask(self, action: Action[A, R], arguments: A) -> R:
        """What its server says through the local socket, as it would to a command."""
        try:
            return await asyncio.to_thread(ask_server, self.data, action, arguments)
        except (NotRunning, Refused) as error:
            raise DrillFailed(f"{self.name} does not say its {action.name}: {error!r}") from None

    # Starting

    async def init(self, copy_of: Path | None = None) -> None:
        """Make its data folder a site's, a new one or a copy of one that does not run. Raises InUse."""
        address = "{}:{}".format(*self.web)
        if copy_of is not None:
            with take_lease(copy_of):
                await asyncio.to_thread(shutil.copytree, copy_of, self.data, ignore=_OF_ONE_PROCESS)
            self.settings["base_url"] = f"http://{address}"
            return
        owner = ["--owner", "owner", "--email", "owner@drill.example", "--password-stdin"]
        words = ["init", "--domain", address, "--base-url", f"http://{address}", *owner]
        await self.succeed(*words, given=f"{secrets.token_urlsafe(12)}\n")

    async def serve(self) -> None:
        """Run the server, and wait until it answers."""
        host, port = self.web
        await self._start("listens on http", "serve", "--host", host, "--port", str(port))

    async def serve_as_reed(self, code: str = "") -> None:
        """Run a reed, paired by a code the first time, and wait until it listens."""
        host, port = self.web
        listen = f"{self.place.address}:{self.place.reed_port}"
        words = ["reed", "serve", "--listen", listen, "--name", self.name]
        words += ["--host", host, "--port", str(port), *(["--code", code] if code else [])]
        await self._start(f"Reed {self.name} listens on", *words)

    async def demote(self) -> None:
        """Have this former primary, whether it runs or not, follow the machine that took over."""
        before, self.process = self.process, None
        listen = f"{self.place.address}:{self.place.reed_port}"
        await self._start(r"Reed \S+ listens on", "demote", "--listen", listen)
        if before is not None:
            before.kill()

    async def _start(self, pattern: str, *words: str) -> None:
        if self.process is not None and self.process.alive:
            raise DrillFailed(f"{self.name} runs already")
        self.process = Process(self.command_line(*words), self._log, clean_environment(self.settings))
        await self.process.wait_to_say(pattern, PATIENCE)

    # Ending

    def vanish(self) -> None:
        """The host is gone without notice, and its disk with it: nobody is told."""
        self._network.cut(self.place)
        self.running.kill()
        remove_folder(self.data)

    def kill(self) -> None:
        """Its process is gone without notice; the machine and the disk are there."""
        self.running.kill()

    def freeze(self) -> None:
        """Its process stands still."""
        self.running.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on as if nothing had happened."""
        self.running.send(signal.SIGCONT)

    def end(self) -> None:
        """Nothing of it is needed any more."""
        if self.process is not None:
            self.process.kill()
