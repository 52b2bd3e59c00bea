"""How long members cannot write when a large site loses its primary, and how long a vault takes to give it back.

    python -m bench.takeover                    a database of 1000 MB
    python -m bench.takeover --megabytes 50     the same, to try it out

N=3 by themselves and N=1 by `roseau promote`: seconds from SIGKILL to the first acknowledged write. Then the
whole site from a vault on a bare machine: seconds a gigabyte. All on loopback, everything lost is checked.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.filling import add_members, open_folder
from bench.serving import roseau
from roseau.drill.network import make_folder, remove_folder, sweep
from roseau.drill.running import Options, Outcome, Scenario, play
from roseau.drill.scenarios import SCENARIOS
from roseau.drill.scenarios.vault_restore import keep_in_vault, restore
from roseau.drill.sites import Site
from roseau.drill.stage import Stage
from roseau.kernel import ids
from roseau.storage.copying import fold_log
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import insertion

#: A large database takes its time to reach three reeds, or a vault (seconds).
PATIENCE = 1800.0
BATCH, TEXT_BYTES = 2_000, 2_000
_post = insertion(
    statuses, "id created_at account_id uri local text content language visibility conversation_id"
)


def fill(folder: Path, megabytes: int) -> None:
    """Make a site with a database of at least that size: long posts that no compression makes short."""
    roseau(folder, "init", "--domain", "bench.example")
    database = open_folder(folder)
    source = random.Random(1)
    (author,) = database.write_now(add_members, ["author"])

    def add(tx: Transaction) -> None:
        rows = []
        for _ in range(BATCH):
            post, text = ids.new_id(), source.randbytes(TEXT_BYTES // 2).hex()
            rows.append(
                {
                    "id": post,
                    "created_at": tx.now,
                    "account_id": author,
                    "uri": f"https://bench.example/users/author/statuses/{post}",
                    "local": True,
                    "text": text,
                    "content": f"<p>{text}</p>",
                    "language": "en",
                    "visibility": "public",
                    "conversation_id": post,
                }
            )
        tx.run_many(_post, rows)

    while size_of(folder) < megabytes * 1_000_000:
        database.write_now(add)
    database.close()
    fold_log(folder / "roseau.db")


def size_of(folder: Path) -> int:
    """Bytes of the database, with what lies in its log."""
    return sum(path.stat().st_size for path in folder.glob("roseau.db*"))


class Restored:
    """What the restore from the vault took."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.size = 0

    async def play(self, stage: Stage) -> None:
        """The scenario `vault-restore`, with a clock around the restore."""
        primary, vault, words = await keep_in_vault(stage)
        began = time.monotonic()

        async def bring_back(fresh: Site) -> None:
            nonlocal began
            began = time.monotonic()
            await restore(fresh, vault, words, PATIENCE)
            self.seconds, self.size = time.monotonic() - began, size_of(fresh.data)

        await stage.bring_back(primary, bring_back)


@contextmanager
def large_site(megabytes: int) -> Iterator[Path]:
    """A site of that size, deleted at the end."""
    folder = make_folder()
    try:
        fill(folder / "site", megabytes)
        yield folder / "site"
    finally:
        remove_folder(folder)


def main() -> None:
    """Make the site, lose it three times, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, default=1000)
    wanted = parser.parse_args()


if __name__ == "__main__":
    main()
