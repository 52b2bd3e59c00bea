"""The mirror's signature: whatever is altered is found, and an interrupted round leaves it whole."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from roseau.app import open_server
from roseau.settings import Settings
from roseau.storage.reading import SqliteReader
from roseau.survival.mirror.folder import Busy, Folder, NotAMirror, open_folder
from roseau.survival.mirror.format import INDEX, WrongMirror, open_envelope
from tests.cli.running import PATIENCE, ROOT, clean_environment, ok, run
from tests.survival.mirrors import Mirror
from tests.survival.test_mirror import say, upload

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mirror(client: Any, cast: Any, server: Any, tmp_path: Path) -> Mirror:
    """A mirror of two posts and a picture."""
    made = Mirror(server, tmp_path / "mirror")
    await say(client, cast.ada, "Hello", media_ids=[await upload(client, cast.ada)])
    await say(client, cast.bob, "Good morning")
    made.renew()
    return made


def append(path: Path, more: bytes = b" ") -> None:
    """Alter a file."""
    path.write_bytes(path.read_bytes() + more)


def first(mirror: Mirror, pattern: str) -> Path:
    """A file of the mirror."""
    return sorted(mirror.path.glob(pattern))[0]


TAMPERING: dict[str, tuple[Callable[[Mirror], object], str]] = {
    "page": (lambda m: append(first(m, "@ada/[0-9]*.html")), "was altered"),
    "media": (lambda m: append(first(m, "media/*/*/*")), "was altered"),
    "style": (lambda m: append(first(m, "static/css/*")), "was altered"),
    "shard": (lambda m: append(first(m, "index/*")), "was altered"),
    "missing page": (lambda m: first(m, "@bob/index.html").unlink(), "is missing"),
    "missing shard": (lambda m: first(m, "index/*").unlink(), "is missing"),
    "foreign page": (lambda m: (m.path / "win.html").write_text("You won"), "is not the site's"),
    "exchanged pages": (
        lambda m: shutil.copy(first(m, "@ada/index.html"), m.path / "@bob/index.html"),
        "was altered",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_whatever_is_altered_is_found(mirror: Mirror, name: str) -> None:
    assert mirror.verify(key=mirror.key).findings == ()
    tamper, sentence = TAMPERING[name]
    tamper(mirror)
    findings = mirror.verify(key=mirror.key).findings
    assert len(findings) == 1 and sentence in findings[0]


@pytest.mark.parametrize("old", [b'\\"number\\":', b'\\"site\\":\\"https', b'"signature":"'])
async def test_an_altered_index_is_not_believed(mirror: Mirror, old: bytes) -> None:
    index = mirror.path / INDEX
    body = index.read_bytes()
    assert old in body
    index.write_bytes(body.replace(old, old + b"0", 1))
    with pytest.raises(WrongMirror):
        mirror.verify()


async def test_another_key_and_an_old_copy_are_found(mirror: Mirror, tmp_path: Path) -> None:
    shutil.copytree(mirror.path, tmp_path / "old")
    number = mirror.renew().signed.number
    old = Mirror(mirror.server, tmp_path / "old")
    assert old.verify(key=mirror.key).findings == ()
    assert "older" in old.verify(at_least=number).findings[0]
    assert "another key" in mirror.verify(key=old.key).findings[0]
    assert mirror.verify(at_least=number, key=mirror.key).findings == ()


async def test_an_old_index_over_new_pages_is_found(client: Any, cast: Any, mirror: Mirror) -> None:
    index = (mirror.path / INDEX).read_bytes()
    await say(client, cast.ada, "Again")
    mirror.renew()
    mirror.renew()
    (mirror.path / INDEX).write_bytes(index)
    assert mirror.verify().findings


async def test_a_round_that_fails_leaves_the_copy_as_it_was(client: Any, cast: Any, mirror: Mirror) -> None:
    before = (mirror.path / INDEX).read_bytes()

    def fail(payload: bytes) -> tuple[bytes, bytes]:
        raise OSError("no key at hand")

    await say(client, cast.ada, "Later")
    with pytest.raises(OSError, match="no key"):
        mirror.renew(sign=fail)
    assert (mirror.path / INDEX).read_bytes() == before
    assert mirror.verify().findings == () and "Later" not in mirror.texts()
    mirror.renew()
    assert mirror.verify().findings == () and "Later" in mirror.texts()
    assert not list((mirror.path / ".mirror/next").iterdir())


@pytest.mark.parametrize("files", [0, 1, 3])
async def test_a_round_that_is_cut_off_while_it_is_published_stays_whole(
    client: Any, cast: Any, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Killed with so many files in place: the index knows old and new ones, the next round goes on."""
    left = files
    publish = Folder._publish_file

    def stop(folder: Folder, waiting: Path) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        publish(folder, waiting)

    removed = await say(client, cast.bob, "Soon gone")
    mirror.renew()
    await say(client, cast.ada, "Later")
    await client.delete(f"/api/v1/statuses/{removed['id']}", headers=cast.bob.auth)
    monkeypatch.setattr(Folder, "_publish_file", stop)
    with pytest.raises(KeyboardInterrupt):
        mirror.renew()
    monkeypatch.undo()
    altered = [finding for finding in mirror.verify().findings if "altered" in finding]
    assert altered == []
    mirror.renew()
    assert mirror.verify().findings == () and "Later" in mirror.texts()
    assert not (mirror.path / f"@bob/{removed['id']}.html").exists()


