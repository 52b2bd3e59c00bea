"""What was asked of the site and what it promised, written down outside it.

One line of JSON for each request when it is sent and one when its outcome is known, so that what a server had
acknowledged can be read after everything else has ended.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from roseau.drill.failure import DrillFailed

Kind = Literal["post", "upload", "favourite", "follow", "session", "token", "push", "second_factor"]
#: unknown: no answer, or 5xx; it may have happened or not.
Outcome = Literal["sent", "acknowledged", "unknown", "refused"]


class Entry(msgspec.Struct, kw_only=True):
    """One request that writes, and what was promised. Times are monotonic seconds.

    | kind | who | key | value |
    |---|---|---|---|
    | post | author | status | its text |
    | upload | owner | attachment | path and SHA-256 of what was served, once it was |
    | favourite | member | status | |
    | follow | follower | followed member | |
    | session | member | cookie | |
    | token | member | token | |
    | push | member | token | endpoint |
    | second_factor | member | secret | the time step whose code was used |
    """

    number: int
    kind: Kind
    who: str
    key: str = ""
    value: str = ""
    sent_at: float
    answered_at: float = 0.0
    outcome: Outcome = "sent"
    why: str = ""

    def __str__(self) -> str:
        named = f" {self.key}" if self.key and self.kind not in ("session", "token", "second_factor") else ""
        return f"{self.kind}{named} of {self.who} (request {self.number})"


class Ledger:
    """All entries of a run, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        #: What a server answered that it never should: refusals of requests that were in order.
        self.refusals: list[str] = []
        self._file = path.open("w", encoding="utf-8")

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def send(self, kind: Kind, who: str, key: str = "", value: str = "") -> Entry:
        """A request is about to be sent."""
        number = len(self.entries) + 1
        entry = Entry(number=number, kind=kind, who=who, key=key, value=value, sent_at=time.monotonic())
        self.entries.append(entry)
        self._write(entry)
        return entry

    def acknowledge(self, entry: Entry, key: str | None = None, value: str | None = None) -> None:
        """The server has said that it is saved."""
        entry.key = entry.key if key is None else key
        entry.value = entry.value if value is None else value
        self._settle(entry, "acknowledged", "")

    def leave_open(self, entry: Entry, why: str) -> None:
        """Nobody knows what came of it."""
        self._settle(entry, "unknown", why)

    def refuse(self, entry: Entry, why: str) -> None:
        """The server has refused what was in order: a fault."""
        self._settle(entry, "refused", why)
        self.refusals.append(f"{entry}: {why}")

    def note(self, entry: Entry, value: str) -> None:
        """Something more is known of what was acknowledged."""
        entry.value = value
        self._write(entry)

    def _settle(self, entry: Entry, outcome: Outcome, why: str) -> None:
        if entry.outcome != "sent":
            raise DrillFailed(f"{entry} has two outcomes, {entry.outcome} and {outcome}")
        entry.outcome, entry.why, entry.answered_at = outcome, why, time.monotonic()
        self._write(entry)

    def _write(self, entry: Entry) -> None:
        self._file.write(msgspec.json.encode(entry).decode() + "\n")
        self._file.flush()

    def close_open(self) -> None:
        """What is still without an outcome when the load ends never gets one."""
        for entry in self.entries:
            if entry.outcome == "sent":
                self.leave_open(entry, "the load ended")

    def of(self, kind: Kind, outcome: Outcome = "acknowledged") -> Iterator[Entry]:
        """The entries of a kind with that outcome."""
        return (entry for entry in self.entries if entry.kind == kind and entry.outcome == outcome)

    def count(self, outcome: Outcome = "acknowledged") -> int:
        """How many have that outcome."""
        return sum(entry.outcome == outcome for entry in self.entries)

    def first_acknowledged_after(self, moment: float) -> Entry | None:
        """The first acknowledgement of something that was sent after that moment."""
        later = (e for e in self.entries if e.outcome == "acknowledged" and e.sent_at > moment)
        return min(later, key=lambda entry: entry.answered_at, default=None)

    def longest_pause(self, since: float) -> float:
        """Milliseconds of the longest time without an acknowledgement, between a moment and the last one."""
        moments = sorted(e.answered_at for e in self.entries if e.outcome == "acknowledged")
        moments = [since, *(moment for moment in moments if moment > since)]
        return max((later - earlier for earlier, later in pairwise(moments)), default=0.0) * 1000

    def measure_loss(self, lost: list[Entry]) -> float:
        """Milliseconds from the last write that survived before the first loss to the last loss."""
        if not lost:
            return 0.0
        gone = {entry.number for entry in lost}
        first, last = min(e.answered_at for e in lost), max(e.answered_at for e in lost)
        kept = [
            entry.answered_at
            for entry in self.entries
            if entry.outcome == "acknowledged" and entry.number not in gone and entry.answered_at <= first
        ]
        return (last - max(kept, default=first)) * 1000
