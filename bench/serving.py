"""Starts and stops the servers that are measured, each a process of its own on a free port of loopback."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
MANY = 5_000
STATUSES = 200_000


def roseau(folder: Path, *words: str, stdin: str = "") -> str:
    """Run a `roseau` command on the folder; what it prints."""
    command = [sys.executable, "-m", "roseau", "--data", str(folder), *words]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, path: str = "/health", seconds: float = 30) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"no answer on port {port}")


@contextmanager
def serving(folder: Path, *flags: str, **environment: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A Roseau server on the folder, without rate limits unless asked for; its port and process."""
    port = free_port()
    command = [sys.executable, "-m", "roseau", "--data", str(folder), "serve", "--port", str(port), *flags]
    with running(command, port, **({"ROSEAU_LOG": "quiet"} | environment)) as process:
        yield port, process


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves on the port, ended when the block is left."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def demo_folder(base: Path, accounts: int = MANY, statuses: int = STATUSES) -> Path:
    """A demo community of that size, made once and used again."""
    folder = base / f"demo-{accounts}-{statuses}"
    if not (folder / "roseau.db").exists():
        roseau(folder, "demo", "--accounts", str(accounts), "--statuses", str(statuses), "--seed", "1")
    return folder


def resident(pid: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the process is gone")
