"""What an entry of the log of moderation costs: its hash alone, and appended, beside a bare insert.

Run: `python -m bench.record_log [--entries 20000]`. Prints a table; SQLite, in a folder of its own.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roseau.domain.moderation import log
from roseau.storage.migrations import migrate
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statements

ROUNDS = 5
#: A decision's entry, the largest there is.
BODY: dict[str, Any] = {
    "case": 1234, "number": 1234, "ground": "rule", "rule_id": "117661190128256674", "rule_version": 2,
    "law": False,
    "reason": "harassment", "dsa_category": "STATEMENT_CATEGORY_CYBER_VIOLENCE", "lane": "S2",
    "channels": {"in_app": 2, "web": 1}, "automated_detection": False, "automated_decision": "not",
    "measures": [{"kind": "remove", "target": "status", "until_days": None}], "content_types": ["text"],
    "language": "fr", "decider": "0123456789abcdef", "second": "", "received_at": 1795342057000,
    "seen_at": 1795342067000, "own_initiative": False, "unfounded": False, "interim": False, "reverses": None,
}  # fmt: skip
_make = "CREATE TABLE bare (seq INTEGER PRIMARY KEY, at INTEGER, kind TEXT, body TEXT)"
_bare = "INSERT INTO bare (at, kind, body) VALUES (:at, :kind, :body)"
_insert = statements(sqlite=_bare, postgresql=_bare)


def measure(work: Callable[[], None], entries: int) -> float:
    """Microseconds for each entry: the median of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        rounds.append((time.perf_counter() - started) / entries * 1e6)
    return statistics.median(rounds)


def hash_all(entries: int) -> None:
    """The chain in memory: encode and hash, as `append` does."""
    previous = log.GENESIS
    for seq in range(entries):
        text = log._encoder.encode(BODY).decode()
        previous = log.hash_entry(previous, seq, 1795342057000, "decision", text)


def append_all(tx: Any, entries: int) -> None:
    """So many entries in one transaction."""
    for _ in range(entries):
        log.append(tx, "decision", BODY)


def insert_all(tx: Any, entries: int) -> None:
    """The same rows without a chain, without triggers."""
    for _ in range(entries):
        tx.run(_insert, at=tx.now, kind="decision", body=log._encoder.encode(BODY).decode())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=20_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "log.db")
        migrate(database)
        database.write_now(lambda tx: tx.run(statements(sqlite=_make, postgresql=_make)))
        measured = [
            ("hash in memory", measure(lambda: hash_all(entries), entries)),
            ("append, in one transaction", measure(lambda: database.write_now(append_all, entries), entries)),
            (
                "bare insert, in one transaction",
                measure(lambda: database.write_now(insert_all, entries), entries),
            ),
        ]
        database.close()
    print(f"| {entries} entries, median of {ROUNDS} rounds | us per entry |\n|---|---|")
    for name, micros in measured:
        print(f"| {name} | {micros:.1f} |")
    print(f"| what the chain adds to an insert | {measured[1][1] - measured[2][1]:.1f} |")


if __name__ == "__main__":
    main()
