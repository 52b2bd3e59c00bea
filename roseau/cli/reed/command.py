"""`roseau reed`: invite machines that stand by, and be one."""

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.reed.naming import confirm_site
from roseau.cli.reed.serving import serve
from roseau.cli.working import steer
from roseau.operations import Nothing
from roseau.steering import COUNT_REED, INVITE_REED, REMOVE_REED, ReedName


@click.group("reed", cls=LazyGroup)
def command() -> None:
    """Keep copies of the site on other machines, ready to take over.

    A reed has every post on its disk before its author is told that it was saved. `roseau status` shows how
    they do; `roseau promote`, on a reed, makes it the site.
    """


command.add_command(serve)


@command.command("invite")
@click.pass_context
def invite(context: click.Context) -> None:
    """Print a code for a machine that is to be a reed. Good once, for an hour.

    \b
    On the other machine:
      roseau reed serve --data /srv/reed --listen 0.0.0.0:7000 --address paul.example.org:7000 --code CODE
    """
    print(steer(settings_of(context), INVITE_REED, Nothing()))


@command.command("count")
@click.argument("name")
@click.pass_context
def count(context: click.Context, name: str) -> None:
    """Count a reed that is not counted: one that was left out of a promotion, or the former primary.

    From then on writes wait for it as for the others.
    """
    steer(settings_of(context), COUNT_REED, ReedName(name))


@command.command("remove")
@click.argument("name")
@click.option("--force", is_flag=True, help="Although too few reeds answer. Asks for the site's name.")
@click.pass_context
def remove(context: click.Context, name: str, force: bool) -> None:
    """Let a machine go. It holds no key any more, and is shipped nothing."""
    settings = settings_of(context)
    if force:
        confirm_site(settings, "If that machine was promoted meanwhile, there will be two sites.")
    steer(settings, REMOVE_REED, ReedName(name, force))
