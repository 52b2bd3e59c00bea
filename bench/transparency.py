"""How long the transparency report takes over a log of very many decisions, and how much memory.

Run: `python -m bench.transparency [--decisions 1000000] [--keep FOLDER]`. The log is made first, and not
counted: for each decision what a site logs with it (case, notice, look, decision, statement, two deliveries),
and an appeal for each tenth. The report is made by the stand-alone program, in a process of its own.
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roseau.domain.moderation.record.rebuild.template import REASONS
from roseau.domain.moderation.record.reports import pack_program
from roseau.kernel import clock

START = clock.from_iso("2026-01-02")
LANES = ("S0", "S1", "S2", "S2", "S3", "S3", "S4")
CHANNELS = ("in_app", "in_app", "in_app", "web", "mail", "ap_flag", "trusted_flagger")
MEASURES = ("remove", "remove", "remove", "limit", "freeze", "suspend", "reminder", "interstitial", "label")
Entry = tuple[str, dict[str, Any]]


def entries_of(number: int, at: int, chance: random.Random) -> Iterator[Entry]:
    """What one decision leaves in the log."""
    reason, lane = chance.choice(list(REASONS)), chance.choice(LANES)
    waited = chance.randrange(clock.MINUTE, clock.DAY)
    own = chance.random() < 0.1
    channel = "own_initiative" if own else chance.choice(CHANNELS)
    measures = [] if chance.random() < 0.3 else [
        {"kind": chance.choice(MEASURES), "target": "status", "until_days": chance.choice((None, 3.0))}
    ]  # fmt: skip
    yield "case_joined", {"case": number, "lane": lane, "opened": True}
    yield "notice", {
        "channel": channel, "category": "other", "reason": reason, "lane": lane, "items": 1, "language": "fr",
        "case": number, "flood": False,
    }  # fmt: skip
    yield "seen", {"case": number, "lane": lane, "seconds": waited // 2_000, "viewer": "0123456789abcdef"}
    yield "decision", {
        "case": number, "number": number, "ground": "rule" if measures else "none",
        "rule_id": "117661190128256674", "rule_version": 1, "law": False, "reason": reason,
        "dsa_category": "", "lane": lane, "channels": {channel: 1},
        "automated_detection": False, "automated_decision": "not",
        "measures": measures, "content_types": ["text"], "language": "fr", "decider": "0123456789abcdef",
        "second": "", "received_at": at - waited, "seen_at": at - waited // 2, "own_initiative": own,
        "unfounded": False, "interim": False, "reverses": None,
    }  # fmt: skip
    yield "statement", {"puid": f"d{number}", "decision": number, "sha256": "0" * 64}
    for kind in ("statement", "outcome"):
        yield "delivery", {"kind": kind, "seconds": chance.randrange(30, 700), "ways": ["page", "mail"]}
    if number % 10 == 0:
        yield "appeal", {"number": number, "appellant": "author"}
        outcome = chance.choice(("granted", "refused", "partly", "lapsed"))
        yield "appeal_answer", {"number": number, "appellant": "author", "outcome": outcome, "days": 2}


def write_log(path: Path, decisions: int) -> tuple[int, str]:
    """Write a log of a year; how many entries it has, and the hash of the last."""
    chance, chain, seq = random.Random(4), bytes(32), 0
    step = 360 * clock.DAY // decisions
    dump = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    with path.open("w", encoding="utf-8") as log:
        for number in range(1, decisions + 1):
            at = START + number * step
            for kind, fields in entries_of(number, at, chance):
                seq += 1
                body = dump(fields)
                chain = hashlib.sha256(chain + f"{seq}\n{at}\n{kind}\n{body}\n".encode()).digest()
                log.write(
                    dump({"seq": seq, "at": at, "kind": kind, "body": body, "hash": chain.hex()}) + "\n"
                )
    return seq, chain.hex()


def rebuild(folder: Path) -> float:
    """Run the program as an outsider does; the most memory that it had, in MB."""
    command = [sys.executable, "-I", "-S", "rebuild.pyz", "log.jsonl", "report", "--about", "about.json"]
    most = 0.0
    with subprocess.Popen(command, cwd=folder) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status")
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
            most = max(most, int(found[1]) / 1024 if found else 0)
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(process.returncode)
    return most


def main() -> None:
    """Make the log, then the report; print how long the latter took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="leave log and report in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        last_seq, tip = write_log(folder / "log.jsonl", given.decisions)
        about = {
            "service": "example.org", "provider": "Example", "period": "2026", "from": "2026-01-01",
            "to": "2026-12-31", "published": "2027-01-15", "previous": "", "last_seq": last_seq, "tip": tip,
        }  # fmt: skip
        (folder / "about.json").write_text(json.dumps(about))
        (folder / "rebuild.pyz").write_bytes(pack_program())
        started = time.perf_counter()
        memory = rebuild(folder)
        seconds = time.perf_counter() - started
        megabytes = (folder / "log.jsonl").stat().st_size / 1e6
    print("| decisions | entries | log | seconds | us per entry | memory |\n|---|---|---|---|---|---|")
    each = seconds / last_seq * 1e6
    size = f"{given.decisions} | {last_seq} | {megabytes:.0f} MB"
    print(f"| {size} | {seconds:.1f} | {each:.1f} | {memory:.0f} MB |")


if __name__ == "__main__":
    main()
