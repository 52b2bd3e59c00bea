"""Pointing names by a program of the operator's: `command:/path/to/it` is run with NAME TYPE ADDRESS.

It is run once for each name and address, may be run again for the same, and has to take care itself that
nothing else stays under the name.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from roseau.survival.addresses.dns import Change, HookFailed, Kind
from roseau.survival.addresses.dns.programs import run_program


def open_part(text: str) -> "Command":
    """Read `command:/path`. Raises HookFailed."""
    path = Path(text.partition(":")[2])
    if not path.is_absolute():
        raise HookFailed(
            "dns_hook: a command is written with its whole path, as in command:/usr/local/bin/point."
        )
    return Command(path)


class Command(msgspec.Struct, frozen=True):
    """A program."""

    path: Path

    def covers(self, name: str) -> bool:
        """Any name is handed to it."""
        return True

    def look(self, name: str, kind: Kind) -> tuple[str, ...] | None:
        """Only the program knows."""
        return None

    def put(self, changes: Sequence[Change], ttl: int | None) -> None:
        """Run it for each name and address."""
        for change in changes:
            for address in change.after:
                run_program([str(self.path), change.name, change.kind, address])

    def check(self) -> str:
        """See that it is there and may be run."""
        if not self.path.is_file() or not os.access(self.path, os.X_OK):
            raise HookFailed(f"{self.path} is not a program that this user may run.")
        return f"{self.path} can be run; what it does only a promotion or `roseau dns point` shows."