async def test_numbers_rise_and_the_time_is_the_rounds(mirror: Mirror) -> None:
    numbers = [mirror.renew().signed.number for _ in range(3)]
    assert numbers == sorted(set(numbers))
    key, signed = open_envelope((mirror.path / INDEX).read_bytes())
    assert signed.number == numbers[-1] and signed.names == mirror.names
    assert key == mirror.private.public_key().public_bytes_raw()


async def test_another_folder_is_left_alone(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").touch()
    with pytest.raises(NotAMirror), open_folder(tmp_path / "home"):
        pass
    with open_folder(mirror.path), pytest.raises(Busy), open_folder(mirror.path):
        pass


async def test_a_damaged_picture_is_left_out_until_it_is_repaired(
    client: Any, cast: Any, server: Any, tmp_path: Path
) -> None:
    await say(client, cast.ada, "Look", media_ids=[await upload(client, cast.ada)])
    kept = {name: server.blobs.path_of(name) for name in server.blobs.names()}
    bodies = {name: path.read_bytes() for name, path in kept.items()}
    for path in kept.values():
        path.write_bytes(b"rot")
    mirror = Mirror(server, tmp_path / "mirror")
    mirror.renew()
    assert not [path for path in mirror.entries() if path.startswith("media/")]
    for name, path in kept.items():
        path.write_bytes(bodies[name])
    mirror.renew()
    copies = [mirror.path / path for path in mirror.entries() if path.startswith("media/")]
    assert copies and mirror.verify().findings == ()
    # Whoever alters the mirror alters nothing of the site.
    append(copies[0])
    assert kept[copies[0].name].read_bytes() == bodies[copies[0].name]


# The command


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small community, whose server ran once."""
    folder = tmp_path_factory.mktemp("site") / "data"
    ok("demo", "--accounts", "5", "--statuses", "40", "--data", folder)
    open_server(Settings(data=str(folder))).database.close()
    return folder


def test_the_command_writes_and_checks(site: Path, tmp_path: Path) -> None:
    target = tmp_path / "mirror"
    assert "files are new" in ok("mirror", target, "--once", "--data", site)
    assert "0 files are new" in ok("mirror", "--data", site, target, "--once")
    said = ok("mirror", "verify", target)
    assert "signed with the key" in said
    append(target / "about.html")
    wrong = run("mirror", "verify", target)
    assert wrong.status == 1 and "about.html was altered." in wrong.out


def test_reading_leaves_the_log_as_it_is(site: Path, tmp_path: Path) -> None:
    """The last to close a database would copy the log into it: not somebody who only reads."""
    shutil.copytree(site, tmp_path / "copy")
    path = tmp_path / "copy/roseau.db"
    writer = apsw.Connection(str(path))
    writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    writer.execute("UPDATE accounts SET version = version + 1")
    writer.close()
    log = path.with_name("roseau.db-wal")
    before = log.read_bytes(), path.read_bytes()
    assert before[0]
    reader = SqliteReader(path)
    assert reader.read_now(lambda tx: tx.now)
    ok("mirror", tmp_path / "mirror", "--once", "--data", tmp_path / "copy")
    with pytest.raises(apsw.ReadOnlyError):
        reader._connection.execute("DELETE FROM accounts")
    reader.close()
    assert (log.read_bytes(), path.read_bytes()) == before


def test_it_goes_on_until_it_is_told_to_stop(site: Path, tmp_path: Path) -> None:
    words = ["mirror", str(tmp_path / "mirror"), "--every", "0.1", "--data", str(site)]
    process = subprocess.Popen([sys.executable, "-m", "roseau", *words], env=clean_environment(), cwd=ROOT)
    try:
        numbers = set()
        until = time.monotonic() + PATIENCE
        while len(numbers) < 2 and time.monotonic() < until:
            if (tmp_path / "mirror" / INDEX).exists():
                numbers.add(open_envelope((tmp_path / "mirror" / INDEX).read_bytes())[1].number)
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
    assert len(numbers) == 2 and "files of" in ok("mirror", "verify", tmp_path / "mirror")
