"""`roseau rehearse`: lose the primary of a copy of this site, and see how long its standby takes."""

import asyncio

import click
import msgspec

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import explained, folder_of, perform, refuse_reed
from roseau.drill.failure import CannotDrill
from roseau.drill.processes import ending_politely
from roseau.drill.rehearsing import SCENARIO, rehearse
from roseau.kernel import clock
from roseau.operations import RECORD_REHEARSAL
from roseau.survival.watching.rehearsals import Rehearsal


@click.command("rehearse", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Rehearse the loss of this machine on a copy of the site. Members notice nothing.

    Copies the database beside the running server, serves the copy on this machine with a standby of its own,
    writes posts, kills the copy's primary and wipes it, promotes the standby, and looks whether everything is
    there. No mail, push or request leaves the machine, and no standby of the site hears of it. The copy is
    deleted, and the control room shows what came of it. Pictures are not copied.

    It needs room for about three and a half times the database in the data folder, and takes the time that
    it takes to copy it twice.

    Ends with 1 when something was lost, or it could not be done.
    """
    settings = settings_of(context)
    if settings.database:
        raise click.ClickException(
            "This site keeps its data in PostgreSQL, whose own replication does this work: "
            "rehearse its switch with its own tools."
        )
    folder = folder_of(settings)
    refuse_reed(folder)
    with explained(), ending_politely():
        try:
            found = asyncio.run(rehearse(folder, settings, _say))
        except CannotDrill as reason:
            # Whoever pressed the button in the control room looks for the answer there.
            found = Rehearsal(clock.now(), SCENARIO, 0.0, 0, False, str(reason))
    perform(settings, RECORD_REHEARSAL, found)
    print(msgspec.json.encode(found).decode() if as_json else _to_line(found), flush=True)
    context.exit(0 if found.passed else 1)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)


def _to_line(found: Rehearsal) -> str:
    return found.detail if found.passed or found.seconds else f"The rehearsal failed: {found.detail}"
