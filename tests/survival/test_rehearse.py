"""`roseau rehearse`: a copy of a running site loses its primary; the site hears what came of it, no more."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from roseau.drill import rehearsing
from roseau.drill.failure import CannotDrill
from roseau.drill.rehearsing import FOLDER, rehearse
from roseau.settings import Settings
from roseau.storage.reading import SqliteReader
from roseau.survival.watching.rehearsals import Rehearsal, find_last_rehearsal
from tests.cli.running import ROOT, Served, clean_environment, ok, run, serving

# Servers that are started and killed: one after another, beside those of the drill.
pytestmark = pytest.mark.xdist_group("drill")

PATIENCE = 60.0
COUNTS = [f"SELECT count(*) FROM {table}" for table in ("statuses", "accounts", "push_subscriptions")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Served]]:
    """A community whose server runs, with a mail server, a hook and a vault that nobody may call."""
    data = tmp_path_factory.mktemp("rehearsed") / "data"
    ok("demo", "--accounts", "5", "--statuses", "30", "--data", data)
    toml = ['dns_hook = "command:/bin/false"', 'smtp_host = "127.0.0.1"', "smtp_port = 9"]
    (data / "roseau.toml").write_text("\n".join(toml) + "\n")
    with serving(data) as served:
        yield data, served


def last_rehearsal(data: Path) -> Rehearsal | None:
    """What the site knows of its last one."""
    reader = SqliteReader(data / "roseau.db")
    try:
        return reader.read_now(find_last_rehearsal)
    finally:
        reader.close()


def counts(data: Path) -> list[int]:
    """How many posts, accounts and subscriptions the site has."""
    reader = apsw.Connection(str(data / "roseau.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [int(reader.execute(sql).get) for sql in COUNTS]
    finally:
        reader.close()


def processes_in(data: Path) -> list[str]:
    """The commands that work in the rehearsal's folder."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = command.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if f"{data / FOLDER}/" in said:
            found.append(said)
    return found


def test_the_standby_takes_over_and_the_site_hears_of_it(site: tuple[Path, Served]) -> None:
    data, _ = site
    before = counts(data)
    result = run("rehearse", "--json", "--data", data)
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["passed"] and found["lost"] == 0 and 0 < found["seconds"] < PATIENCE
    assert found["detail"] == f"The standby took over in {found['seconds']:.1f} seconds; nothing was lost."
    noted = last_rehearsal(data)
    assert noted is not None and (noted.at, noted.passed) == (found["at"], True)
    assert noted.seconds == pytest.approx(found["seconds"])
    assert counts(data) == before
    assert not (data / FOLDER).exists() and not (data / "mail").exists()
    assert processes_in(data) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the processes from /proc")
def test_a_rehearsal_that_is_stopped_leaves_nothing(site: tuple[Path, Served]) -> None:
    data, _ = site
    command = [sys.executable, "-m", "roseau", "rehearse", "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE) as process:
        until = time.monotonic() + PATIENCE
        while not any(" serve " in said for said in processes_in(data)):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        # Only one at a time.
        second = run("rehearse", "--data", data)
        assert second.status == 1 and "at work" in second.err
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGINT
    assert processes_in(data) == []
    assert not (data / FOLDER).exists()


def test_what_a_killed_one_left_is_taken_away(site: tuple[Path, Served]) -> None:
    data, _ = site
    (data / FOLDER / "primary").mkdir(parents=True)
    with rehearsing._room(data / FOLDER) as room:
        assert [path.name for path in room.iterdir()] == ["roseau.lock"]
    assert not (data / FOLDER).exists()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_does_not_begin_without_room(
    site: tuple[Path, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _ = site
    monkeypatch.setattr(rehearsing, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(CannotDrill, match="MB are free"):
        await rehearse(data, Settings(data=str(data)), print)
    assert not (data / FOLDER).exists()


def test_the_copy_knows_nobody_who_could_be_reached(site: tuple[Path, Served], tmp_path: Path) -> None:
    data, _ = site
    with apsw.Connection(str(data / "roseau.db"), flags=apsw.SQLITE_OPEN_READONLY) as real:
        assert real.execute("SELECT count(*) FROM schema_migrations").get
    rehearsing._copy(data, tmp_path)
    copy = apsw.Connection(str(tmp_path / "roseau.db"))
    for table in ("jobs", "push_subscriptions", "scheduled_statuses", "machines"):
        assert copy.execute(f"SELECT count(*) FROM {table}").get == 0
    members, needed = copy.execute("SELECT members, needed FROM epochs ORDER BY epoch DESC LIMIT 1").get
    assert (members, needed) == ("[]", 0)
    copy.close()


def test_postgresql_has_its_own(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "roseau.toml").write_text('database = "postgresql://127.0.0.1/roseau"\n')
    result = run("rehearse", "--data", data)
    assert result.status == 1 and "PostgreSQL" in result.err
