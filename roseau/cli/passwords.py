"""Passwords on their way in: from a pipe, from a terminal, or made up."""

import sys

import click

from roseau.domain.accounts.creation import check_password
from roseau.kernel import keys

password_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input; on a terminal, ask for it.",
)


def read_password() -> str:
    """A password that can be used. Raises UsageError for one that cannot."""
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if problem := check_password(password):
        raise click.UsageError(f"{problem}.")
    return password


def read_password_hash(wanted: bool) -> str:
    """What is kept of the password on standard input; empty when none is wanted."""
    return keys.hash_password(read_password()) if wanted else ""
