"""How long members cannot write when a large site loses its primary, and how long a vault takes.

    python -m bench.takeover                    a database of 1000 MB
    python -m bench.takeover --megabytes 50     the same, to try it out

Plays scenarios of the drill with a copy of the site, so what was acknowledged is looked for afterwards.
"""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from bench.filling import add_members, open_folder
from bench.serving import roseau
from roseau.drill.network import make_folder, remove_folder, sweep
from roseau.drill.processes import ending_politely
from roseau.drill.running import Options, Outcome, play
from roseau.drill.scenarios import SCENARIOS
from roseau.kernel import ids
from roseau.storage.copying import fold_log
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import insertion

#: A large database takes its time to reach three reeds, or a vault (seconds).
PATIENCE = 1800.0
BATCH, TEXT_BYTES = 2_000, 2_000
PLAYED = {
    "automatic": "three reeds, nobody types anything",
    "host-loss-one": "one reed, `roseau promote`",
    "vault-restore": "a vault, `roseau restore` on a bare machine",
}
_post = insertion(statuses, "id created_at account_id uri local text content language visibility")


def fill(folder: Path, megabytes: int) -> int:
    """Make a site whose database is at least that large, of posts that do not compress; its bytes."""
    roseau(folder, "init", "--domain", "bench.example")
    database = open_folder(folder)
    source = random.Random(1)
    (author,) = database.write_now(add_members, ["author"])
    # Each text is stored twice: as it was written, and as HTML.
    for _ in range(-(-megabytes * 1_000_000 // (2 * BATCH * TEXT_BYTES))):
        database.write_now(add_posts, author, source)
    database.close()
    fold_log(folder / "roseau.db")
    return (folder / "roseau.db").stat().st_size


def add_posts(tx: Transaction, author: int, source: random.Random) -> None:
    """A batch of long posts."""
    rows = []
    for _ in range(BATCH):
        post, text = ids.new_id(), source.randbytes(TEXT_BYTES // 2).hex()
        uri = f"https://bench.example/users/author/statuses/{post}"
        row = {"id": post, "created_at": tx.now, "account_id": author, "uri": uri, "text": text}
        row |= {"content": f"<p>{text}</p>", "local": True, "language": "en", "visibility": "public"}
        rows.append(row)
    tx.run_many(_post, rows)


def show(outcome: Outcome, size: int) -> None:
    """A row of the table."""
    seconds = (outcome.rto or 0.0) / 1000
    verdict = "passed" if outcome.passed else "FAILED"
    print(
        f"| {outcome.scenario} | {PLAYED[outcome.scenario]} | {outcome.reeds} | {outcome.needed} "
        f"| {size / 1e6:.0f} | {seconds:.1f} | {seconds / (size / 1e9):.1f} | {verdict} |",
        flush=True,
    )
    for fault in outcome.faults[:5]:
        print(f"{outcome.scenario}, seed {outcome.seed}: {fault}", file=sys.stderr)


def main() -> int:
    """Make the site, lose it three times, and print a table; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--net", choices=["auto", "namespaces", "loopback"], default="auto")
    wanted = parser.parse_args()
    sweep()
    passed = True
    folder = make_folder()
    try:
        with ending_politely():
            size = fill(folder / "site", wanted.megabytes)
            options = Options(wanted.net, copy_of=folder / "site", patience=PATIENCE)
            print("| scenario | what | N | K | MB | seconds until a write is acknowledged | seconds a GB | |")
            print("|---|---|---|---|---|---|---|---|", flush=True)
            for name in PLAYED:
                outcome = asyncio.run(play(SCENARIOS[name], random.randrange(1 << 32), options))
                show(outcome, size)
                passed = passed and outcome.passed
    finally:
        remove_folder(folder)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
