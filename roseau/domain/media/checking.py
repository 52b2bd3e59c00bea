"""Checks of the stores: every blob that the database names is read in every store, and mended if asked.

A check is a row that waits to be done: by the server, which also reaches the stores of other machines, or by
the command line when no server runs. One that was broken off begins anew. The last thirty are kept.
"""

import asyncio
import threading
import time
from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.media.naming import PARTS, list_in_history, list_named
from roseau.domain.media.pictures import Workshop
from roseau.kernel import clock, ids
from roseau.storage.database import Transaction
from roseau.storage.schema.media import media_checks
from roseau.storage.statements import insertion, statement
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import LOCAL, Blobs, Line

#: Blobs that are read at the same time, and how often the row is told how far the check has come.
AT_ONCE = 4
REPORT_SECONDS = 3.0
#: A store that fails so often in a row is not asked again in this check.
_FAILURES = 3
_MOST_NAMED = 100
_KEPT = 30


class StoreReport(msgspec.Struct):
    """How many blobs are right, missing, wrong in one store; `mended` of the latter two are right again."""

    name: str
    right: int = 0
    missing: int = 0
    wrong: int = 0
    mended: int = 0
    #: Why it could not be asked about all of them, if so.
    away: str = ""


class Report(msgspec.Struct):
    """What a check has found so far, of how many blobs; `lost` are right in no store that answered."""

    total: int = 0
    done: int = 0
    lost: int = 0
    #: The first hundred of the lost.
    names: list[str] = []
    stores: list[StoreReport] = []


class Check(msgspec.Struct):
    """A check as it is kept; times are milliseconds."""

    id: int
    repair: bool
    asked_at: int
    ended_at: int | None
    report: str

    def found(self) -> Report:
        """What was found."""
        return msgspec.json.decode(self.report, type=Report)


_columns = [media_checks.c[name] for name in Check.__struct_fields__]
_add = insertion(media_checks, "id repair asked_at")
_one = statement(select(*_columns).where(media_checks.c.id == bindparam("check_id")), into=Check)
_waiting = statement(
    select(*_columns).where(media_checks.c.ended_at.is_(None)).order_by(media_checks.c.id).limit(1),
    into=Check,
)
_last = statement(
    select(*_columns).where(media_checks.c.ended_at.is_not(None)).order_by(media_checks.c.id.desc()).limit(1),
    into=Check,
)
_report = statement(
    update(media_checks)
    .where(media_checks.c.id == bindparam("check_id"))
    .values(report=bindparam("report"), ended_at=bindparam("ended_at"))
)
_forget = statement(
    delete(media_checks).where(
        media_checks.c.id.not_in(select(media_checks.c.id).order_by(media_checks.c.id.desc()).limit(_KEPT))
    )
)


def ask_for_check(tx: Transaction, *, repair: bool) -> int:
    """Have every copy read; the id of the check. One that waits or runs with the same wish is joined."""
    waiting = tx.one(_waiting)
    if waiting and waiting.repair == repair:
        return int(waiting.id)
    check_id = ids.new_id()
    tx.run(_add, id=check_id, repair=repair, asked_at=tx.now)
    tx.run(_forget)
    return check_id


def find_check(tx: Transaction, check_id: int) -> Check | None:
    """A check, done or not."""
    return tx.one(_one, check_id=check_id)


def find_waiting_check(tx: Transaction) -> Check | None:
    """The next check that has to be done."""
    return tx.one(_waiting)


def find_last_check(tx: Transaction) -> Check | None:
    """The last check that was done, for the control room."""
    return tx.one(_last)


def _keep_report(tx: Transaction, check_id: int, report: Report, ended_at: int | None) -> None:
    text = msgspec.json.encode(report).decode()
    tx.run(_report, check_id=check_id, report=text, ended_at=ended_at)


async def do_check(workshop: Workshop, check: Check) -> Report:
    """Read every copy of every blob; what was found, which is kept as well."""
    round_ = _Round(workshop.blobs, check.repair)
    history = await workshop.database.scan(list_in_history)
    told = time.monotonic()
    for prefix in PARTS:
        named = await workshop.database.scan(list_named, prefix)
        named |= {name for name in history if name.startswith(prefix)}
        round_.report.total += len(named)
        for few in _by_few(sorted(named)):
            await asyncio.gather(*(asyncio.to_thread(round_.look, name) for name in few))
            round_.report.done += len(few)
            if time.monotonic() > told + REPORT_SECONDS:
                await workshop.database.write(_keep_report, check.id, round_.report, None)
                told = time.monotonic()
    await workshop.database.write(_keep_report, check.id, round_.report, clock.now())
    return round_.report


def _by_few(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))


class _Round:
    """One check that runs; `look` is called in several threads at once."""

    def __init__(self, blobs: Blobs, repair: bool) -> None:
        self._blobs = blobs
        self._repair = repair
        self._places: list[tuple[Line | None, StoreReport]] = [(None, StoreReport(LOCAL))]
        self._places += [(line, StoreReport(line.store.name)) for line in blobs.lines()]
        self._failures = dict.fromkeys((report.name for _, report in self._places), 0)
        self.report = Report(stores=[report for _, report in self._places])
        self._counting = threading.Lock()

    def look(self, name: str) -> None:
        """Read every copy of one blob."""
        states = [self._ask(line, report, name) for line, report in self._places]
        with self._counting:
            for (_, report), state in zip(self._places, states, strict=True):
                if state:
                    setattr(report, state, getattr(report, state) + 1)
            if "right" not in states:
                self.report.lost += 1
                if len(self.report.names) < _MOST_NAMED:
                    self.report.names.append(name)
                return
        if self._repair:
            # The local folder comes first in the list: the others are mended from there.
            for (line, report), state in zip(self._places, states, strict=True):
                if state in ("missing", "wrong") and self._mend(line, name):
                    with self._counting:
                        report.mended += 1

    def _ask(self, line: Line | None, report: StoreReport, name: str) -> str:
        if self._failures[report.name] >= _FAILURES:
            return ""
        try:
            state: str = self._blobs.examine(line, name)
        except (StoreAway, OSError) as error:
            report.away = str(error)
            self._failures[report.name] += 1
            return ""
        self._failures[report.name] = 0
        return state

    def _mend(self, line: Line | None, name: str) -> bool:
        try:
            if line is None:
                self._blobs.bring(name)
            else:
                self._blobs.send(line, name).result()
        except (Missing, StoreAway, OSError):
            return False
        return True
