"""The `roseau` command for tests: run in this process, or serving in one of its own."""

import http.client
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import msgspec

from roseau.cli.main import main

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSEAU_")}
    return kept | {f"ROSEAU_{name.upper()}": value for name, value in settings.items() if value}


def run(*words: str | Path, stdin: str = "", **settings: str) -> Result:
    """Run one command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["roseau", *map(str, words)]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        patch.dict(os.environ, clean_environment(**settings), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            return Result(int(ended.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("the command did not end")


def ok(*words: str | Path, stdin: str = "", **settings: str) -> str:
    """Run one command that has to succeed; what it prints, without the last line end."""
    result = run(*words, stdin=stdin, **settings)
    assert result.status == 0, result.err
    return result.out.rstrip("\n")


class Served:
    """A server in a process of its own; `address` is where it listens, `said` all that it printed."""

    def __init__(self, data: Path, *flags: str, **settings: str) -> None:
        command = [sys.executable, "-m", "roseau", "serve", "--data", str(data), "--port", "0", *flags]
        self.said: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(log="quiet", **settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(PATIENCE), "the server did not come up"
        found = re.search(r"listens on (\S+)", self.text)
        assert found, self.text
        self.address = found[1]

    @property
    def text(self) -> str:
        """What it printed."""
        return "".join(self.said)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if "listens on" in line:
                self._ready.set()
        self._ready.set()

    def wait_to_say(self, pattern: str) -> str:
        """What it printed, once it matches; the first group of the match."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < deadline, self.text
            time.sleep(0.01)
        return found[1] if found.groups() else found[0]

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


@contextmanager
def serving(data: Path, *flags: str, **settings: str) -> Iterator[Served]:
    """A server for as long as the block lasts."""
    served = Served(data, *flags, **settings)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.end(signal.SIGTERM)


def call(
    address: str, method: str, path: str, token: str = "", form: dict[str, str] | None = None
) -> tuple[int, Any]:
    """One request to a server; the status and the JSON of the answer. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read() or b"null")
    finally:
        connection.close()
