"""`roseau promote`: the reed on this machine becomes the site."""

import time
from pathlib import Path

import click

from roseau.cli.groups import Command, settings_of
from roseau.cli.reed.naming import confirm_site
from roseau.cli.working import steer
from roseau.control import NotRunning, Refused, ask_server
from roseau.operations import Nothing
from roseau.steering import PROMOTE, STATUS, Force

START_SECONDS = 60.0


@click.command("promote", cls=Command)
@click.option(
    "--force",
    is_flag=True,
    help="Although too few reeds agree: acknowledged posts may be missing. Asks for the site's name.",
)
@click.pass_context
def command(context: click.Context, force: bool) -> None:
    """Make this reed the site, when the primary is lost.

    Enough of the counted reeds have to agree: with one reed that one, with two both, with three two. The
    longest log among them is taken, so nothing is lost that a member was told was saved. `roseau reed serve`
    has to run here; its process becomes the server, and this command returns when it answers.

    \b
    Then point the site's name at this machine: `roseau dns point --to ADDRESS`, or by hand.
    """
    settings = settings_of(context)
    if force:
        confirm_site(settings, "Posts that only the silent reeds have will be missing, acknowledged or not.")
    print(steer(settings, PROMOTE, Force(force)), flush=True)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            status = ask_server(Path(settings.data), STATUS, Nothing())
        except (NotRunning, Refused, OSError):
            time.sleep(0.05)
            continue
        if status.machine.role == "primary":
            print("The server runs.")
            return
        time.sleep(0.05)
    raise click.ClickException("The server has not started within a minute. Its log says why.")
