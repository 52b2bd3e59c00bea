"""Nightly backups, tried out and noted, and the reign that begins after a restore."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from roseau.cli.proving import prove
from roseau.domain.site import Site
from roseau.doors import nightly
from roseau.doors.nightly import back_up, back_up_nightly, next_backup_at
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.opening import open_database
from roseau.settings import Settings
from roseau.storage.schema.survival import machines
from roseau.storage.statements import statement
from roseau.survival.history import (
    NIGHTLY,
    SKIPPED,
    Backup,
    begin_restored_reign,
    find_position,
    finish_backup,
    list_backups,
    start_backup,
)
from tests.cli.running import ok, run

pytestmark = pytest.mark.anyio

_counted = statement(select(machines.c.counted))


def with_backups(server: Server, folder: Path, **settings: object) -> Server:
    """The same server with a folder for its backups."""
    changed = msgspec.structs.replace(server.settings, backup_folder=str(folder), **settings)
    server.site = Site(server.site.base_url, changed, server.site.data_key)
    return server


def newest(server: Server) -> Backup:
    """What is noted of the last backup."""
    return server.database.read_now(list_backups, NIGHTLY, 1)[0]


async def test_a_backup_is_made_tried_out_and_noted(server: Server, tmp_path: Path) -> None:
    await back_up(with_backups(server, tmp_path / "backups"))
    (file,) = (tmp_path / "backups").iterdir()
    made = newest(server)
    assert made.error == "" and made.place == str(file) and made.bytes == file.stat().st_size > 0
    assert made.finished_at is not None and made.finished_at >= made.started_at
    if server.database.dialect == "sqlite":
        assert made.proven_at and "0 accounts, 0 posts; the database is sound" in made.proof
    else:
        assert made.proven_at is None and "not restored" in made.proof


async def test_a_backup_that_fails_says_why_and_keeps_the_older_ones(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    older = folder / "roseau-2026-01-01.tar.gz"
    older.write_bytes(b"older")
    (Path(server.settings.data) / "machine.key").unlink()
    await back_up(with_backups(server, folder, backup_keep=1))
    made = newest(server)
    assert "There is no site" in made.error and made.proven_at is None and made.bytes == 0
    assert list(folder.iterdir()) == [older]


async def test_a_folder_that_cannot_be_made_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    await back_up(with_backups(server, tmp_path / "file" / "backups"))
    assert str(tmp_path / "file") in newest(server).error


async def test_only_the_newest_backups_are_kept(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"roseau-2026-01-0{day}.tar.gz").touch()
    (folder / "notes.txt").touch()
    await back_up(with_backups(server, folder, backup_keep=3))
    kept = sorted(path.name for path in folder.iterdir())
    assert kept[:3] == ["notes.txt", "roseau-2026-01-04.tar.gz", "roseau-2026-01-05.tar.gz"]
    assert len(kept) == 4


async def test_each_night_has_one(
    server: Server, tmp_path: Path, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    looked = asyncio.Event()

    async def count(server: Server) -> None:
        made.append(clock.to_iso(clock.now())[:13])
        await server.database.write(start_backup, NIGHTLY, "somewhere")

    async def next_look(seconds: float) -> None:
        looked.set()
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(nightly, "back_up", count)
    monkeypatch.setattr(nightly.asyncio, "sleep", next_look)
    with_backups(server, tmp_path / "backups", backup_hour=3)
    hours_to_three = (next_backup_at(clock.now(), 3) - clock.now()) / 1000 + 1
    server.database.write_now(start_backup, NIGHTLY, "the last")
    for seconds in (0.0, hours_to_three, hours_to_three + 60, hours_to_three + 86400 * 2 + 7200):
        at(seconds)
        looked.clear()
        task = asyncio.create_task(back_up_nightly(server))
        await looked.wait()
        task.cancel()
    assert [hour[-2:] for hour in made] == ["03", "05"]


@given(st.integers(0, 10**13), st.integers(0, 23))
def test_the_next_backup_is_at_its_hour_within_a_day(since: int, hour: int) -> None:
    at = next_backup_at(since, hour)
    assert since < at <= since + clock.DAY
    assert at % clock.DAY == hour * clock.HOUR


async def test_a_backup_that_was_broken_off_is_said_to_be(server: Server) -> None:
    database = server.database
    await database.write(start_backup, NIGHTLY, "one")
    second = await database.write(start_backup, NIGHTLY, "two")
    await database.write(finish_backup, second, 7, proof="fine", proven=True)
    found = {backup.place: backup for backup in database.read_now(list_backups, NIGHTLY, 10)}
    assert "broken off" in found["one"].error and found["one"].finished_at
    assert (found["two"].error, found["two"].proof, found["two"].bytes) == ("", "fine", 7)


# By hand


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small community with pictures."""
    folder = tmp_path_factory.mktemp("site")
    ok("demo", "--accounts", "5", "--statuses", "30", "--data", folder / "data")
    return folder / "data"


def test_a_backup_can_be_tried_out_by_hand(site: Path, tmp_path: Path) -> None:
    said = ok("backup", "--prove", tmp_path / "backup.tar.gz", "--data", site)
    assert "holds everything" in said and "Restored for a trial" in said and "secrets open" in said
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar.gz"]


def test_a_backup_without_a_picture_fails_its_trial(site: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(site, tmp_path / "data"))
    shutil.rmtree(data / "media")
    failed = run("backup", "--prove", tmp_path / "backup.tar.gz", "--data", data)
    assert failed.status == 1 and "cannot be restored" in failed.err and "missing" in failed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "data"]


def test_a_damaged_backup_fails_its_trial(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    ok("backup", file, "--data", site)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(click.ClickException, match="altered or damaged"):
        prove(Settings(data=str(site)), file)


# The reign after a restore


def test_a_restored_site_begins_a_higher_epoch_alone(site: Path, tmp_path: Path) -> None:
    ok("backup", tmp_path / "backup.tar.gz", "--data", site)
    ok("restore", tmp_path / "backup.tar.gz", "--data", tmp_path / "new")
    old, new = (open_database(Settings(data=str(folder))) for folder in (site, tmp_path / "new"))
    try:
        (epoch, number), (later, further) = (database.read_now(find_position) for database in (old, new))
        assert later == epoch + SKIPPED and further > number
    finally:
        old.close()
        new.close()


async def test_nobody_is_counted_after_a_restore(server: Server) -> None:
    server.database.write_now(
        lambda tx: tx.script(
            "INSERT INTO machines (id, name, address, certificate, sealing_key, role, counted, paired_at)"
            " VALUES ('reed', 'reed', '', '', '', 'reed', TRUE, 0)"
        )
    )
    await server.database.write(begin_restored_reign, "here")
    counted = server.database.read_now(lambda tx: tx.all(_counted))
    assert [bool(row.counted) for row in counted] == [False]
