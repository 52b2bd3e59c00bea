"""A root a day over the entries of the log, made after midnight UTC and published; and proofs from it.

A day's root covers all entries from the last root on to the end of the day. A day without entries has none.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.record.merkle import Tree, find_path
from roseau.domain.moderation.record.verifying import Root
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.moderation import log_roots, logged_decisions, moderation_log
from roseau.storage.statements import insertion, statement, upsert

JOB = "moderation_roots"
#: How long after midnight the roots are made: what was begun before has ended by then.
AFTER_MIDNIGHT = clock.MINUTE
#: Entries that are read at a time.
AT_ONCE = 5_000


class DayRoot(msgspec.Struct, frozen=True):
    """The root of one day, as it is published."""

    day: str
    first_seq: int
    last_seq: int
    root: str
    tip: str
    made_at: int
    #: Host of a peer -> when it said that it keeps this root.
    kept_by: dict[str, int]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, and what leads from it to the root of its day (RFC 6962, section 2.1.1)."""

    seq: int
    at: int
    kind: str
    body: str
    #: The hash of the entry before it; with it anybody can compute this one's.
    previous: str
    hash: str
    day: str
    root: str
    leaf_index: int
    tree_size: int
    path: list[str]


_columns = [log_roots.c[name] for name in DayRoot.__struct_fields__]
_last = statement(
    select(log_roots.c.day, log_roots.c.last_seq).order_by(log_roots.c.last_seq.desc()).limit(1)
)
_list = statement(
    select(*_columns)
    .where(log_roots.c.day > bindparam("after"))
    .order_by(log_roots.c.day)
    .limit(bindparam("limit"))
)
_newest = statement(select(*_columns).order_by(log_roots.c.day.desc()).limit(bindparam("limit")))
_around = statement(
    select(*_columns).where(
        log_roots.c.first_seq <= bindparam("wanted"), log_roots.c.last_seq >= bindparam("wanted")
    )
)
_insert = insertion(log_roots, "day first_seq last_seq root tip made_at")
_keep = statement(
    update(log_roots).where(log_roots.c.day == bindparam("wanted")).values(kept_by=bindparam("kept"))
)
_entry = statement(select(moderation_log).where(moderation_log.c.seq == bindparam("wanted")))
_later = statement(
    select(func.min(moderation_log.c.seq)).where(
        moderation_log.c.seq > bindparam("after"), moderation_log.c.at >= bindparam("end")
    )
)
_hashes = statement(
    select(moderation_log.c.hash)
    .where(moderation_log.c.seq.between(bindparam("first"), bindparam("last")))
    .order_by(moderation_log.c.seq)
)
_where = statement(select(logged_decisions.c.seq).where(logged_decisions.c.number == bindparam("wanted")))
_remember = statement(
    upsert(logged_decisions).values(number=bindparam("number"), seq=bindparam("seq")).on_conflict_do_nothing()
)


class _Numbered(msgspec.Struct):
    """What is read of a decision's entry."""

    number: int = 0


# Making them


def plan_roots(tx: Transaction) -> None:
    """Have the roots made after the next midnight, and at once those that are missing."""
    day = tx.now // clock.DAY + 1
    add_job(tx, JOB, {}, run_at=day * clock.DAY + AFTER_MIDNIGHT, dedupe=f"{JOB}:{day}")
    if find_next_day(tx):
        add_job(tx, JOB, {}, dedupe=f"{JOB}:missing")


def find_next_day(tx: Transaction) -> tuple[str, int] | None:
    """The oldest day that is over, has entries and no root, and its first entry; None when there is none."""
    last = tx.one(_last)
    first_seq = last.last_seq + 1 if last else 1
    row = tx.one(_entry, wanted=first_seq)
    if row is None:
        return None
    day = clock.to_date(row.at)
    if last and day <= last.day:
        # The clock was put back: the entries belong to the next day that has no root yet.
        day = clock.to_date(_start_of(last.day) + clock.DAY)
    return (day, first_seq) if day < clock.to_date(tx.now) else None


