"""`roseau app`: applications that may ask members for access."""

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.operations import CREATE_APP, NewApp


@click.group("app", cls=LazyGroup)
def command() -> None:
    """Register applications of the API."""


@command.command("create")
@click.option("--name", required=True, help="What members see when it asks them.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    required=True,
    help="Where it is answered, compared to the letter; may be given several times.",
)
@click.option("--scopes", default="read", show_default=True, help="The most it may ask for.")
@click.option("--website", help="Its page, shown under posts made with it.")
@click.option("--client-id", default="", help="Its id.  [default: made up]")
@click.option("--client-secret", default="", help="Its secret.  [default: made up]")
@click.pass_context
def create(
    context: click.Context,
    name: str,
    redirect_uris: tuple[str, ...],
    scopes: str,
    website: str | None,
    client_id: str,
    client_secret: str,
) -> None:
    """Register an application and print its id and its secret, a line each.

    Only a hash of the secret is kept. Applications can also register themselves, at POST /api/v1/apps.
    """
    wanted = " ".join(scopes.replace(",", " ").split())
    new = NewApp(name, list(redirect_uris), wanted, website, client_id, client_secret)
    made = perform(settings_of(context), CREATE_APP, new)
    print(f"client_id: {made.client_id}")
    print(f"client_secret: {made.client_secret}")
