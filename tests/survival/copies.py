"""A site that keeps its log, and a copy that is fed by hand: what the tests of copies stand on."""

import hashlib
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from roseau.opening import open_database
from roseau.settings import Settings
from roseau.storage.database import Transaction
from roseau.storage.sqlite import SqliteDatabase
from roseau.survival.reeds.log import Log, Place, read_piece
from roseau.survival.reeds.machines import find_position
from roseau.survival.reeds.sending import copy_database
from roseau.survival.reeds.standby import Standby
from tests.survival.keeping import Logging

LIMIT = 1 << 30


class Facts(NamedTuple):
    """What the rows of a copy say."""

    number: int
    rows: int
    bytes: int
    last: str


_FACTS = """
SELECT (SELECT number FROM log_position), count(*), coalesce(sum(length(text)), 0),
    coalesce((SELECT text FROM filler ORDER BY id DESC LIMIT 1), '') FROM filler
"""


def facts_of(database: Path) -> Facts:
    """What SQLite reads in a database, which has to be sound. Reads the files as they are; changes them."""
    with closing(apsw.Connection(str(database))) as connection:
        assert connection.execute("PRAGMA quick_check").get == "ok"
        row: Any = connection.execute(_FACTS).fetchone()
        return Facts(*row)


def look(folder: Path, aside: Path) -> Facts:
    """The same in a copy of the folder, as the disk would show it after a crash at this moment."""
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside)
    (aside / "roseau.db-shm").unlink(missing_ok=True)
    return facts_of(aside / "roseau.db")


class Writing:
    """A site with a table of rows of any size; it knows what was there at each number."""

    def __init__(self, folder: Path, template: Path | None = None) -> None:
        self.folder = folder
        if template is None:
            folder.mkdir()
        else:
            shutil.copytree(template, folder)
        self.facts: dict[int, Facts] = {}
        self.open()
        if template is None:
            self.write("CREATE TABLE filler (id INTEGER PRIMARY KEY, text TEXT)")
        self._note()

    def open(self) -> None:
        """Begin to keep the log."""
        database = open_database(Settings(data=str(self.folder), synchronous="OFF"))
        assert isinstance(database, SqliteDatabase)
        self.database = database
        self.log = Log(self.folder, LIMIT)
        self.log.hold("test", 0)

        def begin(tx: Transaction, pages: int) -> Logging:
            self.log.begin(find_position(tx).number, pages)
            return Logging(self.log)

        database.attach(begin)

    def close(self) -> None:
        """End; the log stays."""
        self.database.close()
        self.log.close()

    @property
    def number(self) -> int:
        """How many commits there are."""
        return self.log.number

    def write(self, sql: str) -> None:
        """One commit."""

        def run(tx: Any) -> None:
            tx.script(sql)

        self.database.write_now(run)
        if self.facts:
            self._note()

    def add(self, size: int) -> None:
        """A row of so many random bytes."""
        self.write(f"INSERT INTO filler (text) VALUES (hex(randomblob({size})))")

    def _note(self) -> None:
        with closing(self.database.connect(writable=False)) as connection:
            row: Any = connection.execute(_FACTS).fetchone()
        self.facts[row[0]] = Facts(*row)

    def turn(self) -> None:
        """Let the next commit begin a new generation."""
        with closing(self.database.connect(writable=True)) as connection:
            connection.execute("SELECT count(*) FROM filler").fetchall()
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


class Fed:
    """A copy of it, in a folder of its own, and where the next piece for it begins."""

    def __init__(self, site: Writing, folder: Path) -> None:
        self.site, self.folder = site, folder
        folder.mkdir(exist_ok=True)
        self.copy = Standby(folder, LIMIT)
        self.place: Place | None = None
        self.sent = 0
        self._bases = 0

    def connect(self) -> None:
        """As when the primary calls: the copy says where it stands, and goes on from there."""
        found = self.copy.reread()
        self.place, self.sent = found.place, found.position.number

    def reopen(self) -> None:
        """As after a crash of the reed."""
        self.copy.close()
        self.copy = Standby(self.folder, LIMIT)
        self.connect()

    def feed(self, limit: int = 1 << 20) -> bool:
        """The next piece of the log; False when there is none. Raises what the copy raises."""
        found = self.site.log.follow(self.place, self.sent)
        if found is None:
            return False
        segment, start, end = found
        data = read_piece(segment, start, min(limit, end - start))
        through = segment.find_number(start + len(data))
        self.copy.write(segment.salts, segment.number_before, start, through, data)
        self.place, self.sent = Place(segment.salts, start + len(data)), max(self.sent, through)
        return True

    def sync(self) -> int:
        """To the disk; what is acknowledged."""
        number = self.copy.sync()
        self.copy.copy_back()
        return number

    def begin_base(self) -> "Base":
        """A base copy of this moment, to be given to it in pieces."""
        self._bases += 1
        path = self.folder.parent / f"base{self._bases}.db"
        position = copy_database(lambda: self.site.database.connect(writable=False), path)
        return Base(path, position.number)

    def give_base(self, base: "Base", *, follows: bool = True) -> None:
        """Give it one, and go on behind it."""
        self.copy.begin_base(base.number, base.path.stat().st_size)
        with base.path.open("rb") as file:
            while piece := file.read(100_000):
                self.copy.add_base(piece)
        place = self.site.log.after_base(base.number) if follows else None
        self.copy.end_base(base.digest(), place is not None)
        self.place, self.sent = place, base.number

    def catch_up(self) -> None:
        """Everything there is."""
        for _ in range(10_000):
            if not self.feed():
                break
            self.sync()
        assert self.sync() == self.site.number

    def check(self, acknowledged: int = 0) -> None:
        """What is on disk now is the site as it was at some number, and not before what was acknowledged."""
        found = look(self.folder, self.folder.parent / "aside")
        assert found == self.site.facts[found.number]
        assert found.number >= acknowledged


class Base(NamedTuple):
    """A base copy in a file."""

    path: Path
    number: int

    def digest(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def cut(path: Path, by: int) -> None:
    """Take some bytes from the end of a file."""
    if path.exists():
        os.truncate(path, max(0, path.stat().st_size - by))
