"""How many people and posts there are, as sites tell each other. Counted at most once in ten minutes."""

import msgspec
from sqlalchemy import bindparam, func, or_, select

from roseau.kernel import clock
from roseau.kernel.ids import first_id_at
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement

_COUNTED_EVERY = 10 * clock.MINUTE
_WEEK = 7 * clock.DAY
WEEKS = 12


class Census(msgspec.Struct, frozen=True):
    """Members, their posts, other sites that are known here; who was active in how long."""

    users: int
    statuses: int
    domains: int
    active_month: int
    active_half_year: int


class Week(msgspec.Struct, frozen=True):
    """What happened in a week; `active` are members who posted."""

    start: int
    statuses: int
    active: int
    registrations: int


_present = (accounts.c.domain == "", accounts.c.deleted_at.is_(None))
_totals = statement(
    select(
        func.count().label("users"), func.coalesce(func.sum(accounts.c.statuses_count), 0).label("statuses")
    )
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(*_present, users.c.approved_at.is_not(None))
)
_active = statement(
    select(func.count())
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        *_present,
        or_(users.c.last_active_on >= bindparam("since"), accounts.c.last_status_at >= bindparam("since")),
    )
)
_domains = statement(
    select(accounts.c.domain).where(accounts.c.domain != "").distinct().order_by(accounts.c.domain)
)
_posted = statement(
    select(
        func.count().label("statuses"), func.count(statuses.c.account_id.distinct()).label("active")
    ).where(
        statuses.c.id >= bindparam("first"),
        statuses.c.id < bindparam("last"),
        statuses.c.local.is_(True),
        statuses.c.deleted_at.is_(None),
    )
)
_joined = statement(
    select(func.count()).where(
        users.c.created_at >= bindparam("first"), users.c.created_at < bindparam("last")
    )
)


def load_census(tx: Transaction) -> Census:
    """The counts of the last ten minutes. May take a while on a large site: a `scan`."""
    key = tx.now // _COUNTED_EVERY
    counted: Census | None = tx.cached("census", key)
    if counted is None:
        counted = _count(tx)
        tx.keep("census", key, counted)
    return counted


def _count(tx: Transaction) -> Census:
    totals = tx.all(_totals)[0]
    return Census(
        users=totals.users,
        statuses=int(totals.statuses),
        domains=len(list_domains(tx)),
        active_month=tx.value(_active, since=tx.now - 30 * clock.DAY),
        active_half_year=tx.value(_active, since=tx.now - 180 * clock.DAY),
    )


def list_domains(tx: Transaction) -> list[str]:
    """The other sites that accounts here come from."""
    return tx.values(_domains)


def load_activity(tx: Transaction) -> list[Week]:
    """The last twelve weeks, this one first; a week begins on Monday (UTC). A `scan`."""
    key = tx.now // _COUNTED_EVERY
    weeks: list[Week] | None = tx.cached("activity", key)
    if weeks is None:
        # The epoch was a Thursday.
        monday = tx.now - (tx.now + 3 * clock.DAY) % _WEEK
        weeks = [_count_week(tx, monday - back * _WEEK) for back in range(WEEKS)]
        tx.keep("activity", key, weeks)
    return weeks


def _count_week(tx: Transaction, start: int) -> Week:
    end = start + _WEEK
    posted = tx.all(_posted, first=first_id_at(start), last=first_id_at(end))[0]
    joined = tx.value(_joined, first=start, last=end)
    return Week(start=start, statuses=posted.statuses, active=posted.active, registrations=joined)
