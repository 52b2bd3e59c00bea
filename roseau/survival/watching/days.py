"""The days of a site: how each one went, how much room things took, and when the disk will be full.

A day is a day of UTC. `Tally` counts seconds while nothing can be saved; `record_days` writes them down.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.watch import survival_days
from roseau.storage.statements import statement, upsert

Shape = Literal["none", "standing", "bent", "flat"]

#: A minute of an outage lays the day's reed down; less than that bends it, for hardly anybody has noticed.
FLAT = 60
#: The machine is seen once a minute, so of a silence between two sights a minute proves nothing.
UNSEEN = 60 * clock.SECOND
#: A forecast from fewer days than this would be a guess.
ENOUGH_DAYS = 7


class Sizes(msgspec.Struct, frozen=True):
    """How much room things take on this machine, in bytes."""

    media_bytes: int = 0
    database_bytes: int = 0
    log_bytes: int = 0
    free_bytes: int = 0

    @property
    def used(self) -> int:
        """Everything that is the site's."""
        return self.media_bytes + self.database_bytes + self.log_bytes


class Day(msgspec.Struct, frozen=True):
    """One day as it was recorded; `measured_at` is None when nothing was measured on it."""

    day: str
    seconds_refused: int
    seconds_reed_missing: int
    down_seconds: int
    media_bytes: int
    database_bytes: int
    log_bytes: int
    free_bytes: int
    seen_at: int
    measured_at: int | None

    @property
    def sizes(self) -> Sizes:
        """The room that things took when they were last measured on that day."""
        return Sizes(self.media_bytes, self.database_bytes, self.log_bytes, self.free_bytes)


class Trouble(msgspec.Struct):
    """Seconds of trouble on one day."""

    refused: int = 0
    reed_missing: int = 0
    down: int = 0


class Tally:
    """Trouble that is not written down yet, by day, in milliseconds."""

    def __init__(self) -> None:
        self.days: dict[str, Trouble] = {}

    def add(self, kind: Literal["refused", "reed_missing", "down"], begin: int, end: int) -> None:
        """Count the time from `begin` to `end`, each day's share on that day."""
        for day, spent in split_days(begin, end):
            trouble = self.days.setdefault(day, Trouble())
            setattr(trouble, kind, getattr(trouble, kind) + spent)

    def take_seconds(self) -> dict[str, Trouble]:
        """The whole seconds; what is left of them goes on counting."""
        taken: dict[str, Trouble] = {}
        for day, trouble in self.days.items():
            seconds = Trouble(
                trouble.refused // clock.SECOND,
                trouble.reed_missing // clock.SECOND,
                trouble.down // clock.SECOND,
            )
            taken[day] = seconds
            trouble.refused %= clock.SECOND
            trouble.reed_missing %= clock.SECOND
            trouble.down %= clock.SECOND
        return taken

    def give_back(self, taken: dict[str, Trouble]) -> None:
        """Count again what could not be written down."""
        for day, seconds in taken.items():
            trouble = self.days.setdefault(day, Trouble())
            trouble.refused += seconds.refused * clock.SECOND
            trouble.reed_missing += seconds.reed_missing * clock.SECOND
            trouble.down += seconds.down * clock.SECOND


def split_days(begin: int, end: int) -> Iterator[tuple[str, int]]:
    """The days between two moments, each with its share in milliseconds."""
    while begin < end:
        midnight = (begin // clock.DAY + 1) * clock.DAY
        until = min(end, midnight)
        yield clock.to_date(begin), until - begin
        begin = until


_columns = [survival_days.c[name] for name in Day.__struct_fields__]
_since = statement(
    select(*_columns).where(survival_days.c.day >= bindparam("first")).order_by(survival_days.c.day), into=Day
)
_last = statement(select(*_columns).order_by(survival_days.c.day.desc()).limit(1), into=Day)
_new = upsert(survival_days).values(
    day=bindparam("day"),
    seconds_refused=bindparam("refused"),
    seconds_reed_missing=bindparam("reed_missing"),
    down_seconds=bindparam("down"),
    seen_at=bindparam("seen_at"),
)
_add = statement(
    _new.on_conflict_do_update(
        index_elements=["day"],
        set_={
            "seconds_refused": survival_days.c.seconds_refused + _new.excluded.seconds_refused,
            "seconds_reed_missing": survival_days.c.seconds_reed_missing + _new.excluded.seconds_reed_missing,
            "down_seconds": survival_days.c.down_seconds + _new.excluded.down_seconds,
            "seen_at": _new.excluded.seen_at,
        },
    )
)
_measure = statement(
    survival_days.update()
    .where(survival_days.c.day == bindparam("wanted"))
    .values(
        media_bytes=bindparam("media_bytes"),
        database_bytes=bindparam("database_bytes"),
        log_bytes=bindparam("log_bytes"),
        free_bytes=bindparam("free_bytes"),
        measured_at=bindparam("measured_at"),
    )
)


def find_last_day(tx: Transaction) -> Day | None:
    """The newest day that was recorded; None on a site that was never watched."""
    return tx.one(_last)


def list_days(tx: Transaction, count: int = 90) -> list[tuple[str, Day | None]]:
    """The last days, today last, each with its record; None where the site was not watched."""
    today = tx.now // clock.DAY
    names = [clock.to_date((today - back) * clock.DAY) for back in reversed(range(count))]
    found = {day.day: day for day in tx.all(_since, first=names[0])}
    return [(name, found.get(name)) for name in names]


def record_days(tx: Transaction, trouble: dict[str, Trouble], sizes: Sizes | None, seen_at: int) -> None:
    """Say that the site was seen at that moment, and what trouble there was since the last time."""
    today = clock.to_date(seen_at)
    for day, seconds in ({today: Trouble()} | trouble).items():
        tx.run(
            _add,
            day=day,
            refused=seconds.refused,
            reed_missing=seconds.reed_missing,
            down=seconds.down,
            seen_at=seen_at,
        )
    if sizes:
        tx.run(_measure, wanted=today, measured_at=seen_at, **msgspec.structs.asdict(sizes))


def shape_of(day: Day | None) -> Shape:
    """How the day's reed is drawn: standing, bent (trouble absorbed), flat (an outage one could see)."""
    if day is None:
        return "none"
    outage = day.seconds_refused + day.down_seconds
    if outage >= FLAT:
        return "flat"
    return "bent" if outage or day.seconds_reed_missing >= FLAT else "standing"


def foresee_full(days: list[Day]) -> int | None:
    """When the disk will be full if the site goes on growing as it did (least squares over the days).

    None when it does not grow, or when fewer than seven days were measured.
    """
    points = [(day.measured_at / clock.DAY, day.sizes.used) for day in days if day.measured_at is not None]
    if len(points) < ENOUGH_DAYS:
        return None
    middle = sum(at for at, _ in points) / len(points)
    mean = sum(used for _, used in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    growth = sum((at - middle) * (used - mean) for at, used in points) / spread
    newest = max((day for day in days if day.measured_at is not None), key=lambda day: day.day)
    if growth < 1 or newest.measured_at is None:
        return None
    return newest.measured_at + int(newest.free_bytes / growth * clock.DAY)
