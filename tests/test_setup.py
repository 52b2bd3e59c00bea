"""The scripts of bin/ on machines of many kinds, and the servers that the tests start."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest

from bin.lib import environment
from tests.servers import chromium, postgresql

ROOT = Path(__file__).parents[1]
NOWHERE = "no-such-python"


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Returns once `condition` holds, and fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the real bin/, no requirements and a `roseau` that says how it was called."""
    root = tmp_path / "a project"
    for folder in ("bin/lib", "requirements", "roseau"):
        (root / folder).mkdir(parents=True)
    for name in ("bin/roseau", "bin/lib/environment.sh", "bin/lib/environment.py"):
        (root / name).write_bytes((ROOT / name).read_bytes())
        (root / name).chmod(0o755)
    (root / "requirements/run.txt").write_text("# nothing\n")
    (root / "roseau/__init__.py").touch()
    (root / "roseau/__main__.py").write_text("import sys\nprint('roseau', sys.argv[1:], sys.prefix)\n")
    return root


def start(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs bin/roseau, without the settings of whoever runs the tests."""
    return subprocess.run(
        [root / "bin/roseau", *arguments], env=settings(variables), cwd=root, capture_output=True, text=True
    )


def settings(variables: dict[str, str]) -> dict[str, str]:
    """The environment for a script: the tests' own, without Roseau's variables but these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ROSEAU_")}
    return own | {"ROSEAU_PYTHON": sys.executable} | variables


def finish_by_hand(root: Path) -> Path:
    """Puts a finished environment in its place, whose Python only says how it was called."""
    python = root / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "python $*"\n')
    python.chmod(0o755)
    requirements = (root / "requirements/run.txt").read_bytes()
    checksum = subprocess.run(["cksum"], input=requirements, capture_output=True, check=True)
    (root / ".venv/roseau-stamp").write_text(f"{checksum.stdout.decode().strip()} {root}\n")
    return root / ".venv"


def test_the_first_start_builds_the_environment_over_an_unfinished_one(project: Path) -> None:
    unfinished = project / ".venv/lib/half-a-package"
    unfinished.mkdir(parents=True)
    (project / ".venv/roseau-stamp").touch()

    first = start(project, "serve", "--data", "a folder")

    assert first.stdout == f"roseau ['serve', '--data', 'a folder'] {project / '.venv'}\n", first.stderr
    assert first.returncode == 0
    assert "preparing" in first.stderr
    assert "ready" in first.stderr
    assert not unfinished.exists()

    second = start(project, ROSEAU_PYTHON=NOWHERE)

    assert (second.returncode, second.stderr) == (0, "")
    assert second.stdout.startswith("roseau [] ")


def test_a_finished_environment_is_used_as_it_is(project: Path) -> None:
    finish_by_hand(project)

    done = start(project, "account", "list", ROSEAU_PYTHON=NOWHERE)

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "python -P -m roseau account list\n")


def change_requirements(root: Path) -> None:
    (root / "requirements/run.txt").write_text("# something else\n")


def interrupt_build(root: Path) -> None:
    (root / ".venv/roseau-stamp").write_text("")


def lose_python(root: Path) -> None:
    (root / ".venv/bin/python").unlink()
    (root / ".venv/bin/python").symlink_to("/nonexistent/python3.11")


@pytest.mark.parametrize("damage", [change_requirements, interrupt_build, lose_python])
def test_an_environment_that_no_longer_fits_is_built_anew(
    project: Path, damage: Callable[[Path], None]
) -> None:
    finish_by_hand(project)
    damage(project)

    # No Python to build it with: that this is what stops the start shows that it wanted to build.
    stopped = start(project, ROSEAU_PYTHON=NOWHERE)

    assert stopped.returncode == 1
    assert f"needs Python 3.11 or newer, and {NOWHERE} has none" in stopped.stderr


