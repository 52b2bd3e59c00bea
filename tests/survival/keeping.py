"""A site whose log is kept, and its vault: what the tests of vaults stand on."""

from pathlib import Path
from typing import Any

import apsw

from roseau.domain.recovery_key import make_recovery_key
from roseau.domain.site import Site, choose
from roseau.kernel.words import from_words
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.database import Transaction
from roseau.storage.secrets import recovery_sealing_key
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.witness import Answer, Committed
from roseau.survival.history import find_position
from roseau.survival.reeds.log import Log
from roseau.survival.vault.keeper import VaultKeeper


class Logging:
    """A witness that keeps the log and asks nobody."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def admit(self) -> None:
        """Anybody may write."""

    def witness(self, commit: Committed | None, answer: Answer) -> None:
        """Copy the commit into the log."""
        if commit is not None:
            self.log.append(commit.number, commit.pages)
        answer(None)


class KeptSite:
    """A site in SQLite, its log, and a keeper of its vault that is stepped by hand."""

    def __init__(self, folder: Path, vault: Path, address: str = "", **settings: Any) -> None:
        self.folder, self.vault, self.address = folder, vault, address or str(vault)
        self.settings = Settings(
            data=str(folder),
            base_url="https://roseau.test",
            synchronous="OFF",
            vaults=(self.address,),
            **settings,
        )
        self.words = ""
        vault.mkdir(exist_ok=True)
        self.open()

    def open(self) -> None:
        """Start the server's part of it."""
        database = open_database(self.settings)
        assert isinstance(database, SqliteDatabase)
        self.database = database
        self.site: Site = open_site(self.database, self.settings)
        self.log = Log(self.folder, self.settings.survival_log_bytes)

        def begin(tx: Transaction, pages: int) -> Logging:
            self.log.begin(find_position(tx)[1], pages)
            return Logging(self.log)

        self.database.attach(begin)
        self.keeper = VaultKeeper(self.database, self.folder, self.site, self.log, self.address)

    def close(self) -> None:
        """Stop it."""
        self.database.close()
        self.log.close()

    def make_key(self) -> None:
        """Make a recovery key, as the operator does."""
        self.words = " ".join(self.database.write_now(make_recovery_key, self.site, None, replace=True))

    @property
    def private(self) -> bytes:
        """What the words open the vault with."""
        return recovery_sealing_key(from_words(self.words))

    def title(self, text: str) -> None:
        """Commit something to be recognised by."""
        self.database.write_now(choose, None, title=text)

    def turn(self) -> None:
        """Let the next commit begin a new generation of the log."""
        connection = apsw.Connection(str(self.folder / "roseau.db"))
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            # A connection knows of the log only once it has read.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            logged, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            assert logged == copied > 0
        finally:
            connection.close()

    def objects(self, part: str = "") -> list[Path]:
        """The objects of the vault whose path holds this."""
        found = (path for path in self.vault.rglob("*.sealed") if path.is_file())
        return sorted(path for path in found if part in path.relative_to(self.vault).as_posix())


def title_of(path: Path) -> str:
    """The title in a copy of the database."""
    connection = apsw.Connection(str(path))
    try:
        return str(connection.execute("SELECT value FROM site_settings WHERE name = 'title'").get).strip('"')
    finally:
        connection.close()
