"""`roseau switch`: a planned hand-over to a reed."""

import click

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import steer
from roseau.steering import SWITCH, ReedName


@click.command("switch", cls=Command)
@click.argument("name")
@click.pass_context
def command(context: click.Context, name: str) -> None:
    """Hand the site over to the reed NAME, while everything runs.

    Requests wait for the moment that it takes, and none is lost. Afterwards this server leads everybody who
    still comes here to the new primary; point the site's name there, then make this machine a reed with
    `roseau demote`.
    """
    address = steer(settings_of(context), SWITCH, ReedName(name))
    print(f"{name} runs the site now, at {address}. Whoever comes here is led there.")
    print("Point the site's name at that machine, then run `roseau demote` here.")
