"""Backups: complete though the server works, and restored only from a file that is as it was written."""

import gzip
import hashlib
import io
import os
import random
import re
import shutil
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from roseau.app import open_server
from roseau.cli.archive import SEAL_BYTES, WrongArchive, _to_seal, verify
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs, hash_file
from roseau.storage.copying import copy_sqlite
from roseau.storage.schema.log import events
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement
from tests.cli.running import call, ok, run, serving
from tests.servers import postgresql


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small community in SQLite, with pictures, and a backup of it beside it."""
    folder = tmp_path_factory.mktemp("site")
    ok("demo", "--accounts", "5", "--statuses", "30", "--data", folder / "data")
    ok("backup", folder / "backup.tar.gz", "--data", folder / "data")
    return folder / "data"


@pytest.fixture
def archive(site: Path, tmp_path: Path) -> Path:
    """The backup, to do with as one likes."""
    return Path(shutil.copy(site.parent / "backup.tar.gz", tmp_path))


@pytest.fixture
def empty_database_url(database_kind: str) -> Iterator[str]:
    """Where to restore to: empty for SQLite, else a PostgreSQL database without tables."""
    if database_kind == "sqlite":
        yield ""
        return
    name = f"restored_{os.getpid()}_{random.randrange(1 << 32):x}"
    yield postgresql.create_database(postgresql.shared(), name)
    postgresql.drop_database(postgresql.shared(), name)


_first_event = statement(select(func.min(events.c.seq)))


def texts_of(data: Path, database: str) -> dict[str, str]:
    """Every post of a site by its id."""
    server = open_server(Settings(data=str(data), database=database))
    try:
        found = server.database.read_now(
            lambda tx: tx.all(statement(select(statuses.c.id, statuses.c.text)))  # type: ignore[call-overload]
        )
        return {str(row.id): row.text for row in found}
    finally:
        server.database.close()


def files_of(folder: Path) -> dict[str, str]:
    """What lies in a data folder, but for the database, the lock, and keys of evidence: no copy has those."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("roseau.") and path.parent.name != "evidence"
    }


def test_every_post_acknowledged_before_a_backup_under_load_is_in_it(
    tmp_path: Path, database_url: str, empty_database_url: str
) -> None:
    data, file = tmp_path / "data", tmp_path / "backup.tar.gz"
    ok("demo", "--accounts", "6", "--statuses", "60", "--data", data, database=database_url)
    token = ok("token", "create", "demo", "--data", data, database=database_url)
    acknowledged: dict[str, str] = {}
    stop = threading.Event()
    with serving(data, database=database_url, rate_limits="false") as served:
        writers = [
            threading.Thread(target=post_on, args=(served.address, token, number, acknowledged, stop))
            for number in range(3)
        ]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 20:
            assert not stop.wait(0.01)
        before = dict(acknowledged)
        ok("backup", file, "--data", data, database=database_url)
        stop.set()
        for writer in writers:
            writer.join()
    assert len(acknowledged) > len(before)

    restored = tmp_path / "restored"
    ok("restore", file, "--data", restored, database=empty_database_url)
    texts = texts_of(restored, empty_database_url)
    assert before.items() <= texts.items()
    assert texts.items() <= texts_of(data, database_url).items()
    assert files_of(restored) == files_of(data)
    assert list((data / "evidence").glob("*.key")) and not (restored / "evidence").exists()
    with serving(restored, database=empty_database_url) as served:
        status, posted = call(served.address, "POST", "/api/v1/statuses", token, {"status": "and it goes on"})
        assert status == 200
        assert int(posted["id"]) > max(map(int, texts))


def post_on(
    address: str, token: str, number: int, acknowledged: dict[str, str], stop: threading.Event
) -> None:
    """Post until told to stop."""
    count = 0
    while not stop.is_set():
        text = f"writer {number}, post {count}"
        try:
            status, body = call(address, "POST", "/api/v1/statuses", token, {"status": text})
        except (OSError, HTTPException):
            continue
        assert status == 200, body
        acknowledged[body["id"]] = text
        count += 1


