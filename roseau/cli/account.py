"""`roseau account`: members, as their operator makes and changes them."""

import secrets
import sys

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.passwords import password_option, read_password_hash
from roseau.cli.working import perform
from roseau.domain.accounts.creation import ROLES, NewAccount, Role
from roseau.kernel import clock, keys
from roseau.kernel.i18n import LANGUAGES
from roseau.operations import (
    ADD_ACCOUNT,
    DELETE_ACCOUNT,
    LIST_ACCOUNTS,
    SET_PASSWORD,
    SET_ROLE,
    SHOW_ACCOUNT,
    AccountRow,
    Named,
    NewPassword,
    NewRole,
    Nothing,
)


@click.group("account", cls=LazyGroup)
def command() -> None:
    """Make, list and change the accounts of this site."""


@command.command("create")
@click.argument("name")
@click.option("--email", required=True, help="The mail address; taken as confirmed.")
@click.option("--role", type=click.Choice(ROLES), default="member", show_default=True)
@click.option("--display-name", default="", help="The name that is shown.  [default: NAME]")
@click.option("--locale", type=click.Choice(LANGUAGES), default="en", help="The language of the pages.")
@click.option("--locked", is_flag=True, help="Followers ask first.")
@click.option("--discoverable", is_flag=True, help="May be suggested to others and found by its words.")
@click.option("--bot", is_flag=True, help="Posts by itself, and is marked so.")
@password_option
@click.pass_context
def create(
    context: click.Context,
    name: str,
    email: str,
    role: Role,
    display_name: str,
    locale: str,
    locked: bool,
    discoverable: bool,
    bot: bool,
    password_stdin: bool,
) -> None:
    """Make an account, confirmed and approved, and print its id.

    Without --password-stdin it has no password: its owner signs in after asking for a new one by mail.
    """
    new = NewAccount(
        username=name.removeprefix("@"),
        email=email,
        password_hash=read_password_hash(password_stdin),
        role=role,
        display_name=display_name,
        locale=locale,
        locked=locked,
        discoverable=discoverable,
        bot=bot,
    )
    print(perform(settings_of(context), ADD_ACCOUNT, new))


@command.command("list")
@click.option("--role", help="Only these.")
@click.pass_context
def list_(context: click.Context, role: str | None) -> None:
    """List the accounts: id, name, role, mail address, day of joining, state."""
    for row in perform(settings_of(context), LIST_ACCOUNTS, Nothing()):
        if role in (None, row.role):
            joined = clock.to_date(row.created_at)
            print(row.id, row.username, row.role, row.email, joined, _state_of(row), sep="\t")


def _state_of(row: AccountRow) -> str:
    if row.suspended_at is not None:
        return "suspended"
    if row.disabled_at is not None:
        return "disabled"
    if row.confirmed_at is None:
        return "unconfirmed"
    return "waiting" if row.approved_at is None else "active"


@command.command("show")
@click.argument("name")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show what the site knows of an account."""
    row = perform(settings_of(context), SHOW_ACCOUNT, Named(name))
    lines = {
        "id": row.id,
        "name": row.username,
        "display name": row.display_name or "-",
        "mail address": row.email,
        "role": row.role,
        "state": _state_of(row),
        "language": row.locale,
        "locked": "yes" if row.locked else "no",
        "joined": clock.to_iso(row.created_at),
        "last post": clock.to_iso(row.last_status_at) if row.last_status_at else "-",
        "posts": row.statuses_count,
        "followers": row.followers_count,
        "following": row.following_count,
    }
    for name_of, value in lines.items():
        print(f"{name_of + ':':<14}{value}")


@command.command("role")
@click.argument("name")
@click.argument("role")
@click.pass_context
def set_role(context: click.Context, name: str, role: str) -> None:
    """Make somebody member, reviewer, moderator, admin or owner, or give them a role of the site's own.

    The last owner cannot be made anything else before there is another.
    """
    perform(settings_of(context), SET_ROLE, NewRole(name, role))


@command.command("password")
@click.argument("name")
@password_option
@click.pass_context
def set_password(context: click.Context, name: str, password_stdin: bool) -> None:
    """Set a password, and end the sessions that the old one opened.

    Without --password-stdin one is made up and printed.
    """
    if password_stdin:
        hashed = read_password_hash(wanted=True)
    else:
        made = secrets.token_urlsafe(15)
        hashed = keys.hash_password(made)
    perform(settings_of(context), SET_PASSWORD, NewPassword(name, hashed))
    if not password_stdin:
        print(made)
    print(f"The sessions of {name} have ended.", file=sys.stderr)


@command.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def delete(context: click.Context, name: str, yes: bool) -> None:
    """Take an account and all it wrote away, for good.

    Its mail address is free again; its name stays taken, so that nobody can borrow it.
    """
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"This takes {name} away for good; say --yes to do it without being asked")
        click.confirm(f"Take {name} and everything they wrote away for good?", abort=True, err=True)
    perform(settings_of(context), DELETE_ACCOUNT, Named(name))
