"""Writing a mirror: pages are put or dropped during a round, and `finish` publishes all of it at once.

What is being made waits in `.mirror/next`, and `.mirror/state.db` knows every file. A round is published in
this order: shards, the state, `mirror.json`, then each page by a rename. While a page is being replaced the
index names both the old and the new one, so a reader never meets a page that it does not know; and whatever
interrupts a round, the next one finishes or forgets it.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec

from roseau.survival.mirror.format import (
    FORMAT,
    INDEX,
    SHARDS,
    Entry,
    Envelope,
    Signed,
    encode_shard,
    shard_of,
    shard_path,
    to_payload,
)

_HIDDEN = ".mirror"
#: Signs bytes with the site's key: its public part, and the signature.
Sign = Callable[[bytes], tuple[bytes, bytes]]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, shard TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    previous TEXT NOT NULL DEFAULT '', inputs TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_shard ON files (shard);
CREATE INDEX IF NOT EXISTS files_previous ON files (shard) WHERE previous != '';
CREATE TABLE IF NOT EXISTS uses (path TEXT, blob TEXT, PRIMARY KEY (path, blob)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uses_blob ON uses (blob);
CREATE TABLE IF NOT EXISTS shards (shard TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gone (path TEXT PRIMARY KEY, at_number INTEGER NOT NULL) WITHOUT ROWID;
"""


class NotAMirror(RuntimeError):
    """The folder holds something else, which must not be overwritten."""


class Busy(RuntimeError):
    """Another process writes this mirror."""


