"""`roseau reed serve`: a machine that stands by until it is promoted; then its process is the server."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click
import httpx2
import msgspec
import uvloop

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import explained, make_folder
from roseau.control import Answer, Request, open_control, to_answer
from roseau.kernel.errors import RoseauError
from roseau.logs import log_to_stderr
from roseau.settings import Settings
from roseau.steering import PROMOTE, STATUS, Force, MachineStanding, Status
from roseau.storage.lease import take_lease
from roseau.survival.reeds import messages, pairing, wire
from roseau.survival.reeds.blob_keeping import BlobKeeper
from roseau.survival.reeds.election import wait_for_election
from roseau.survival.reeds.evidence_keeping import EvidenceKeeper
from roseau.survival.reeds.files import read_copy
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.promotion import NotPromoted, Promoted, promote
from roseau.survival.reeds.reed import Reed
from roseau.survival.reeds.roster import Machine, MachineState, load_state, save_state

PAIRING_SECONDS = 20.0


@click.command("serve", cls=Command)
@click.option("--listen", metavar="HOST:PORT", help="Where the primary reaches this machine.")
@click.option("--address", metavar="HOST:PORT", help="The same as seen from outside, if it is another.")
@click.option("--name", help="What this machine is called.  [default: its host name]")
@click.option("--code", help="The code that `roseau reed invite` printed; needed the first time.")
@click.option(
    "--web-address",
    metavar="URL",
    help="Where the other machines reach that web server, for `roseau switch`.",
)
@click.option("--host", help="The address that the web server listens on once this machine is promoted.")
@click.option("--port", help="The port of that web server.")
@click.pass_context
def serve(
    context: click.Context,
    listen: str | None,
    address: str | None,
    name: str | None,
    code: str | None,
    web_address: str | None,
    host: str | None,
    port: str | None,
) -> None:
    """Stand by: store every post of the site as it is made, ready to take over.

    The first time, --code pairs this machine with the primary. Later --listen is enough, or nothing at all:
    the machine remembers. When it is promoted (`roseau promote`, or by itself with three reeds or more and
    survival.automatic), the same process becomes the server of the site, with the settings given here.
    """
    settings = settings_of(context, host=host, port=port)
    log_to_stderr(settings)
    folder = make_folder(settings)
    state = load_state(folder)
    serving = [*(["--host", host] if host else []), *(["--port", port] if port else [])]
    if state.role == "primary" and (folder / "roseau.db").exists():
        # It was promoted, and whatever starts it knows nothing of that.
        become_server(folder, serving)
    with take_lease(folder):
        identity = Identity.of(folder)
        _remember(folder, state, listen, address, name)
        state.web_address = web_address or _guess_web_address(settings, state)
        save_state(folder, state)
        if code:
            _pair(folder, state, identity, code)
        if not state.roster.machines:
            raise click.ClickException(
                "This machine is not paired. Run `roseau reed invite` on the primary, and give the code "
                "that it prints with --code."
            )
        with explained(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            promoted = runner.run(_Standing(settings, folder, identity).run())
    if promoted:
        become_server(folder, serving)


def become_server(folder: Path, flags: list[str]) -> None:
    """Be `roseau serve` from here on; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-P", "-m", "roseau", "serve", "--data", str(folder), *flags]
    os.execv(sys.executable, command)  # noqa: S606


def _remember(
    folder: Path, state: MachineState, listen: str | None, address: str | None, name: str | None
) -> None:
    state.role = "reed"
    state.listen = listen or state.listen
    if not state.listen:
        raise click.UsageError("Say where this machine listens: --listen HOST:PORT.")
    state.address = address or listen or state.address
    state.name = name or state.name or os.uname().nodename
    for given in (state.listen, state.address):
        try:
            wire.split_address(given)
        except ValueError as error:
            raise click.UsageError(f"{error}.") from error
    save_state(folder, state)


def _guess_web_address(settings: Settings, state: MachineState) -> str:
    """Where the web server will be, if the settings say it; a loopback address only to loopback reeds."""
    host, _ = wire.split_address(state.address)
    everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104
    local = settings.host.startswith("127.") or settings.host in ("::1", "localhost")
    if local and not host.startswith("127."):
        return ""
    return f"http://{host if everywhere else settings.host}:{settings.port}"


