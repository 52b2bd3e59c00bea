"""`roseau moderation mail`: a mail to the abuse address, piped in by the mail server."""

import sys
from typing import IO

import click

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import perform
from roseau.domain.moderation.desk.parts import MOST_BYTES
from roseau.moderating import TAKE_MAIL, GivenMail

#: As sysexits.h has it: a mail server keeps the mail, and does not send it back.
TRY_AGAIN = 75


@click.command("mail", cls=Command)
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_context
def command(context: click.Context, file: IO[bytes]) -> None:
    """Take a mail to the abuse address in, from FILE or from standard input.

    A mail server can pipe what comes for that address here. When nothing can be saved it ends with status
    75, and the mail server tries again later.
    """
    raw = file.read(MOST_BYTES)
    if not raw.strip():
        raise click.ClickException("This mail is empty.")
    try:
        received = perform(settings_of(context), TAKE_MAIL, GivenMail(raw))
    except click.ClickException as error:
        print(f"roseau: {error.message}", file=sys.stderr)
        context.exit(TRY_AGAIN)
    if received.refusal:
        print(f"refused: {received.refusal}")
        return
    kind = "letter" if received.letter_id else "notice"
    print(f"{kind} {received.number}, {received.items} items{', taken in before' if received.known else ''}")