class Folder:
    """A mirror that is being written. Between `begin` and `finish` nothing of it changes for readers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hidden = path / _HIDDEN
        self._next = self._hidden / "next"
        self.state = apsw.Connection(str(self._hidden / "state.db"))
        self.state.execute("PRAGMA synchronous = FULL; PRAGMA temp_store = file;" + _SCHEMA)
        self._touched: set[str] = set()
        self.number = int(self.fact("number") or 0)
        self.written = 0

    # Facts

    def fact(self, name: str) -> Any:
        """Something remembered from one round to the next, or None."""
        return self.state.execute("SELECT value FROM facts WHERE name = ?", (name,)).get

    def remember(self, name: str, value: Any) -> None:
        """Remember it from this round on."""
        self.state.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # A round

    def begin(self, now: int) -> None:
        """Begin a round: finish or forget what an earlier one left behind."""
        self._recover()
        self.state.execute("BEGIN IMMEDIATE")
        self.written = 0
        self.number = max(self.number + 1, now // 1000)
        changing = rows(self.state, "SELECT DISTINCT shard FROM files WHERE previous != ''")
        self._touched = {shard for (shard,) in changing}
        self.state.execute("UPDATE files SET previous = '' WHERE previous != ''")

    def inputs(self, path: str) -> str:
        """What the present file of that path was made from, as it was said to `put`."""
        return self.state.execute("SELECT inputs FROM files WHERE path = ?", (path,)).get or ""

    def list_paths(self, prefix: str) -> list[str]:
        """The files whose paths begin like this."""
        found = rows(
            self.state, "SELECT path FROM files WHERE path >= ? AND path < ?", prefix, prefix + "\U0010ffff"
        )
        return [path for (path,) in found]

    def put(self, path: str, body: bytes, *, inputs: str = "", blobs: Iterable[str] = ()) -> None:
        """Have this file in the mirror, and the media that it shows."""
        sha256 = hashlib.sha256(body).hexdigest()
        before = self.state.execute("SELECT sha256, previous FROM files WHERE path = ?", (path,)).fetchone()
        if before is None or before[0] != sha256:
            waiting = self._next / path
            waiting.parent.mkdir(parents=True, exist_ok=True)
            waiting.write_bytes(body)
            self._record(path, sha256, len(body), "" if before is None else before[1] or before[0])
            self.written += 1
        self.state.execute("UPDATE files SET inputs = ? WHERE path = ?", (inputs, path))
        self.state.execute("DELETE FROM uses WHERE path = ?", (path,))
        self.state.executemany(
            "INSERT INTO uses VALUES (?, ?)", [(path, blob) for blob in sorted(set(blobs))]
        )

    def drop(self, path: str) -> None:
        """No longer have it."""
        self.state.execute("DELETE FROM uses WHERE path = ?", (path,))
        self.state.execute("DELETE FROM files WHERE path = ?", (path,))
        if self.state.changes():
            self._touched.add(shard_of(path))
            self.state.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (path, self.number))
            (self._next / path).unlink(missing_ok=True)

    def take_media(self, find: Callable[[str], Path | None]) -> None:
        """Bring the media to what the pages show: copies of what is new, nothing of what is not shown.

        They are copies, never hard links: whoever alters a mirror alters nothing of the site.
        """
        missing = rows(
            self.state,
            "SELECT DISTINCT blob FROM uses "
            "WHERE NOT EXISTS (SELECT 1 FROM files WHERE path = media_path(blob))",
        )
        for (name,) in missing:
            self._take(name, find(name))
        unused = rows(
            self.state,
            "SELECT path FROM files WHERE path LIKE 'media/%' "
            "AND NOT EXISTS (SELECT 1 FROM uses WHERE blob = substr(files.path, length('media/00/00/') + 1))",
        )
        for (path,) in unused:
            self.drop(path)

    def _take(self, name: str, source: Path | None) -> None:
        if source is None:
            return
        path = media_path(name)
        waiting = self._next / path
        waiting.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, waiting)
        with waiting.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        if name.partition(".")[0] != sha256:
            # The copy at hand is damaged; once it is repaired, a later round takes it.
            waiting.unlink()
            return
        self._record(path, sha256, waiting.stat().st_size, "")
        self.written += 1

    def _record(self, path: str, sha256: str, size: int, previous: str) -> None:
        shard = shard_of(path)
        self._touched.add(shard)
        self.state.execute(
            "INSERT INTO files (path, shard, sha256, size, previous) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, "
            "previous = excluded.previous",
            (path, shard, sha256, size, previous),
        )
        self.state.execute("DELETE FROM gone WHERE path = ?", (path,))

    # Publishing

    def finish(self, *, site: str, names: tuple[str, ...], title: str, now: int, sign: Sign) -> Signed:
        """Sign the round and show it to readers."""
        for shard in sorted(self._touched):
            self._write_shard(shard)
        signed = Signed(
            format=FORMAT, site=site, names=names, title=title, number=self.number, made_at=now,
            shards=dict(rows(self.state, "SELECT shard, sha256 FROM shards ORDER BY shard")),
        )  # fmt: skip
        text = msgspec.json.encode(signed).decode()
        key, signature = sign(to_payload(text))
        envelope = Envelope(signed=text, key=key.hex(), signature=signature.hex())
        self.remember("number", self.number)
        self.remember("envelope", msgspec.json.encode(envelope))
        if self.written:
            # Once for all of them: waiting for each of twenty thousand files would take minutes.
            os.sync()
        self.state.execute("COMMIT")
        self._publish()
        return signed

    def abandon(self) -> None:
        """Give the round up; readers have what they had."""
        if self.state.in_transaction:
            self.state.execute("ROLLBACK")
        self.number = int(self.fact("number") or 0)

    def _write_shard(self, shard: str) -> None:
        files = rows(self.state, "SELECT path, sha256, size, previous FROM files WHERE shard = ?", shard)
        body = encode_shard({path: Entry(sha256, size, previous) for path, sha256, size, previous in files})
        sha256 = hashlib.sha256(body).hexdigest()
        before = self.state.execute("SELECT sha256 FROM shards WHERE shard = ?", (shard,)).get
        if before == sha256:
            return
        write_whole(self.path / shard_path(shard, sha256), body)
        self.state.execute("INSERT OR REPLACE INTO shards VALUES (?, ?)", (shard, sha256))
        self.state.execute("DELETE FROM gone WHERE path = ?", (shard_path(shard, sha256),))
        if before:
            # Whoever has read the index of a moment ago still finds what it names.
            later = (shard_path(shard, before), self.number + 1)
            self.state.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", later)

    def _recover(self) -> None:
        """After an interruption: what the state knows is published, everything else forgotten."""
        if any(self._next.iterdir()):
            self._publish()
        shards = rows(self.state, "SELECT shard, sha256 FROM shards")
        known = {shard_path(shard, sha256) for shard, sha256 in shards}
        known |= {path for (path,) in rows(self.state, "SELECT path FROM gone")}
        for path in (self.path / SHARDS).glob("*"):
            if path.relative_to(self.path).as_posix() not in known:
                path.unlink()

    def _publish(self) -> None:
        envelope = self.fact("envelope")
        if envelope is not None:
            write_whole(self.path / INDEX, envelope)
        for place, _, names in os.walk(self._next, topdown=False):
            for name in names:
                self._publish_file(Path(place) / name)
            if Path(place) != self._next:
                Path(place).rmdir()
        with self.state:
            for (path,) in rows(self.state, "SELECT path FROM gone WHERE at_number <= ?", self.number):
                self._remove(path)
            self.state.execute("DELETE FROM gone WHERE at_number <= ?", (self.number,))

    def _publish_file(self, waiting: Path) -> None:
        path = waiting.relative_to(self._next).as_posix()
        expected = self.state.execute("SELECT sha256 FROM files WHERE path = ?", (path,)).get
        with waiting.open("rb") as handle:
            if expected != hashlib.file_digest(handle, "sha256").hexdigest():
                waiting.unlink()
                return
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        waiting.replace(target)

    def _remove(self, path: str) -> None:
        target = self.path / path
        target.unlink(missing_ok=True)
        for parent in Path(path).parents:
            folder = self.path / parent
            if parent == Path() or (folder.is_dir() and any(folder.iterdir())):
                break
            with suppress(FileNotFoundError):
                folder.rmdir()


@contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """The folder of a mirror, for one process at a time. Raises NotAMirror, Busy."""
    path.mkdir(parents=True, exist_ok=True)
    if not (path / _HIDDEN).is_dir() and any(path.iterdir()):
        raise NotAMirror(
            f"{path} is not empty and holds no mirror that this command wrote. Name an empty folder."
        )
    (path / _HIDDEN / "next").mkdir(parents=True, exist_ok=True)
    with (path / _HIDDEN / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"Another process writes the mirror in {path}.") from error
        folder = Folder(path)
        take_name: Any = media_path
        folder.state.create_scalar_function("media_path", take_name, 1, deterministic=True)
        try:
            yield folder
        finally:
            folder.abandon()
            folder.state.close()


def rows(state: apsw.Connection, sql: str, *values: object) -> list[Any]:
    """Every row of an answer of the mirror's own tables."""
    return list(state.execute(sql, values))


def media_path(name: str) -> str:
    """Where a blob lies in a mirror: where it lies on the site, too."""
    return f"media/{name[:2]}/{name[2:4]}/{name}"


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that nobody ever reads a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.next")
    with waiting.open("wb") as handle:
        handle.write(body)
        handle.flush()
        os.fsync(handle.fileno())
    waiting.replace(path)