def test_numbers_go_on_where_they_were(tmp_path: Path, database_url: str, empty_database_url: str) -> None:
    """Readers of the log remember how far they came: an event with a smaller number would never be read."""
    data, file = tmp_path / "data", tmp_path / "backup.tar.gz"
    ok("init", "--domain", "roseau.test", "--data", data, database=database_url)
    for name in ("ada", "bob"):
        ok("account", "create", name, "--email", f"{name}@roseau.test", "--data", data, database=database_url)
    server = open_server(Settings(data=str(data), database=database_url))
    server.database.write_now(lambda tx: tx.script("DELETE FROM events"))
    server.database.close()
    ok("backup", file, "--data", data, database=database_url)
    ok("restore", file, "--data", tmp_path / "restored", database=empty_database_url)
    ok(
        "account", "create", "cyd", "--email", "cyd@roseau.test", "--data", tmp_path / "restored",
        database=empty_database_url,
    )  # fmt: skip
    server = open_server(Settings(data=str(tmp_path / "restored"), database=empty_database_url))
    assert server.database.read_now(lambda tx: tx.value(_first_event)) >= 3
    server.database.close()


def test_a_backup_is_readable_by_its_owner_alone_and_leaves_nothing_beside_it(
    site: Path, archive: Path
) -> None:
    assert sorted(path.name for path in site.parent.iterdir()) == ["backup.tar.gz", "data"]
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert names[0] == "header.json" and names[-1] == "manifest.json"
    assert {"database.db", "machine.key"} <= set(names)
    assert any(name.startswith("media/") for name in names)


def test_a_backup_that_fails_leaves_the_older_one(
    archive: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = archive.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(archive))

    monkeypatch.setattr("roseau.cli.backup.Writer._finish", full)
    failed = run("backup", archive, "--data", site)
    assert failed.status == 1 and "No space left" in failed.err
    assert archive.read_bytes() == older
    assert [path.name for path in archive.parent.iterdir()] == ["backup.tar.gz"]


