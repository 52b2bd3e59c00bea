"""Opening a site from its settings: the database, brought to the present, and what commands know of it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from roseau.domain.site import Site, load_choices
from roseau.settings import Settings
from roseau.storage.database import Database
from roseau.storage.evidence_keys import EvidenceKeys
from roseau.storage.migrations import migrate
from roseau.storage.secrets import open_data_key
from roseau.storage.sqlite import SqliteDatabase


def open_database(settings: Settings) -> Database:
    """The database that the settings name, migrated to the present."""
    folder = Path(settings.data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database: Database = (
        _open_postgresql(settings.database)
        if settings.database
        else SqliteDatabase(folder / "roseau.db", settings.synchronous)
    )
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _open_postgresql(address: str) -> Database:
    # Its driver is loaded by sites that use it: on SQLite it would only cost time and memory.
    opener: Callable[[str], Database] = import_module("roseau.storage.postgresql").PostgresDatabase
    return opener(address)


def open_site(database: Database, settings: Settings) -> Site:
    """The site in a database: its secrets opened, its address found. Raises LostKey."""
    data_key = open_data_key(database, Path(settings.data))
    chosen = database.read_now(load_choices).base_url
    base_url = settings.base_url or chosen or f"http://{settings.host}:{settings.port}"
    return Site(base_url.rstrip("/"), settings, data_key, EvidenceKeys(Path(settings.data)))
