"""Fetches a foreign test suite through pip, gives it an environment of its own, and runs it with pytest."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
PLUGIN = HERE / "plugin"
STAMP = "complete"


class SuiteFailed(Exception):
    """The suite could not be fetched, installed or run to its end; the text says why."""


def default_cache() -> Path:
    """Where sources and environments are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roseau-foreign"


def fetch_sources(package: str, requirements: Path, cache: Path) -> Path:
    """The unpacked source distribution of a package, at the version and hash that the requirements name."""
    pinned = pinned_lines(package, requirements)
    folder = cache / f"{package}-{fingerprint(pinned)}"
    if not (folder / STAMP).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        only = folder / "only.txt"
        only.write_text(pinned, "utf-8")
        pip("download", "--no-deps", f"--no-binary={package}", "--require-hashes", "-d", folder, "-r", only)
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        (folder / STAMP).touch()
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def pinned_lines(package: str, requirements: Path) -> str:
    """The lines of a requirements file that pin one package, with its hashes."""
    pinned: list[str] = []
    for line in requirements.read_text("utf-8").splitlines():
        if line.startswith(f"{package}==") or (pinned and pinned[-1].endswith("\\")):
            pinned.append(line)
    if not pinned:
        raise SuiteFailed(f"{requirements.name} does not pin {package}.")
    return "\n".join(pinned) + "\n"


def make_environment(requirements: Path, cache: Path) -> Path:
    """The Python of a virtual environment that holds the requirements, built once for each state of them."""
    folder = cache / f"environment-{fingerprint(requirements.read_text('utf-8'))}"
    python = folder / "bin" / "python"
    if not (folder / STAMP).exists():
        shutil.rmtree(folder, ignore_errors=True)
        # Debian's Python makes environments without pip only, so our own pip fills it from outside.
        venv.EnvBuilder(symlinks=True).create(folder)
        # One of Mastodon.py's own requirements has no wheel, so this cannot insist on wheels.
        pip("install", "--require-hashes", "--prefer-binary", "-r", requirements, python=python)
        (folder / STAMP).touch()
    return python


def fingerprint(text: str) -> str:
    """A short name for a text, the same wherever it is read."""
    return sha256(text.encode()).hexdigest()[:16]


def pip(command: str, *words: str | Path, python: Path | None = None) -> None:
    """Runs our pip, on another environment if one is named. Raises SuiteFailed with its last words."""
    into = ["--python", str(python)] if python else []
    line = [sys.executable, "-m", "pip", *into, command, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*line, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SuiteFailed(f"pip {command} failed:\n{done.stderr.strip()[-2000:]}")


def run_suite(
    python: Path, folder: Path, words: Sequence[str], environment: Mapping[str, str], minutes: int
) -> dict[str, str]:
    """Runs pytest in a folder, its own words shown as they come; what became of each test, by its name.

    Raises SuiteFailed when it does not end in time, or ends without a report.
    """
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "outcomes.json"
        pytest = [str(python), "-m", "pytest", "-p", "roseau_outcomes", "-p", "no:cacheprovider"]
        surroundings = {
            **os.environ,
            # Both clients keep files in the home folder, and the person's own are none of our business.
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CACHE_HOME": home,
            "PYTHONPATH": str(PLUGIN),
            "NO_PROXY": "localhost,127.0.0.1,::1",
            "ROSEAU_OUTCOMES": str(report),
            **environment,
        }
        try:
            subprocess.run(
                [*pytest, "--timeout=180", *words],
                cwd=folder,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                timeout=minutes * 60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SuiteFailed(f"The suite did not end within {minutes} minutes.") from None
        if not report.exists():
            raise SuiteFailed("pytest ended without a report: see what it says above.")
        outcomes: dict[str, str] = json.loads(report.read_text("utf-8"))
        return outcomes