def test_a_folder_that_is_not_empty_is_refused(archive: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("dear ada")
    refused = run("restore", archive, "--data", taken)
    assert refused.status == 1 and "not empty" in refused.err
    assert [path.name for path in taken.iterdir()] == ["letter.txt"]


def refuse(archive: Path, target: Path, said: str) -> None:
    """Restoring fails with a sentence, and leaves an empty folder."""
    refused = run("restore", archive, "--data", target)
    assert refused.status == 1, refused.out
    assert said in refused.err and refused.err.count("\n") == 1
    assert {path.name for path in target.iterdir()} <= {"roseau.lock"}


def test_any_byte_that_was_changed_is_found(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    source = random.Random(7)
    ends = [*range(40), *range(len(whole) - SEAL_BYTES - 20, len(whole))]
    for place in [*ends, *(source.randrange(len(whole)) for _ in range(60))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << source.randrange(8)
        archive.write_bytes(damaged)
        with pytest.raises(WrongArchive):
            verify(archive, lambda _: None)
    refuse(archive, tmp_path / "new", "altered")


@pytest.mark.parametrize("left", [0, 1, SEAL_BYTES, 0.3, 0.9, -1, -SEAL_BYTES])
def test_a_file_that_was_cut_off_is_found(archive: Path, tmp_path: Path, left: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(left * len(whole)) if isinstance(left, float) else left])
    refuse(archive, tmp_path / "new", "Roseau")


def test_bytes_after_the_end_are_found(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"\0")
    refuse(archive, tmp_path / "new", "backup")


def test_another_kind_of_database_is_refused(archive: Path, tmp_path: Path) -> None:
    refused = run("restore", archive, "--data", tmp_path / "new", database="postgresql:///none")
    assert refused.status == 1 and "sqlite" in refused.err


Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


def forge(archive: Path, change: Change) -> None:
    """Rewrite an archive with other members, with a manifest and a seal that fit them."""
    with tarfile.open(archive) as tar:
        members = [(entry, tar.extractfile(entry).read()) for entry in tar if entry.name != "manifest.json"]  # type: ignore[union-attr]
    change(members)
    manifest = [
        {"name": entry.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for entry, data in members
    ]
    members.append((tarfile.TarInfo("manifest.json"), msgspec.json.encode(manifest)))
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as plain, tarfile.open(fileobj=plain, mode="w|") as tar:
        for entry, data in members:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    archive.write_bytes(packed.getvalue() + _to_seal(hashlib.sha256(packed.getvalue()).hexdigest()))


def add(name: str, **attributes: Any) -> Change:
    """Put another member into the archive."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entry = tarfile.TarInfo(name)
        for attribute, value in attributes.items():
            setattr(entry, attribute, value)
        members.append((entry, b"" if attributes else b"evil"))

    return change


def edit_header(**fields: Any) -> Change:
    """Change what the archive says of itself."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        header = msgspec.json.decode(members[0][1]) | fields
        members[0] = (members[0][0], msgspec.json.encode(header))

    return change


def leave_out(name: str) -> Change:
    """Take a member out of the archive."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[:] = [member for member in members if member[0].name != name]

    return change


def test_a_forged_archive_that_changes_nothing_is_restored(archive: Path, tmp_path: Path) -> None:
    forge(archive, lambda members: None)
    ok("restore", archive, "--data", tmp_path / "new")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add("../evil"), "evil"),
        (add("/tmp/evil"), "evil"),
        (add("media/../../evil"), "evil"),
        (add("media/./evil"), "evil"),
        (add("media//evil"), "evil"),
        (add("media/.hidden/evil"), "evil"),
        (add("roseau.db"), "roseau.db"),
        (add("media/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "link"),
        (add("media/hard", type=tarfile.LNKTYPE, linkname="machine.key"), "hard"),
        (add("media/dev", type=tarfile.CHRTYPE), "dev"),
        (add("media", type=tarfile.DIRTYPE), "media"),
        (add("machine.key"), "twice"),
        (edit_header(format=2), "newer Roseau"),
        (edit_header(format=2, database="something new"), "newer Roseau"),
        (edit_header(migrations=["0001_first", "9999_later"]), "newer Roseau"),
        (edit_header(tables=[{"name": "../../etc/passwd", "columns": []}]), "tables"),
        (edit_header(database="oracle"), "describe"),
        (leave_out("header.json"), "header"),
        (leave_out("database.db"), "no database"),
        (leave_out("machine.key"), "machine.key"),
    ],
)  # fmt: skip
def test_an_archive_that_roseau_did_not_write_is_refused(
    archive: Path, tmp_path: Path, change: Change, said: str
) -> None:
    forge(archive, change)
    refuse(archive, tmp_path / "new", said)
    assert not (tmp_path / "evil").exists()


def test_a_copy_is_of_one_moment_though_the_server_writes(site: Path, tmp_path: Path) -> None:
    """The copy is finished although every step of it meets a database that has changed since."""
    server = open_server(Settings(data=str(site)))
    blobs = FolderBlobs(site / "media")
    steps: list[int] = []

    def disturb(done: int, total: int) -> None:
        steps.append(done)
        server.database.write_now(
            lambda tx: tx.script("UPDATE site_settings SET updated_at = updated_at + 1")
        )
        assert len(steps) < 2_000

    copied = copy_sqlite(site / "roseau.db", tmp_path / "copy.db", disturb, pages=20)
    server.database.close()
    assert copied == ["0001_first"] or copied[0].startswith("0001")
    assert len(steps) > 5
    assert re.match(r"SQLite format 3", (tmp_path / "copy.db").read_bytes()[:16].decode())
    assert list(blobs.names())