def make_root(tx: Transaction) -> str | None:
    """Make the root of the oldest day that has none; the day, or None when all are made."""
    found = find_next_day(tx)
    if found is None:
        return None
    day, first_seq = found
    later = tx.value(_later, after=first_seq, end=_start_of(day) + clock.DAY)
    last_seq = later - 1 if later else log.find_tail(tx)[0]
    tree, tip = Tree(), b""
    after = first_seq - 1
    while after < last_seq:
        entries = log.list_entries(tx, after, min(AT_ONCE, last_seq - after))
        for entry in entries:
            tree.add(entry.hash)
        _remember_decisions(tx, entries)
        after, tip = entries[-1].seq, entries[-1].hash
    tx.run(
        _insert,
        day=day,
        first_seq=first_seq,
        last_seq=last_seq,
        root=tree.root().hex(),
        tip=tip.hex(),
        made_at=tx.now,
    )
    return day


def _remember_decisions(tx: Transaction, entries: list[log.Entry]) -> None:
    numbers = [
        {"number": msgspec.json.decode(entry.body, type=_Numbered).number, "seq": entry.seq}
        for entry in entries
        if entry.kind == "decision"
    ]
    if numbers:
        tx.run_many(_remember, numbers)


def _start_of(day: str) -> int:
    return clock.from_iso(day)


# Reading them


def list_roots(tx: Transaction, after: str = "", limit: int = 1_000) -> list[DayRoot]:
    """The roots of days later than `after`, in order."""
    return [_to_root(row) for row in tx.all(_list, after=after, limit=limit)]


def list_newest_roots(tx: Transaction, limit: int) -> list[DayRoot]:
    """The last roots, newest first."""
    return [_to_root(row) for row in tx.all(_newest, limit=limit)]


def to_checkable(roots: list[DayRoot], source: str = "") -> list[Root]:
    """Roots as `verify_log` takes them."""
    return [
        Root(
            day=one.day,
            first_seq=one.first_seq,
            last_seq=one.last_seq,
            root=one.root,
            tip=one.tip,
            source=source,
        )
        for one in roots
    ]


def note_kept(tx: Transaction, peer: str, days: dict[str, tuple[str, str]]) -> list[str]:
    """Note which of our roots a peer keeps (day -> root, tip); the days for which it keeps another."""
    differing = []
    for one in list_roots(tx, "", 100_000):
        theirs = days.get(one.day)
        if theirs is None:
            continue
        if theirs != (one.root, one.tip):
            differing.append(one.day)
        elif peer not in one.kept_by:
            kept = msgspec.json.encode(one.kept_by | {peer: tx.now}).decode()
            tx.run(_keep, wanted=one.day, kept=kept)
    return differing


def prove_decision(tx: Transaction, number: int) -> Proof:
    """What shows that a decision is under a published root. Raises NotFound before there is one."""
    seq = tx.value(_where, wanted=number)
    row = tx.one(_entry, wanted=seq) if seq else None
    found = tx.one(_around, wanted=seq) if seq else None
    if row is None or found is None:
        raise NotFound
    before = tx.one(_entry, wanted=seq - 1)
    leaves = [bytes(value) for value in tx.values(_hashes, first=found.first_seq, last=found.last_seq)]
    index = seq - found.first_seq
    return Proof(
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        body=row.body,
        previous=(bytes(before.hash) if before else log.GENESIS).hex(),
        hash=bytes(row.hash).hex(),
        day=found.day,
        root=found.root,
        leaf_index=index,
        tree_size=len(leaves),
        path=[one.hex() for one in find_path(leaves, index)],
    )


def _to_root(row: Any) -> DayRoot:
    kept_by = msgspec.json.decode(row.kept_by, type=dict[str, int])
    return DayRoot(row.day, row.first_seq, row.last_seq, row.root, row.tip, row.made_at, kept_by)
