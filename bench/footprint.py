"""How soon a server answers, and how much memory it holds.

python -m bench.footprint [FOLDER]      (FOLDER keeps the demo between runs)
"""

import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.load import drive, to_request
from bench.serving import ROOT, demo_folder, free_port, resident, roseau, serving, wait_for

STARTS = 5
REQUESTS = 1_000


def start_once(folder: Path) -> tuple[float, float]:
    """Seconds from `bin/roseau serve` to its first answer, and the megabytes it holds then."""
    port = free_port()
    command = [sys.executable, "-m", "roseau", "--data", str(folder), "serve", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, "/api/v1/instance")
        return time.perf_counter() - started, resident(process.pid)
    finally:
        process.terminate()
        process.wait(15)


def mixed(folder: Path) -> list[bytes]:
    """Requests as apps and browsers send them: timelines, profiles, searches, pages."""
    chance = random.Random(1)
    names = [line.split()[1].lstrip("@") for line in roseau(folder, "account", "list").splitlines()[:50]]
    tokens = [roseau(folder, "token", "create", name) for name in names[:10]]
    paths = [
        "/api/v1/timelines/home",
        "/api/v1/timelines/public?local=true",
        "/api/v1/notifications",
        "/api/v2/search?q=river",
        "/api/v1/accounts/verify_credentials",
        "/api/v1/bookmarks",
        "/api/v2/instance",
        "/local",
        *(f"/@{name}" for name in names),
    ]
    return [to_request("GET", chance.choice(paths), chance.choice(tokens)) for _ in range(REQUESTS)]


def main(base: Path) -> None:
    """Print the table."""
    folder = demo_folder(base)
    starts = [start_once(folder) for _ in range(STARTS + 1)][1:]
    requests = mixed(folder)
    with serving(folder, "--rate-limits", "false") as (port, process):
        answered = 0
        waiting = itertools.cycle(requests)
        while answered < REQUESTS:
            answered += drive(port, waiting, 4, 0.2).requests
        after = resident(process.pid)
    soon = statistics.median(seconds for seconds, _ in starts)
    held = statistics.median(megabytes for _, megabytes in starts)
    print("| what | measured |\n|---|---|")
    print(f"| from `roseau serve` to the first answer, median of {STARTS} | {soon:.2f} s |")
    print(f"| resident after start | {held:.0f} MB |")
    print(f"| resident after {answered} mixed requests on the large demo | {after:.0f} MB |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
