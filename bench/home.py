"""The home timeline of 20 over HTTP, beside a bare reference handler in the same run.

    python -m bench.home [FOLDER]      (FOLDER keeps the demo between runs)

Both servers run one process each, at the same time, on the same data; rounds alternate between them, so that
whatever else this machine does hits both alike.
"""

import itertools
import statistics
import sys
import tempfile
from pathlib import Path

from bench.load import Measured, drive, to_request
from bench.serving import demo_folder, free_port, roseau, running, serving

ROUNDS = 7
SECONDS = 3.0
CONNECTIONS = 8
READERS = 20


def main(base: Path) -> None:
    """Print the table."""
    folder = demo_folder(base)
    names = [line.split()[1].lstrip("@") for line in roseau(folder, "account", "list").splitlines()[:READERS]]
    tokens = [roseau(folder, "token", "create", name) for name in names]
    requests = [to_request("GET", "/api/v1/timelines/home", token) for token in tokens]
    port = free_port()
    reference = [sys.executable, "-m", "bench.reference", str(folder / "roseau.db"), str(port)]
    ours: list[Measured] = []
    theirs: list[Measured] = []
    with serving(folder, "--rate-limits", "false") as (own, _), running(reference, port):
        for _ in range(ROUNDS + 1):
            ours.append(drive(own, itertools.cycle(requests), CONNECTIONS, SECONDS))
            theirs.append(drive(port, itertools.cycle(requests), CONNECTIONS, SECONDS))
    print("| home timeline of 20 | requests/s (median) | p50 ms | p99 ms | failed |\n|---|---|---|---|---|")
    # The first round of each fills caches and is not counted.
    for name, rounds in (("Roseau", ours[1:]), ("bare reference", theirs[1:])):
        rate = statistics.median(r.rate for r in rounds)
        half, most = (statistics.median(r.percentile(part) for r in rounds) for part in (0.5, 0.99))
        print(f"| {name} | {rate:.0f} | {half:.2f} | {most:.2f} | {sum(r.failed for r in rounds)} |")
    ratios = [a.rate / b.rate for a, b in zip(ours[1:], theirs[1:], strict=True)]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"\nratio, round by round: {listed}; median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
