"""`roseau init`: a data folder with its address and, if named, its owner."""

import re
from urllib.parse import urlsplit

import click

from roseau.cli.groups import Command, settings_of
from roseau.cli.passwords import password_option, read_password_hash
from roseau.cli.working import make_folder, opened_site
from roseau.domain.accounts.creation import NewAccount
from roseau.domain.accounts.names import check_email
from roseau.operations import INITIALISE, NewSite
from roseau.settings import check_base_url
from roseau.storage.lease import take_lease

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?\Z")


@click.command("init", cls=Command)
@click.option("--domain", required=True, help="The name of the site: the part after the second @.")
@click.option("--base-url", help="The address it is reached at.  [default: https://DOMAIN]")
@click.option("--owner", metavar="NAME", help="Also make the owner's account, under this name.")
@click.option("--email", help="The owner's mail address.")
@click.option(
    "--contact",
    default="",
    help="Where users and authorities write: shown to all, and needed before strangers can sign up.",
)
@password_option
@click.pass_context
def command(
    context: click.Context,
    domain: str,
    base_url: str | None,
    owner: str | None,
    email: str | None,
    contact: str,
    password_stdin: bool,
) -> None:
    """Make a data folder for a site, with its address.

    Not needed to try things out: `roseau serve` makes what is missing and asks for the rest in the browser.
    The address is part of every post, so choose the one that will stay.

    \b
    Example:
      roseau init --domain example.org --owner ada --email ada@example.org --password-stdin
    """
    domain = domain.strip().lower()
    if not _DOMAIN.match(domain):
        raise click.UsageError(
            f"--domain {domain!r} is not a name such as example.org (or xn--…, if it has accents)"
        )
    url = check_base_url(base_url or f"https://{domain}")
    if urlsplit(url).netloc.lower() != domain:
        raise click.UsageError(f"--base-url {url} is not an address of {domain}")
    if bool(owner) != bool(email):
        raise click.UsageError("--owner and --email go together")
    if contact and check_email(contact.strip()):
        raise click.UsageError("--contact takes a mail address")
    if password_stdin and not owner:
        raise click.UsageError("--password-stdin is the owner's; name one with --owner")
    account = None
    if owner and email:
        password_hash = read_password_hash(password_stdin)
        account = NewAccount(username=owner, email=email, password_hash=password_hash, role="owner")
    settings = settings_of(context)
    folder = make_folder(settings)
    with take_lease(folder), opened_site(settings) as opened:
        opened.perform(INITIALISE, NewSite(url, account, contact.strip()))
    print(f"{folder} is ready for {url}. Start it with `roseau serve`.")
    print("Nothing but its machine.key opens it yet: make a recovery key with `roseau recovery make`.")
