"""Builds the virtual environment that the scripts of bin/ run in: locked, from hashes, whole or not at all.

environment.sh calls it as `environment.py VENV REQUIREMENTS STAMP ROOT`; it needs the standard library alone.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

STAMP = "roseau-stamp"


class BuildFailed(Exception):
    """The environment could not be built; the text says why, and what to do."""


def build(venv: Path, requirements: Path, stamp: str, root: Path) -> None:
    """Makes `venv` hold `requirements` and the project, unless another start has just done so."""
    with only_builder(venv):
        if is_finished(venv, stamp):
            return
        say(f"Roseau: preparing {venv} (needed once, and again when its requirements change)")
        clear(venv)
        make(venv)
        install(venv, requirements)
        add_project(venv, root)
        finish(venv, stamp)
        say("Roseau: ready")


@contextmanager
def only_builder(venv: Path) -> Iterator[None]:
    """Holds the lock beside `venv`, so that two first starts do not build over each other."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_name(venv.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Roseau: another start is preparing {venv}, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_finished(venv: Path, stamp: str) -> bool:
    """Whether `venv` was built to the end for this stamp, and its Python is still there."""
    written = venv / STAMP
    return (venv / "bin" / "python").exists() and written.exists() and written.read_text() == f"{stamp}\n"


def clear(venv: Path) -> None:
    """Empties `venv`, but for the empty stamp by which the next start knows an unfinished build."""
    if venv.exists() and any(venv.iterdir()) and not (venv / STAMP).exists():
        raise BuildFailed(
            f"{venv} is there already, but was not made by this script, which leaves it alone. "
            "Move it away, or name another place in ROSEAU_VENV (ROSEAU_TEST_VENV for bin/test)."
        )
    shutil.rmtree(venv, ignore_errors=True)
    venv.mkdir()
    (venv / STAMP).touch()


def make(venv: Path) -> None:
    """Makes the bare environment with pip in it, through `venv` or else `virtualenv`."""
    # The link must lead to python3.11 itself: an upgrade of the system puts another version behind "python3".
    python = os.path.realpath(sys.executable)
    if find_spec("venv") and find_spec("ensurepip"):
        command = [python, "-m", "venv", str(venv)]
    elif find_spec("virtualenv"):
        command = [python, "-m", "virtualenv", "--quiet", str(venv)]
    elif found := shutil.which("virtualenv"):
        command = [found, "--quiet", "--python", python, str(venv)]
    else:
        raise BuildFailed(
            f"{python} comes without the venv module. "
            f"Install it (Debian and Ubuntu: apt install python3.{sys.version_info.minor}-venv; "
            "or any virtualenv), then start again."
        )
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        raise BuildFailed(f"{' '.join(command)} failed:\n{made.stdout.strip()}")


def install(venv: Path, requirements: Path) -> None:
    """Installs what `requirements` pins, wheels only, each checked against its hash."""
    command = [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
    ]
    command += ["--require-hashes", "--only-binary=:all:", "--requirement", str(requirements)]
    total = requirements.read_text().count("==")
    say(f"Roseau: installing {total} packages, as locked in {requirements.parent.name}/{requirements.name}")
    last_lines: deque[str] = deque(maxlen=12)
    # Some people's settings of pip send every package to their home folder; here that would be wrong.
    environment = os.environ | {"PIP_USER": "0"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as pip:
        show_progress(pip.stdout or (), total, last_lines)
    if pip.returncode != 0:
        raise BuildFailed(
            "pip could not install the packages. Its last words:\n" + "".join(last_lines).rstrip()
        )


def show_progress(lines: Iterator[str] | Sequence[str], total: int, last_lines: deque[str]) -> None:
    """Reads pip's output to the end; on a terminal one line counts what it has come to."""
    count = 0
    for line in lines:
        last_lines.append(line)
        word, _, rest = line.strip().partition(" ")
        if word in ("Collecting", "Ignoring"):
            count += 1
            show(f"  {count} of {total}: {rest.partition('==')[0].partition(':')[0]}")
        elif line.startswith("Installing collected"):
            show("  unpacking")
    show("")


def add_project(venv: Path, root: Path) -> None:
    """Lets the environment's Python import the project from where it lies."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run(
        [str(venv / "bin" / "python"), "-c", ask], stdout=subprocess.PIPE, text=True, check=True
    )
    Path(asked.stdout.strip(), "roseau.pth").write_bytes(os.fsencode(root) + b"\n")


def finish(venv: Path, stamp: str) -> None:
    """Writes the stamp in one step, so that it is never there by half."""
    draft = venv / f"{STAMP}.new"
    draft.write_text(f"{stamp}\n")
    draft.replace(venv / STAMP)


def say(text: str) -> None:
    """Writes one line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Rewrites the progress line; only a terminal gets one."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main() -> int:
    venv, requirements, stamp, root = sys.argv[1:]
    try:
        build(Path(venv).resolve(), Path(requirements), stamp, Path(root))
    except (BuildFailed, OSError, subprocess.CalledProcessError) as error:
        say(f"Roseau: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nRoseau: interrupted; the next start begins anew")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
