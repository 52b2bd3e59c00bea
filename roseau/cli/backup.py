"""`roseau backup`: database, secrets and media of one moment in one file, taken while the server runs."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from roseau import __version__
from roseau.cli.archive import DATABASE, FILES, FOLDERS, FORMAT, TABLES, Header, Writer, may_be_member
from roseau.cli.copies import copy_postgresql
from roseau.cli.groups import Command, settings_of
from roseau.cli.progress import counted, progress_of
from roseau.cli.proving import prove
from roseau.cli.working import explained, folder_of
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.copying import copy_sqlite


@click.command("backup", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--prove", "proven", is_flag=True, help="Restore it into a temporary folder, to see that it works."
)
@click.pass_context
def command(context: click.Context, file: Path, proven: bool) -> None:
    """Write a backup of everything into FILE.

    Everything is the database, the key that opens its secrets, the media and roseau.toml. Posting goes on
    meanwhile: the copy is of the moment at which it begins. FILE appears when it is complete, readable by you
    alone, and replaces an older one of that name. It holds all that is needed to become this site, so keep it
    as you would keep the server itself.

    With --prove it is restored at once into a folder beside it that is deleted again: the database is looked
    through and counted, the secrets are opened, pictures are held against their names.

    \b
    Example:
      roseau backup --prove /var/backups/roseau-$(date +%F).tar.gz
    """
    settings = settings_of(context)
    folder = folder_of(settings)
    with explained(), tempfile.TemporaryDirectory(dir=file.parent, prefix=".roseau-backup-") as name:
        header, copied = _copy_database(settings, folder, Path(name))
        # Listed after the database was copied: whatever picture it knows of is there by now.
        members = [*copied, *_list_files(folder)]
        with (
            _appearing(file) as stream,
            Writer(stream, header) as writer,
            progress_of("Writing") as report,
        ):
            add = counted(report, len(members))
            for member, path in members:
                # A picture that was deleted since is no longer wanted.
                with suppress(FileNotFoundError):
                    writer.add_file(member, path)
                add(1)
    print(f"{file} holds everything of {clock.to_iso(header.created_at)}.", flush=True)
    if proven:
        print(prove(settings, file))


def _copy_database(settings: Settings, folder: Path, into: Path) -> tuple[Header, list[tuple[str, Path]]]:
    header = Header(FORMAT, __version__, clock.now(), "sqlite", [])
    with progress_of("Copying the database") as report:
        if not settings.database:
            header.migrations = copy_sqlite(folder / "roseau.db", into / DATABASE, report)
            return header, [(DATABASE, into / DATABASE)]
        header.database = "postgresql"
        header.migrations, header.tables, header.sequences = copy_postgresql(settings.database, into, report)
    return header, [(f"{TABLES}/{table.name}", into / table.name) for table in header.tables]


def _list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for name in FILES:
        if (folder / name).is_file():
            yield name, folder / name
    for name in FOLDERS:
        for place, folders, files in os.walk(folder / name):
            # What begins with a dot is being made at this moment.
            folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
            for file in sorted(files):
                path = Path(place, file)
                member = path.relative_to(folder).as_posix()
                if may_be_member(member) and not path.is_symlink():
                    yield member, path
                else:
                    print(f"roseau: left out {path}, which is not Roseau's", file=sys.stderr)


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there, whole and on disk, when the block ends well, and not at all when it does not."""
    waiting = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            yield stream
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
