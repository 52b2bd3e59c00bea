"""Whether a log is what it was: the chain from entry to entry, and the roots that others have seen."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from roseau.domain.moderation.log import GENESIS, Entry, hash_entry
from roseau.domain.moderation.record.merkle import Tree

#: edited: an entry is not what was hashed. missing: numbers are skipped. order: a number comes twice or late.
#: rewritten: a day's entries are not those of its root. cut: a root covers entries that are gone.
#: unrooted: there is a gap between two roots.
Trouble = Literal["edited", "missing", "order", "rewritten", "cut", "unrooted"]
#: More than this need not be told apart.
MOST = 100


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """The root over the entries of a day, hexadecimal like `tip`, the hash of the last of them."""

    day: str
    first_seq: int
    last_seq: int
    root: str
    tip: str
    #: Who has kept it; empty: the site itself.
    source: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong, at which entry, and which root says so."""

    trouble: Trouble
    seq: int
    day: str = ""
    source: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """How much was looked at, and what was found. Without findings the log is what it was."""

    entries: int
    roots: int
    tip: str
    findings: list[Finding]


class _Watched:
    """A root that is being held against the entries it covers."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.tree = Tree()
        self.tip = b""

    def take(self, entry: Entry) -> Finding | None:
        """Take an entry of the day; at its last one, what is wrong with the day."""
        self.tree.add(entry.hash)
        if entry.seq < self.root.last_seq:
            return None
        whole = self.tree.root().hex() == self.root.root and entry.hash.hex() == self.root.tip
        return None if whole else Finding("rewritten", self.root.first_seq, self.root.day, self.root.source)


def verify_log(entries: Iterable[Entry], roots: Iterable[Root] = ()) -> Verdict:
    """Go through a log from its first entry, in the order in which it is kept.

    An edit, an entry that is gone or was put in, and a change of order break the chain where they are. A
    chain that was hashed anew, or cut at its end, is found by the roots of the days concerned.
    """
    waiting = sorted(roots, key=lambda root: (root.first_seq, root.last_seq), reverse=True)
    count = len(waiting)
    findings = list(_find_gaps(waiting))
    open_roots: list[_Watched] = []
    previous: bytes | None = GENESIS
    last = number = 0
    for entry in entries:
        number += 1
        if entry.seq != last + 1:
            findings.append(Finding("missing" if entry.seq > last else "order", min(entry.seq, last + 1)))
        elif (
            previous is not None
            and hash_entry(previous, last + 1, entry.at, entry.kind, entry.body) != entry.hash
        ):
            findings.append(Finding("edited", entry.seq))
        # Behind a gap nobody knows what the hash stands on: the chain is taken up from there.
        previous, last = entry.hash, entry.seq
        while waiting and waiting[-1].first_seq <= entry.seq:
            open_roots.append(_Watched(waiting.pop()))
        for watched in open_roots:
            if found := watched.take(entry):
                findings.append(found)
        open_roots = [watched for watched in open_roots if watched.root.last_seq > entry.seq]
        if len(findings) >= MOST:
            break
    else:
        gone = [watched.root for watched in open_roots] + waiting
        findings += [Finding("cut", last + 1, root.day, root.source) for root in gone]
    tip = "" if previous is None else previous.hex()
    return Verdict(number, count, tip, findings)


def _find_gaps(roots: Iterable[Root]) -> Iterator[Finding]:
    """Days between two roots of one source that have none."""
    ends: dict[str, int] = {}
    for root in sorted(roots, key=lambda root: (root.source, root.first_seq)):
        # A peer may have come to know a site late; the site itself has a root for everything.
        before = ends.get(root.source, 0 if not root.source else root.first_seq - 1)
        if root.first_seq != before + 1:
            yield Finding("unrooted", before + 1, root.day, root.source)
        ends[root.source] = root.last_seq
