"""The home timeline with few and with very many statuses in the database.

    python -m bench.growth [FOLDER]

The same community, once with its 20 000 statuses and once with 1 980 000 older ones behind them.
"""

import itertools
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench.filling import add_older, open_folder
from bench.load import drive, to_request
from bench.serving import demo_folder, roseau, serving
from roseau.kernel import clock
from roseau.storage.statements import statements

ACCOUNTS = 500
FEW = 20_000
MANY = 2_000_000
ROUNDS = 7
SECONDS = 2.0

_span = statements(
    sqlite="SELECT count(*), min(id), min(created_at), max(created_at) FROM statuses", postgresql="SELECT 1"
)


def grown(small: Path, base: Path) -> Path:
    """A copy of the folder with old statuses behind the present ones; made once."""
    large = base / f"grown-{MANY}"
    if large.exists():
        return large
    growing = base / "growing"
    shutil.rmtree(growing, ignore_errors=True)
    shutil.copytree(small, growing)
    database = open_folder(growing)
    count, first, oldest, newest = database.read_now(lambda tx: tx.all(_span))[0]
    copies = 0
    while count < MANY:
        copies += 1
        shift = copies * (newest - oldest + clock.HOUR)
        count += database.write_now(add_older, copies, shift, first - 1)
    database.close()
    growing.rename(large)
    return large


def main(base: Path) -> None:
    """Print the table."""
    small = demo_folder(base, ACCOUNTS, FEW)
    large = grown(small, base)
    names = [line.split()[1].lstrip("@") for line in roseau(small, "account", "list").splitlines()[:20]]
    rounds: dict[str, list[float]] = {"few": [], "many": []}
    requests = {
        name: [
            to_request("GET", "/api/v1/timelines/home", roseau(folder, "token", "create", who))
            for who in names
        ]
        for name, folder in (("few", small), ("many", large))
    }
    with (
        serving(small, "--rate-limits", "false") as (few, _),
        serving(large, "--rate-limits", "false") as (many, _),
    ):
        for _ in range(ROUNDS + 1):
            for name, port in (("few", few), ("many", many)):
                rounds[name].append(drive(port, itertools.cycle(requests[name]), 1, SECONDS).percentile(0.5))
    print("| statuses in the database | home timeline p50 ms |\n|---|---|")
    for name, count in (("few", FEW), ("many", MANY)):
        print(f"| {count} | {statistics.median(rounds[name][1:]):.2f} |")
    ratios = [many / few for few, many in zip(rounds["few"][1:], rounds["many"][1:], strict=True)]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"\nratio, round by round: {listed}; median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
