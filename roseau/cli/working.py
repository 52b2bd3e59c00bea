"""Doing an operation: by the running server if there is one, else here, holding the data folder."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import apsw
import click
import msgspec

from roseau.control import NotRunning, Refused, ask_server
from roseau.domain.site import Site
from roseau.kernel.errors import Unavailable
from roseau.opening import open_database, open_site
from roseau.operations import Operation
from roseau.settings import Settings
from roseau.steering import Action
from roseau.storage.database import Database
from roseau.storage.lease import InUse, take_lease
from roseau.storage.migrations import NewerDatabase
from roseau.storage.secrets import LostKey
from roseau.storage.sqlite import UnsafeSQLite
from roseau.survival.reeds.primary import Primary, open_primary
from roseau.survival.reeds.roster import load_state

A = TypeVar("A", bound=msgspec.Struct)
R = TypeVar("R")

#: How long to wait for a server that is starting, or for another command to finish.
PATIENCE_SECONDS = 10.0


def folder_of(settings: Settings) -> Path:
    """The data folder. Raises ClickException when there is no site in it."""
    folder = Path(settings.data)
    if not (folder / "machine.key").is_file():
        raise click.ClickException(
            f"There is no site in {folder}. Make one with `roseau init` or `roseau serve`, "
            "or name its folder with --data."
        )
    return folder


def make_folder(settings: Settings) -> Path:
    """The data folder, made for its owner's eyes only if it is not there."""
    folder = Path(settings.data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _errors_of_postgresql() -> tuple[type[BaseException], ...]:
    """What the driver raises; nothing where it is not loaded, for then it has raised nothing."""
    driver = sys.modules.get("psycopg")
    return () if driver is None else (driver.Error,)


@contextmanager
def explained() -> Iterator[None]:
    """Say what stands against opening a site in one line, instead of a traceback."""
    try:
        yield
    except (NewerDatabase, UnsafeSQLite, LostKey, Refused) as error:
        raise click.ClickException(str(error)) from error
    except apsw.Error as error:
        raise click.ClickException(f"SQLite cannot use the database: {error}.") from error
    except _errors_of_postgresql() as error:
        raise click.ClickException(f"PostgreSQL refuses: {' '.join(str(error).split())}") from error


class Opened(msgspec.Struct):
    """A site that is open in this process."""

    database: Database
    site: Site

    def perform(self, operation: Operation[A, R], arguments: A) -> R:
        """Do the operation; its result."""
        enter = self.database.write_now if operation.writes else self.database.read_now
        try:
            return enter(operation.function, self.site, arguments)
        except Unavailable as error:
            raise click.ClickException(f"The database cannot be used: {error.__cause__ or error}") from error


@contextmanager
def opened_site(settings: Settings) -> Iterator[Opened]:
    """The site in the data folder, closed at the end. The caller holds the lease."""
    with explained():
        refuse_reed(Path(settings.data))
        database = open_database(settings)
        survival: Primary | None = None
        try:
            site = open_site(database, settings)
            survival = open_primary(database, Path(settings.data), settings, site.data_key, site.base_url)
            if survival is not None:
                # What a command reports as done is where the reeds are, as with a server.
                survival.start()
            yield Opened(database, site)
        finally:
            if survival is not None:
                survival.close()
            database.close()


def refuse_reed(folder: Path) -> None:
    """Raise ClickException when the folder is that of a reed, which the primary alone writes to."""
    state = load_state(folder)
    if state.role == "reed":
        raise click.ClickException(
            f"{folder} is the copy of a reed. It follows the primary with `roseau reed serve`, "
            "and becomes the site with `roseau promote`."
        )


def steer(settings: Settings, action: Action[A, R], arguments: A) -> R:
    """Have the process that runs in the data folder do it. Raises ClickException when none does."""
    folder = Path(settings.data)
    try:
        with explained():
            return ask_server(folder, action, arguments)
    except NotRunning:
        raise click.ClickException(
            f"Nothing runs in {folder}. Start `roseau serve`, or `roseau reed serve` on a reed, first."
        ) from None


def perform(settings: Settings, operation: Operation[A, R], arguments: A) -> R:
    """Do the operation; its result. Raises InUse when another command does not let go of the folder."""
    folder = folder_of(settings)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with explained():
                return ask_server(folder, operation, arguments)
        except NotRunning:
            pass
        try:
            lease = take_lease(folder)
        except InUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
            continue
        with lease, opened_site(settings) as opened:
            return opened.perform(operation, arguments)
