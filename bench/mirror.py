"""How long a mirror of the public site takes to write, and how old it is while the site changes.

    python -m bench.mirror

A demo community is mirrored whole; then members post, edit and delete through the API at even intervals while
`roseau mirror DIR --every 1` runs. The age of a change is the time from its acknowledgement to the moment at
which the mirror has it: the page is there, says the new text, or is gone. Afterwards every file is checked
against the signed index, and none may still hold a word of what was edited away or deleted. Then the site is
stopped, and a bare file server shows the mirror.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.serving import ROOT, demo_folder, free_port, roseau, running, serving
from roseau.drill.processes import end_with_parent, ending_politely
from roseau.web.mirror.links import status_file

ACCOUNTS, STATUSES, WRITERS = 1_000, 30_000, 5
POSTS, EDITS, DELETIONS = 100, 10, 10
#: Stands in every text that is edited away or deleted, and nowhere else.
WITHDRAWN = "withdrawnbythebench"
#: Seconds that a mirror may be old.
GOAL = 600
LONGEST = 1_800.0
LOOK = 0.02

Kind = Literal["new posts", "edits", "deletions"]


class Change(msgspec.Struct):
    """Something that the mirror has to show; `seen` is in seconds after it was acknowledged."""

    kind: Kind
    file: Path
    text: str
    acknowledged: float
    seen: float | None = None

    def look(self) -> None:
        """See whether the mirror shows it."""
        try:
            shown = self.file.read_text("utf-8")
        except FileNotFoundError:
            shown = ""
        if (self.kind == "deletions" and not shown) or (self.text and self.text in shown):
            self.seen = time.perf_counter() - self.acknowledged


class Writer(msgspec.Struct, frozen=True):
    """A member who writes."""

    name: str
    token: str


class Site(msgspec.Struct, frozen=True):
    """The server, who writes on it, and the mirror of it."""

    port: int
    writers: list[Writer]
    mirror: Path

    def ask(self, method: str, path: str, writer: Writer, body: object = None) -> Any:
        """Ask the API for something; what it answers."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            method=method,
            data=msgspec.json.encode(body) if body else None,
            headers={"Authorization": f"Bearer {writer.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310, our own server
            return msgspec.json.decode(answer.read())

    def post(self, writer: Writer, text: str) -> str:
        """Post; the id."""
        return str(self.ask("POST", "statuses", writer, {"status": text})["id"])

    def page(self, writer: Writer, status_id: str) -> Path:
        """Where the mirror has a post."""
        return self.mirror / status_file(writer.name, int(status_id))


# The process that writes the mirror


def start(data: Path, mirror: Path, *flags: str) -> subprocess.Popen[bytes]:
    """`roseau mirror`, which does not outlive this program."""
    command = [sys.executable, "-m", "roseau", "--data", str(data), "mirror", str(mirror), *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)


def peak(process: subprocess.Popen[bytes]) -> float:
    """The most memory that it has had resident, in MB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def write_whole(data: Path, mirror: Path) -> tuple[float, float]:
    """Write the mirror once; seconds, and the most memory in MB."""
    began, most = time.perf_counter(), 0.0
    process = start(data, mirror, "--once")
    while process.poll() is None:
        most = max(most, peak(process))
        if time.perf_counter() - began > LONGEST:
            process.kill()
        time.sleep(LOOK)
    if process.returncode:
        raise RuntimeError("the mirror was not written")
    return time.perf_counter() - began, most


@contextmanager
def keeping_fresh(data: Path, mirror: Path, minutes: float) -> Iterator[subprocess.Popen[bytes]]:
    """The mirror is renewed every so many minutes while the block runs."""
    process = start(data, mirror, "--every", str(minutes))
    try:
        yield process
        if process.poll() is not None:
            raise RuntimeError("the process that renews the mirror has ended")
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# What is changed


def prepare(site: Site) -> list[tuple[Kind, Writer, str]]:
    """What is going to happen, in a random order; what is to be edited or deleted is posted at once."""
    source = random.Random(1)

    def one(kind: Kind, number: int) -> tuple[Kind, Writer, str]:
        writer = source.choice(site.writers)
        text = f"Number {number} of those that do not stay as they are. {WITHDRAWN}"
        return kind, writer, "" if kind == "new posts" else site.post(writer, text)

    planned = [one("new posts", number) for number in range(POSTS)]
    planned += [one("edits", number) for number in range(EDITS)]
    planned += [one("deletions", number) for number in range(DELETIONS)]
    source.shuffle(planned)
    return planned


def change(site: Site, kind: Kind, writer: Writer, status_id: str, number: int) -> Change:
    """Do it; what the mirror has to show from now on."""
    text = f"This is change {number} of the bench."
    if kind == "new posts":
        status_id = site.post(writer, text)
    elif kind == "edits":
        site.ask("PUT", f"statuses/{status_id}", writer, {"status": text})
    else:
        site.ask("DELETE", f"statuses/{status_id}", writer)
    return Change(kind, site.page(writer, status_id), text, time.perf_counter())


def watch(
    site: Site, planned: list[tuple[Kind, Writer, str]], seconds: float, longest: float
) -> list[Change]:
    """Make the changes over so many seconds, and look at the mirror until it has them all."""
    changes: list[Change] = []
    waiting: list[Change] = []
    began = time.perf_counter()
    while len(changes) < len(planned) or waiting:
        now = time.perf_counter() - began
        if len(changes) < len(planned) and now >= len(changes) * seconds / len(planned):
            changes.append(change(site, *planned[len(changes)], len(changes)))
            waiting.append(changes[-1])
        for one in waiting:
            one.look()
        waiting = [one for one in waiting if one.seen is None]
        if now > seconds + longest:
            raise RuntimeError(f"{len(waiting)} changes are not in the mirror")
        time.sleep(LOOK)
    return changes


# The tables


def list_files(mirror: Path) -> list[Path]:
    """The files of the mirror that its host serves."""
    return [
        Path(place) / name
        for place, _, names in os.walk(mirror)
        for name in names
        if ".mirror" not in Path(place).relative_to(mirror).parts
    ]


def show_size(mirror: Path, seconds: float, memory: float) -> None:
    """The table of the whole mirror."""
    files = list_files(mirror)
    posts = sum(file.stem.isdecimal() and file.parent.name.startswith("@") for file in files)
    print(f"| a mirror of {posts} posts | |\n|---|---|")
    print(f"| written whole, s | {seconds:.1f} |\n| files | {len(files)} |")
    print(f"| MB | {sum(file.stat().st_size for file in files) / 1e6:.0f} |")
    print(f"| most memory while it was written, MB | {memory:.0f} |", flush=True)


def show_ages(changes: list[Change], minutes: float, memory: float) -> None:
    """The table of the mirror that is kept fresh."""
    print(
        f"\n| renewed every {minutes:g} min | number | median s | most s | at most s |\n|---|---|---|---|---|"
    )
    kinds: tuple[Kind, ...] = ("new posts", "edits", "deletions")
    for kind in kinds:
        ages = [one.seen for one in changes if one.kind == kind and one.seen is not None]
        print(f"| {kind} | {len(ages)} | {statistics.median(ages):.1f} | {max(ages):.1f} | {GOAL} |")
    print(f"| most memory, MB | {memory:.0f} | | | |", flush=True)


def show_alone(mirror: Path, page: Path) -> None:
    """Serve the folder as any host would, without the site, and read its first page and another."""
    port = free_port()
    folder = ["--bind", "127.0.0.1", "--directory", str(mirror)]
    began = time.perf_counter()
    with running([sys.executable, "-m", "http.server", *folder, str(port)], port):
        for path in ("", page.relative_to(mirror).as_posix()):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
                answer.read()
        took = time.perf_counter() - began
    print(f"The site is stopped: a bare file server shows its pages after {took:.2f} s.")


def check(data: Path, mirror: Path) -> None:
    """Every signature is right, and nothing is left of what was withdrawn. Raises RuntimeError."""
    said = roseau(data, "mirror", "verify", str(mirror))
    traces = [file for file in list_files(mirror) if WITHDRAWN.encode() in file.read_bytes()]
    if traces:
        raise RuntimeError(f"what was withdrawn is still in {traces[:5]}")
    print(f"\nVerified: {said.splitlines()[0]} Nothing of what was edited away or deleted is left.")


def run(base: Path, given: argparse.Namespace) -> None:
    """Print the tables."""
    data, mirror = demo_folder(base, given.accounts, given.statuses), base / "mirror"
    with serving(data, "--rate-limits", "false") as (port, _):
        writers = []
        for name in (f"writer{number}" for number in range(WRITERS)):
            roseau(data, "account", "create", name, "--email", f"{name}@bench.example")
            writers.append(Writer(name, roseau(data, "token", "create", name)))
        site = Site(port, writers, mirror)
        planned = prepare(site)
        show_size(mirror, *write_whole(data, mirror))
        standing = [site.page(writer, status_id) for _, writer, status_id in planned if status_id]
        if not all(WITHDRAWN in page.read_text("utf-8") for page in standing):
            raise RuntimeError("the mirror lacks words that were there before it was written")
        with keeping_fresh(data, mirror, given.every) as process:
            changes = watch(site, planned, given.seconds, longest=2 * given.every * 60 + 120)
            memory = peak(process)
        show_ages(changes, given.every, memory)
        check(data, mirror)
    show_alone(mirror, next(one.file for one in changes if one.kind == "new posts"))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="members of the demo")
    parser.add_argument("--statuses", type=int, default=STATUSES, help="posts of the demo, public or not")
    parser.add_argument("--every", type=float, default=1.0, help="minutes between two rounds of the mirror")
    parser.add_argument("--seconds", type=float, default=240.0, help="over which the changes are spread")
    given = parser.parse_args()
    with ending_politely(), tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary), given)


if __name__ == "__main__":
    main()
