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
from roseau.cli.progress import counted, progress_of
from roseau.cli.working import explained, make_folder
from roseau.kernel import clock
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.lease import take_lease
from roseau.storage.migrations import list_migrations

LOCK, DATABASE_FILE = "roseau.lock", "roseau.db"


@click.command("restore", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def command(context: click.Context, file: Path) -> None:
    """Make the data folder anew from the backup in FILE.

    The folder has to be empty, or not be there; where the setting `database` names PostgreSQL, that database
    too. Nothing is put in place before every byte of FILE has been verified, and a restore that fails leaves
    the folder as empty as it was.

    \b
    Example:
      roseau restore roseau-2026-11-22.tar.gz --data /srv/roseau
    """
    settings = settings_of(context)
    folder = make_folder(settings)
    if any(entry.name != LOCK for entry in folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty. Name an empty folder with --data.")
    try:
        staging = tempfile.TemporaryDirectory(dir=folder, prefix=".restoring-")
        with explained(), take_lease(folder), staging as name:
            header = _prepare(settings, file, Path(name))
            _put_in_place(Path(name), folder)
    except WrongArchive as error:
        raise click.ClickException(str(error)) from error
    print(f"{folder} is as it was at {clock.to_iso(header.created_at)}. Start it with `roseau serve`.")


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
    finally:
        database.close()
