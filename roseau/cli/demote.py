"""`roseau demote`: a former primary becomes a reed of the machine that runs the site now."""

import asyncio
import os
import signal
import ssl
import sys
import time
from pathlib import Path

import click

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import explained, folder_of
from roseau.control import is_running
from roseau.settings import Settings
from roseau.storage.lease import InUse, take_lease
from roseau.storage.sqlite import SqliteDatabase
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.beyond import write_beyond
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.machines import load_roster
from roseau.survival.reeds.roster import MachineState, Roster, load_state, save_state

STOP_SECONDS = 15.0


@click.command("demote", cls=Command)
@click.option("--listen", metavar="HOST:PORT", required=True, help="Where the new primary reaches this one.")
@click.option("--address", metavar="HOST:PORT", help="The same as seen from outside, if it is another.")
@click.pass_context
def command(context: click.Context, listen: str, address: str | None) -> None:
    """Turn this machine, which was the primary, into a reed of the one that is.

    A server that still runs here is stopped. What this machine had beyond the log that the new primary took
    over is written to beyond-EPOCH.json in the data folder, for you to read: it was acknowledged to nobody.
    Then this process follows the new primary, as `roseau reed serve` does. It is not counted until
    `roseau reed count NAME` there.
    """
    settings = settings_of(context)
    folder = folder_of(settings)
    for given in (listen, address or listen):
        try:
            wire.split_address(given)
        except ValueError as error:
            raise click.UsageError(f"{error}.") from error
    _stop_server(folder)
    with explained(), take_lease(folder):
        state = load_state(folder)
        if state.role != "reed":
            _step_down(folder, state, listen, address or listen, settings)
    sys.stdout.flush()
    follow = ["reed", "serve", "--data", str(folder)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "roseau", *follow])  # noqa: S606


def _stop_server(folder: Path) -> None:
    """Ask a server that runs in the folder to end, and wait for it."""
    if not is_running(folder):
        return
    process = int((folder / "roseau.lock").read_text().strip() or 0)
    if process:
        os.kill(process, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while time.monotonic() < until:
        try:
            take_lease(folder).close()
        except InUse:
            time.sleep(0.1)
        else:
            return
    raise click.ClickException("The server that runs here does not stop. End it, then try again.")


def _step_down(folder: Path, state: MachineState, listen: str, address: str, settings: Settings) -> None:
    database = SqliteDatabase(folder / "roseau.db")
    try:
        database.keep_whole()
        roster = database.read_now(load_roster, automatic=False, base_url=state.roster.base_url)
        joined = asyncio.run(_find_primary(Identity.of(folder), state, roster, address))
        beyond = write_beyond(database, folder, joined)
    finally:
        database.close()
    own = joined.roster.find(Identity.of(folder).id)
    primary = joined.roster.primary
    state.role, state.listen, state.address = "reed", listen, address
    state.name = own.name if own else state.name
    state.promised, state.promised_to = joined.epoch, primary.id if primary else ""
    state.followed = joined.epoch
    state.superseded, state.superseded_by = 0, ""
    state.roster = joined.roster
    save_state(folder, state)
    print(
        f"This machine is a reed of {primary.name if primary else 'the new primary'} (epoch {joined.epoch})."
    )
    if beyond.events:
        print(f"It had {beyond.events} events that nobody was told were saved: {beyond.path}")
    else:
        print("It had nothing beyond the log that was taken over.")


async def _find_primary(
    identity: Identity, state: MachineState, roster: Roster, address: str
) -> messages.Joined:
    """Ask every machine that is known until the one that reigns takes this one in."""
    reasons = []
    for machine in roster.machines:
        if machine.id == identity.id or not machine.address:
            continue
        try:
            line = await wire.call(identity, machine, roster.epoch, "ask")
            try:
                async with asyncio.timeout(wire.CALL_SECONDS):
                    joined = await line.ask(messages.Join(address=address), messages.Joined)
                if joined.epoch > roster.epoch:
                    return joined
                reasons.append(f"{machine.name}: it was superseded itself")
            finally:
                line.close()
        except (wire.Overtaken, wire.Refused, OSError, ssl.SSLError) as error:
            reasons.append(f"{machine.name}: {error or type(error).__name__}")
    known = "; ".join(reasons) or "none is known"
    raise click.ClickException(f"No machine that runs the site answers ({known}). Nothing was changed.")