def _pair(folder: Path, state: MachineState, identity: Identity, code: str) -> None:
    """Tell the primary who this machine is, and learn who else there is."""
    machine = Machine(
        id=identity.id,
        name=state.name,
        address=state.address,
        certificate=identity.certificate,
        sealing_key=identity.sealing_public,
        role="joining",
        web_address=state.web_address,
    )
    try:
        known = pairing.parse_code(code)
        said = httpx2.post(
            known.url + pairing.PATH,
            content=msgspec.json.encode(pairing.to_request(known, machine)),
            headers={"Content-Type": "application/json"},
            timeout=PAIRING_SECONDS,
        )
        if said.status_code != httpx2.codes.OK:
            raise click.ClickException(f"The primary refuses: {_error_of(said)}")
        answer = msgspec.json.decode(said.content, type=pairing.PairAnswer)
        state.roster = pairing.check_answer(known, answer)
    except pairing.WrongCode as error:
        raise click.ClickException(str(error)) from error
    except httpx2.HTTPError as error:
        raise click.ClickException(
            f"The primary does not answer at {known.url}: {error}. It has to be reached there from here too."
        ) from error
    except msgspec.DecodeError as error:
        raise click.ClickException(f"What answers at {known.url} is not the primary of this code.") from error
    save_state(folder, state)


def _error_of(answer: httpx2.Response) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["error"])
    return f"status {answer.status_code}"


class _Standing:
    """A reed that runs: its port, its local socket, and whatever ends it."""

    def __init__(self, settings: Settings, folder: Path, identity: Identity) -> None:
        self.settings = settings
        self.folder = folder
        self.reed = Reed(folder, identity, settings.survival_log_bytes // 4)
        self.reed.on_promote = self._hand_over
        self.reed.blobs = BlobKeeper(self.reed).answer
        self.reed.evidence = EvidenceKeeper(self.reed).answer
        self._ended: asyncio.Future[Promoted | None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> bool:
        """Stand by until stopped (False) or promoted (True)."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, None)
        host, port = wire.split_address(self.reed.state.listen)
        try:
            await self.reed.listen(host, port)
        except OSError as error:
            raise click.ClickException(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
        electing = asyncio.create_task(self._elect())
        async with open_control(self.folder, self._perform):
            print(f"Reed {self.reed.state.name} listens on {self.reed.state.listen}", flush=True)
            promoted = await self._ended
            # The answer to whoever asked for the promotion goes out before the process changes.
            await asyncio.sleep(0.05)
        electing.cancel()
        if promoted is None:
            await self.reed.close()
        return promoted is not None

    def _end(self, promoted: Promoted | None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(promoted)

    async def _promote(self, *, commanded: bool, force: bool = False, handed: bool = False) -> Promoted:
        async with self._one_at_a_time:
            web_address = self.reed.state.web_address
            promoted = await promote(self.reed, web_address, commanded=commanded, force=force, handed=handed)
            self._end(promoted)
            return promoted

    async def _elect(self) -> None:
        while True:
            await wait_for_election(self.reed)
            with suppress(NotPromoted):
                await self._promote(commanded=False)
                return
            await asyncio.sleep(1)

    def _hand_over(self, message: messages.Promote) -> None:
        async def take_over() -> None:
            with suppress(NotPromoted):
                await self._promote(commanded=True, handed=True)

        self._handing = asyncio.ensure_future(take_over())

    async def _perform(self, request: Request) -> Answer:
        if request.command == STATUS.name:
            return to_answer(await self._status())
        if request.command == PROMOTE.name:
            wanted = msgspec.json.decode(request.arguments, type=Force)
            promoted = await self._promote(commanded=True, force=wanted.force)
            return to_answer(_say(promoted))
        raise RoseauError("This machine is a reed: what changes the site is asked of the primary.")

    async def _status(self) -> Status:
        reed = self.reed
        primary = reed.state.roster.primary
        position = (await reed.on_disk(read_copy, reed.standby.database)).position
        return Status(
            machine=MachineStanding(
                role="reed",
                name=reed.state.name,
                id=reed.identity.id,
                epoch=position.epoch,
                number=position.number,
                promised=reed.state.promised,
                primary=primary.name if primary else "",
                lost=reed.lost,
                problem=reed.problem,
            )
        )


def _say(promoted: Promoted) -> str:
    counted = (
        f"{promoted.needed} of {promoted.counted} reeds acknowledge every write from now on."
        if promoted.counted
        else "No reed is counted from now on: invite one soon."
    )
    began = f"Promoted: epoch {promoted.epoch}, from commit {promoted.number}."
    return " ".join(filter(None, (began, counted, promoted.forced)))
