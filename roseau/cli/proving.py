"""Trying a backup out: a real restore into a folder that is deleted again."""

import tempfile
from pathlib import Path

import click
import msgspec
from sqlalchemy import func, select

from roseau.cli.archive import DATABASE, WrongArchive, unpack, verify
from roseau.cli.copies import check_sqlite
from roseau.cli.progress import counted, progress_of
from roseau.cli.working import explained
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs, hash_file
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement

#: How many pictures are held against their names; the archive's manifest has vouched for all of them.
SAMPLE = 200

_counts = [
    ("accounts", statement(select(func.count()).select_from(accounts))),
    ("posts", statement(select(func.count()).select_from(statuses))),
]
_pictures = statement(
    select(media_attachments.c.file)
    .where(media_attachments.c.state == "ready", media_attachments.c.file != "")
    .order_by(func.random())
    .limit(SAMPLE)
)


class _Found(msgspec.Struct):
    counts: list[tuple[str, int]]
    pictures: list[str]


def prove(settings: Settings, file: Path) -> str:
    """Restore a backup for a trial; what was found, in a sentence. Raises ClickException."""
    try:
        with explained():
            return _prove(settings, file)
    except WrongArchive as error:
        raise click.ClickException(f"{file} was written and cannot be restored: {error}") from error


def _prove(settings: Settings, file: Path) -> str:
    size = file.stat().st_size
    with progress_of("Verifying") as report:
        verify(file, counted(report, size))
    if settings.database:
        return (
            "Every byte is as it was written. It was not restored for a trial: "
            "with PostgreSQL that takes an empty database."
        )
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".roseau-trial-") as name:
        with progress_of("Restoring for a trial") as report:
            unpack(file, Path(name), counted(report, size))
        check_sqlite(Path(name, DATABASE))
        Path(name, DATABASE).rename(Path(name, "roseau.db"))
        found = _open(msgspec.structs.replace(settings, data=name))
        _check_pictures(FolderBlobs(Path(name, "media")), found.pictures)
    counts = [f"{count} {what}" for what, count in found.counts]
    return (
        f"Restored for a trial: {', '.join(counts)}; the database is sound, its secrets open, and "
        f"{len(found.pictures)} pictures that were looked at are what they should be."
    )


def _open(settings: Settings) -> _Found:
    database = open_database(settings)
    try:
        open_site(database, settings)
        return database.read_now(_look)
    finally:
        database.close()


def _look(tx: Transaction) -> _Found:
    return _Found([(what, int(tx.value(count))) for what, count in _counts], tx.values(_pictures))


def _check_pictures(blobs: FolderBlobs, names: list[str]) -> None:
    for name in names:
        path = blobs.path_of(name)
        if not path.is_file():
            raise WrongArchive(f"the picture {name} is missing in it.")
        if hash_file(path) != name.partition(".")[0]:
            raise WrongArchive(f"the picture {name} is damaged in it.")
