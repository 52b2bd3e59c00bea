"""`roseau recovery`: the nine words that open a site's secrets when its machine is gone."""

import sys
from pathlib import Path

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import explained, perform
from roseau.kernel.words import from_words
from roseau.opening import open_database
from roseau.operations import MAKE_RECOVERY_WORDS, PROVE_RECOVERY_WORDS, NewRecoveryKey, RecoveryWords
from roseau.settings import Settings
from roseau.storage.lease import take_lease
from roseau.storage.secrets import recover_data_key

words_option = click.option(
    "--words-from",
    metavar="FILE",
    help="Read the nine words from FILE; - is standard input.  [default: ask for them]",
)


def read_words(source: str | None) -> str:
    """The nine words as they were typed, from a file, standard input or the terminal. Raises OSError."""
    if source == "-":
        return sys.stdin.read()
    if source is not None:
        return Path(source).read_text("utf-8")
    typed: str = click.prompt("The nine words, in their order", err=True)
    return typed


@click.group("recovery", cls=LazyGroup)
def command() -> None:
    """Make, prove and use the recovery key.

    The secrets of a site lie sealed in its database. Its machine opens them with machine.key; the recovery
    key, nine words on paper, opens them on any other machine.
    """


@command.command("make")
@click.option("--replace", is_flag=True, help="Also if there is one whose words were proven.")
@click.pass_context
def make(context: click.Context, replace: bool) -> None:
    """Make a recovery key and print its nine words, a line each.

    They are shown this once and kept nowhere. Write them down, keep the paper away from this machine, and
    prove with `roseau recovery prove` that it can be read. An earlier key opens the site no more; what lies
    in vaults since its time still needs it.
    """
    words = perform(settings_of(context), MAKE_RECOVERY_WORDS, NewRecoveryKey(replace))
    for place, word in enumerate(words, 1):
        print(f"{place}. {word}")
    print("Shown once. Write them down, then run `roseau recovery prove`.", file=sys.stderr)


@command.command("prove")
@words_option
@click.pass_context
def prove(context: click.Context, words_from: str | None) -> None:
    """Prove that the nine words were kept.

    Do it when they were made, and again from time to time: the control room shows the date.
    """
    perform(settings_of(context), PROVE_RECOVERY_WORDS, RecoveryWords(read_words(words_from)))
    print("These are the words of this site.")


@command.command("open")
@words_option
@click.pass_context
def open_(context: click.Context, words_from: str | None) -> None:
    """Let this machine open a data folder of another, or one whose machine.key is lost.

    \b
    Example:
      roseau recovery open --data /srv/roseau
    """
    settings = settings_of(context)
    folder = _folder_with_database(settings)
    recovery_key = from_words(read_words(words_from))
    with take_lease(folder), explained():
        database = open_database(settings)
        try:
            recover_data_key(database, folder, recovery_key)
        finally:
            database.close()
    print(f"This machine opens {folder} from now on. Start it with `roseau serve`.")


def _folder_with_database(settings: Settings) -> Path:
    """The data folder, which may lack its machine.key. Raises ClickException when there is no site in it."""
    folder = Path(settings.data)
    if not settings.database and not (folder / "roseau.db").is_file():
        raise click.ClickException(f"There is no database in {folder}. Name the site's folder with --data.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