def test_a_moved_project_builds_its_environment_anew(project: Path) -> None:
    finish_by_hand(project)
    moved = project.rename(project.with_name("elsewhere"))

    assert start(moved, ROSEAU_PYTHON=NOWHERE).returncode == 1


def test_an_environment_that_someone_else_made_is_left_alone(project: Path) -> None:
    (project / ".venv").mkdir()
    (project / ".venv/precious").touch()

    stopped = start(project)

    assert stopped.returncode == 1
    assert "not made by this script" in stopped.stderr
    assert (project / ".venv/precious").exists()


def test_an_old_python_is_passed_over_and_a_machine_without_a_new_one_is_told_so(
    project: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in ("cksum", "dirname", "readlink", "sh"):
        found = next(path for path in map(Path, ("/usr/bin", "/bin")) if (path / tool).exists())
        (programs / tool).symlink_to(found / tool)
    (programs / "python3").write_text("#!/bin/sh\necho False True\n")
    (programs / "python3").chmod(0o755)

    stopped = start(project, PATH=str(programs), ROSEAU_PYTHON="")

    assert stopped.returncode == 1
    assert "Roseau needs Python 3.11 or newer" in stopped.stderr
    assert "apt install python3 python3-venv" in stopped.stderr

    (programs / "python3.12").write_text(
        "#!/bin/sh\n[ $1 = -c ] && echo True True || echo builds with $0 >&2\n"
    )
    (programs / "python3.12").chmod(0o755)

    assert (
        f"builds with {programs / 'python3.12'}"
        in start(project, PATH=str(programs), ROSEAU_PYTHON="").stderr
    )


def test_a_second_first_start_waits_for_the_first(project: Path) -> None:
    with (project / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [project / "bin/roseau", "check"],
            env=settings({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        assert "another start is preparing" in waiting.stderr.readline()
        finish_by_hand(project)
    output, errors = waiting.communicate(timeout=20)

    assert (waiting.returncode, output, errors) == (0, "python -P -m roseau check\n", "")


def test_without_venv_virtualenv_makes_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    virtualenv = tmp_path / "virtualenv"
    virtualenv.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/called"\n')
    virtualenv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with patch.object(environment, "find_spec", lambda name: None):
        environment.make(tmp_path / "new")

    python = os.path.realpath(sys.executable)
    assert (tmp_path / "called").read_text() == f"--quiet --python {python} {tmp_path / 'new'}\n"


def test_without_venv_and_virtualenv_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with (
        patch.object(environment, "find_spec", lambda name: None),
        pytest.raises(environment.BuildFailed, match=rf"apt install python3\.{sys.version_info.minor}-venv"),
    ):
        environment.make(tmp_path / "new")


def test_a_missing_browser_skips_a_test_but_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSEAU_TEST_CHROMIUM", "/nonexistent/chromium")

    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium found"):
        chromium.require_chromium()

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium found"):
        chromium.require_chromium()


def test_postgresql_keeps_what_it_acknowledged_through_a_kill() -> None:
    server = postgresql.start(fsync=True)
    try:
        template = postgresql.create_database(server, "template")
        with psycopg.connect(template) as connection:
            connection.execute("CREATE TABLE words (word text)")
        copy = postgresql.create_database(server, "copy", "template")
        with psycopg.connect(copy) as connection:
            connection.execute("INSERT INTO words VALUES ('kept')")

        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(copy)
        server.restart()

        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT word FROM words").fetchall() == [("kept",)]
        postgresql.drop_database(server, "copy")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(copy)
    finally:
        server.stop()


STARTER = """
import sys
from tests.servers import postgresql
sys.stdout.write(postgresql.start().dsn + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def test_postgresql_does_not_outlive_a_killed_session() -> None:
    session = subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert session.stdout is not None
    dsn = session.stdout.readline().strip()
    home = Path(dsn.partition("host=")[2])
    psycopg.connect(dsn).close()

    session.send_signal(signal.SIGKILL)
    session.communicate()

    wait_until(lambda: not home.exists())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)
