"""`roseau token`: tokens for scripts, and for clients that are tried out."""

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.operations import CREATE_TOKEN, NewToken

DEFAULT_SCOPES = "read write follow push"


@click.group("token", cls=LazyGroup)
def command() -> None:
    """Make access tokens for the API."""


@command.command("create")
@click.argument("name")
@click.option("--scopes", default=DEFAULT_SCOPES, show_default=True, help="What it opens.")
@click.option("--app", "client_id", metavar="CLIENT_ID", default="", help="The application it belongs to.")
@click.pass_context
def create(context: click.Context, name: str, scopes: str, client_id: str) -> None:
    """Make a token for a member and print it, and nothing else.

    It is shown this once: only its hash is kept.

    \b
    Example:
      TOKEN=$(roseau token create ada --scopes "read write:statuses")
    """
    wanted = " ".join(scopes.replace(",", " ").split())
    if not wanted:
        raise click.UsageError("--scopes names nothing that the token would open")
    print(perform(settings_of(context), CREATE_TOKEN, NewToken(name, wanted, client_id)))
