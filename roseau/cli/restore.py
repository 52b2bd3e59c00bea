"""`roseau restore`: a data folder from a backup, of which every byte is verified first."""

import os
import shutil
import tempfile
from pathlib import Path

import click
import msgspec

from roseau.cli.archive import DATABASE, FILES, FOLDERS, TABLES, Header, WrongArchive, unpack, verify
from roseau.cli.copies import check_sqlite, restore_postgresql
from roseau.cli.groups import Command, settings_of
from roseau.cli.moments import parse_moment
from roseau.cli.progress import counted, progress_of
from roseau.cli.recovery import read_words, words_option
from roseau.cli.restore_vault import VaultRefused, restore_from_vault
from roseau.cli.working import explained, make_folder
from roseau.kernel import clock
from roseau.kernel.words import from_words
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.lease import take_lease
from roseau.storage.migrations import list_migrations
from roseau.storage.secrets import machine_id_of, read_machine_key
from roseau.survival.history import begin_restored_reign

LOCK, DATABASE_FILE = "roseau.lock", "roseau.db"


@click.command("restore", cls=Command)
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--from", "vault", metavar="VAULT", help="Restore from this vault, a folder or s3://…, instead of FILE."
)
@click.option("--at", "moment", metavar="TIME", help="The moment in the vault.  [default: the last there is]")
@words_option
@click.pass_context
def command(
    context: click.Context, file: Path | None, vault: str | None, moment: str | None, words_from: str | None
) -> None:
    """Make the data folder anew from the backup in FILE, or from a vault.

    The folder has to be empty, or not be there; where the setting `database` names PostgreSQL, that database
    too. Nothing is put in place before every byte of FILE has been verified, and a restore that fails leaves
    the folder as empty as it was. What is restored begins without standbys: pair them anew.

    From a vault any moment can be restored that it reaches back to, with the nine words of the recovery key.
    TIME is as in "2026-11-22 14:03" (UTC) or 2026-11-22T14:03:00+01:00, or -2h: two hours ago. Where an
    object of the vault is damaged or missing, it is named, and the restore ends before it.

    \b
    Examples:
      roseau restore roseau-2026-11-22.tar.gz --data /srv/roseau
      roseau restore --from /mnt/vault --at "2026-11-22 14:03" --data /srv/roseau
    """
    if (file is None) == (vault is None):
        raise click.UsageError("Name either the FILE of a backup or a vault with --from.")
    if file is not None and (moment is not None or words_from is not None):
        raise click.UsageError("--at and --words-from go with --from: a backup in a file is of one moment.")
    settings = settings_of(context)
    at = None if moment is None else parse_moment(moment)
    folder = _empty_folder(settings)
    recovery_key = b"" if vault is None else from_words(read_words(words_from))
    try:
        staging = tempfile.TemporaryDirectory(dir=folder, prefix=".restoring-")
        with explained(), take_lease(folder), staging as name:
            if file is not None:
                said = f"it was at {clock.to_iso(_prepare(settings, file, Path(name)).created_at)}"
            else:
                said = restore_from_vault(settings, vault or "", at, recovery_key, Path(name))
            _put_in_place(Path(name), folder)
    except (WrongArchive, VaultRefused) as error:
        raise click.ClickException(str(error)) from error
    print(f"{folder} is as {said}. Start it with `roseau serve`.")


def _empty_folder(settings: Settings) -> Path:
    folder = make_folder(settings)
    if any(entry.name != LOCK for entry in folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty. Name an empty folder with --data.")
    return folder


def _prepare(settings: Settings, file: Path, staging: Path) -> Header:
    """Everything verified and unpacked in a folder beside its place; the database of PostgreSQL is filled."""
    size = file.stat().st_size
    with progress_of("Verifying") as report:
        verify(file, counted(report, size))
    with progress_of("Unpacking") as report:
        header = unpack(file, staging, counted(report, size))
    wanted = "postgresql" if settings.database else "sqlite"
    if header.database != wanted:
        raise WrongArchive(
            f"This backup is of a site on {header.database}, and the setting `database` names {wanted}."
        )
    if set(header.migrations) - set(list_migrations(header.database)):
        raise WrongArchive("This backup was made by a newer Roseau. Update Roseau, then restore it.")
    if header.database == "sqlite":
        if not (staging / DATABASE).is_file():
            raise WrongArchive("The archive holds no database.")
        check_sqlite(staging / DATABASE)
        (staging / DATABASE).rename(staging / DATABASE_FILE)
    else:
        with progress_of("Filling the database") as report:
            restore_postgresql(settings.database, header, staging / TABLES, report)
        shutil.rmtree(staging / TABLES)
    _try(msgspec.structs.replace(settings, data=str(staging)))
    return header


def _put_in_place(staging: Path, folder: Path) -> None:
    # What gets a name in the data folder is on disk by then; the database comes last.
    os.sync()
    for name in (*FILES, *FOLDERS, DATABASE_FILE):
        if (staging / name).exists():
            (staging / name).rename(folder / name)
    os.sync()


def _try(settings: Settings) -> None:
    """Open the site once: later migrations run, and its key is tried."""
    database = open_database(settings)
    try:
        open_site(database, settings)
        machine_id = machine_id_of(read_machine_key(Path(settings.data)))
        database.write_now(begin_restored_reign, machine_id)
    finally:
        database.close()
