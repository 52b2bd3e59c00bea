"""`python rebuild.pyz log.jsonl OUT --about about.json`: writes the files of a report."""

import argparse
import json
import sys
from pathlib import Path

from .counting import BrokenLog
from .tables import build


def main() -> int:
    """Read the arguments and the log, write the files; 1 when the log is broken or is another."""
    parser = argparse.ArgumentParser(
        prog="rebuild.pyz", description="Rebuild a transparency report from a log."
    )
    parser.add_argument("log", type=Path, help="the exported log, a line of JSON for each entry")
    parser.add_argument("out", type=Path, help="the folder for the report")
    parser.add_argument("--about", type=Path, required=True, help="the about.json of the published report")
    given = parser.parse_args()
    about = json.loads(given.about.read_text("utf-8"))
    try:
        with given.log.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            files = build(lines, about)
    except BrokenLog as error:
        sys.stderr.write(f"rebuild: {error}\n")
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (given.out / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
