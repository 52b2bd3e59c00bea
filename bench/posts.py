"""Acknowledged posts per second over HTTP, with and without waiting for the disk.

    python -m bench.posts

Two servers in the same run, one with `synchronous=FULL` (what is acknowledged is on disk) and one with OFF,
each with a fresh folder; rounds alternate. Syncs are counted by the server: one for each commit.
"""

import itertools
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.filling import add_members, add_tokens, open_folder
from bench.load import Measured, drive, to_request
from bench.serving import free_port, roseau, running

ROUNDS = 5
SECONDS = 3.0
CLIENTS = (1, 32)
AUTHORS = 32


def prepare(folder: Path) -> list[str]:
    """A site with some authors who follow nobody; their tokens."""
    roseau(folder, "init", "--domain", "bench.example")
    database = open_folder(folder)
    authors = database.write_now(add_members, [f"author{number}" for number in range(AUTHORS)])
    tokens = database.write_now(add_tokens, authors, "read write")
    database.close()
    return tokens


def posts(tokens: list[str]) -> Iterator[bytes]:
    """Posts that differ, by each author in turn."""
    for number, token in zip(itertools.count(), itertools.cycle(tokens)):
        body = msgspec.json.encode(
            {"status": f"Post {number}: the river is high today #reeds", "visibility": "public"}
        )
        yield to_request("POST", "/api/v1/statuses", token, body)


def commits(port: int) -> int:
    """How many commits the server has made."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/commits", timeout=5) as answer:
        return int(answer.read())


@contextmanager
def counted(folder: Path, mode: str) -> Iterator[int]:
    """A server that counts its commits; its port."""
    port = free_port()
    with running([sys.executable, "-m", "bench.counted", str(folder), str(port), mode], port):
        yield port


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folders = {mode: Path(temporary) / mode for mode in ("FULL", "OFF")}
        tokens = {mode: prepare(folder) for mode, folder in folders.items()}
        with counted(folders["FULL"], "FULL") as full, counted(folders["OFF"], "OFF") as off:
            ports = {"FULL": full, "OFF": off}
            print("| clients | synchronous | posts/s (median) | p50 ms | p99 ms | syncs per post | failed |")
            print("|---|---|---|---|---|---|---|")
            for clients in CLIENTS:
                measured: dict[str, list[tuple[Measured, float]]] = {"FULL": [], "OFF": []}
                for _ in range(ROUNDS + 1):
                    for mode, port in ports.items():
                        before = commits(port)
                        result = drive(port, posts(tokens[mode]), clients, SECONDS)
                        made = commits(port) - before
                        measured[mode].append((result, made / max(1, result.requests)))
                for mode in ports:
                    show(clients, mode, measured[mode][1:])
                pairs = zip(measured["FULL"][1:], measured["OFF"][1:], strict=True)
                ratios = [a.rate / b.rate for (a, _), (b, _) in pairs]
                print(f"| {clients} | FULL / OFF | {statistics.median(ratios):.2f} | | | | |")


def show(clients: int, mode: str, rounds: list[tuple[Measured, float]]) -> None:
    """One row of the table."""
    rate = statistics.median(r.rate for r, _ in rounds)
    half, most = (statistics.median(r.percentile(part) for r, _ in rounds) for part in (0.5, 0.99))
    syncs = statistics.median(s for _, s in rounds)
    synced = f"{syncs:.3f}" if mode == "FULL" else "0"
    failed = sum(r.failed for r, _ in rounds)
    print(f"| {clients} | {mode} | {rate:.0f} | {half:.2f} | {most:.2f} | {synced} | {failed} |")


if __name__ == "__main__":
    main()
