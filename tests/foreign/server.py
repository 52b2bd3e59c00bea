"""A Roseau server on a fresh data folder, set up through the command line as the foreign suites want it.

Both suites have http://localhost:3000 written into them, so no other address will do.
"""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST, PORT = "localhost", 3000
BASE_URL = f"http://{HOST}:{PORT}"
SETTINGS = {
    "ROSEAU_REGISTRATIONS": "open",
    "ROSEAU_MAIL_CONFIRMATION": "false",
    "ROSEAU_RATE_LIMITS": "false",
    "ROSEAU_MINIMUM_AGE": "0",
}


class ServerFailed(Exception):
    """A command of Roseau failed, or its server did not answer; the text holds what it said."""


def command_line(data: Path, *words: str) -> list[str]:
    """A command of Roseau on a data folder."""
    return [sys.executable, "-m", "roseau", "--data", str(data), *words]


def roseau(data: Path, *words: str, stdin: str = "") -> str:
    """Runs one command of Roseau on a data folder; what it prints. Raises ServerFailed."""
    done = subprocess.run(
        command_line(data, *words),
        cwd=ROOT,
        env={**os.environ, **SETTINGS},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerFailed(f"roseau {' '.join(words)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout.strip()


def create_site(data: Path) -> None:
    """Makes the data folder. The domain carries its port, as it does where Mastodon runs these suites."""
    roseau(
        data,
        *("init", "--domain", f"{HOST}:{PORT}", "--base-url", BASE_URL, "--contact", "help@site.example"),
    )


def create_account(data: Path, name: str, *flags: str) -> None:
    """Makes a confirmed account with a password that nobody needs."""
    password = secrets.token_urlsafe(24) + "\n"
    words = ["account", "create", name, "--email", f"{name}@example.com", "--password-stdin", *flags]
    roseau(data, *words, stdin=password)


@contextmanager
def serve(data: Path) -> Iterator[None]:
    """Serves the data folder for as long as the block lasts. Raises ServerFailed."""
    if is_listening():
        raise ServerFailed(f"Port {PORT} is taken. Free it: the suites know no other.")
    log = data / "server.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            command_line(data, "serve", "--host", "127.0.0.1", "--port", str(PORT)),
            cwd=ROOT,
            env={**os.environ, **SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_healthy(server, log)
        yield
    finally:
        stop(server)


def is_listening() -> bool:
    """Whether the suites' port is taken."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def wait_until_healthy(server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Returns when the server answers. Raises ServerFailed with the end of its log when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        if is_listening() and request("GET", "/health") == 200:
            return
        time.sleep(0.1)
    raise ServerFailed(f"The server did not come up:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends the server gently, and by force when it stays."""
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def request(method: str, path: str, token: str = "", form: str = "") -> int:
    """Sends one request with a form; the status of the answer, 0 when the connection broke."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, body=form or None, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
