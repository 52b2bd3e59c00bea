"""`roseau names`: the other names of the site, their order, and the key that signs the list of them."""

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.domain.names import SiteName
from roseau.operations import ADD_NAME, LIST_NAMES, ORDER_NAMES, REMOVE_NAMES, ROTATE_KEY, Nothing
from roseau.survival.addresses.names import GivenNames, NewName


@click.group("names", cls=LazyGroup)
def command() -> None:
    """Give the site other names, for the day when one of them is lost.

    Accounts and posts carry the site's own domain, which cannot be changed. Under an alias or an onion
    address members find the same site. A manifest, signed by the site, tells them all.
    """


@command.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """List the names in their order: kind, name, address. Mails lead to the first that is a door."""
    _show(perform(settings_of(context), LIST_NAMES, Nothing()))


@command.command("add")
@click.argument("name")
@click.option("--mirror", "kind", flag_value="mirror", help="It is the address of a copy for readers.")
@click.option("--gateway", "kind", flag_value="gateway", help="It is the address of a gateway.")
@click.pass_context
def add(context: click.Context, name: str, kind: str | None) -> None:
    """Add a name behind the others: an alias, or an onion address, which its ending tells.

    It works as soon as DNS and the proxy lead it to this server.

    \b
    Examples:
      roseau names add example.net
      roseau names add --mirror https://mirror.example/our-site
    """
    wanted = NewName(name, "mirror" if kind == "mirror" else "gateway" if kind == "gateway" else "")
    print(perform(settings_of(context), ADD_NAME, wanted).url)


@command.command("remove")
@click.argument("names", nargs=-1, required=True)
@click.pass_context
def remove(context: click.Context, names: tuple[str, ...]) -> None:
    """Remove names. The site's own domain stays."""
    perform(settings_of(context), REMOVE_NAMES, GivenNames(list(names)))


@command.command("order")
@click.argument("names", nargs=-1, required=True)
@click.pass_context
def order(context: click.Context, names: tuple[str, ...]) -> None:
    """Put these names first, in this order; the others follow as they were. Prints them all.

    \b
    Example, after the loss of the domain:
      roseau names order example.net
    """
    _show(perform(settings_of(context), ORDER_NAMES, GivenNames(list(names))))


@command.command("rotate-key")
@click.pass_context
def rotate_key(context: click.Context) -> None:
    """Let the next key sign the manifest from now on, when the present one may be known to others.

    Make a backup afterwards: who restores an older one has to rotate again.
    """
    manifest = perform(settings_of(context), ROTATE_KEY, Nothing())
    print(f"Manifest {manifest.number} is signed by the key {manifest.key}")


def _show(names: list[SiteName]) -> None:
    for name in names:
        print(name.kind, name.name, name.url, sep="\t")
