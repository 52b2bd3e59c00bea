"""The site's name, typed by whoever does what cannot be undone."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from roseau.settings import Settings
from roseau.survival.reeds.roster import load_state


def find_site_name(settings: Settings) -> str:
    """The site's domain, as the machine knows it without opening a database."""
    base_url = settings.base_url or load_state(Path(settings.data)).roster.base_url
    return urlsplit(base_url).netloc or "roseau"


def confirm_site(settings: Settings, warning: str) -> None:
    """Let the operator type the site's name. Raises ClickException when it is another."""
    expected = find_site_name(settings)
    click.echo(warning, err=True)
    if click.prompt(f"Type the site's name ({expected}) to go on", err=True).strip() != expected:
        raise click.ClickException("That is not the site's name. Nothing was changed.")
