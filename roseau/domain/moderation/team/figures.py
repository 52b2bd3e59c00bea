"""Figures for those who look after the site: how much of what there was, day by day, and by kind.

Who was active is known by what they posted; of visits only the last day is kept.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Integer, bindparam, cast, func, literal, select, union_all

from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.notices import notices
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import favourites, status_tags, statuses
from roseau.storage.statements import Statement, statement

#: The longest period that is counted at once.
LONGEST = 400 * clock.DAY
MAX_ROWS = 100


class Period(msgspec.Struct, frozen=True):
    """Whole days (UTC) from `start` to before `end`, in milliseconds."""

    start: int
    end: int

    @property
    def before(self) -> "Period":
        """As many days right before it."""
        return Period(self.start - (self.end - self.start), self.start)


class Subject(msgspec.Struct, frozen=True):
    """The hashtag or server that some figures are about."""

    tag_id: int = 0
    domain: str = ""


class Figure(msgspec.Struct):
    """A count for each day of a period, the sum, and that of the period before."""

    key: str
    total: int
    previous: int
    days: list[tuple[int, int]]


class Part(msgspec.Struct, frozen=True):
    """One kind of what was counted, and how much of it there is."""

    key: str
    name: str
    value: int


class Cohort(msgspec.Struct):
    """Those who joined in a period: how many, and how many of them were there in or after each later one."""

    period: int
    size: int
    kept: list[tuple[int, int]]


def to_period(start: int, end: int) -> Period:
    """Whole days, the last one included; a period that is too long loses its beginning."""
    first = start // clock.DAY * clock.DAY
    last = end // clock.DAY * clock.DAY + clock.DAY
    return Period(max(min(first, last - clock.DAY), last - LONGEST), last)


def _per_day(source: Any, at: Any, *where: Any, what: Any = None) -> Statement[Any]:
    day = cast(at // clock.DAY, Integer)
    return statement(
        select(day.label("day"), (func.count() if what is None else what).label("number"))
        .select_from(source)
        .where(at >= bindparam("start"), at < bindparam("end"), *where)
        .group_by(day)
    )


_domain: Any = bindparam("domain")
_tag: Any = bindparam("tag")
_authors = statuses.join(accounts, accounts.c.id == statuses.c.account_id)
_tagged = statuses.join(status_tags, status_tags.c.status_id == statuses.c.id)
_tagged_authors = _authors.join(status_tags, status_tags.c.status_id == statuses.c.id)
_target = accounts.alias("target")
_acts = union_all(
    select(favourites.c.created_at.label("at")),
    select(statuses.c.created_at.label("at")).where(
        statuses.c.deleted_at.is_(None),
        (statuses.c.reblog_of_id.is_not(None)) | (statuses.c.in_reply_to_id.is_not(None)),
    ),
).subquery()
_MEASURES: dict[str, Statement[Any]] = {
    "active_users": _per_day(
        statuses, statuses.c.created_at, statuses.c.local.is_(True),
        what=func.count(statuses.c.account_id.distinct()),
    ),
    "new_users": _per_day(users, users.c.created_at),
    "interactions": _per_day(_acts, _acts.c.at),
    "opened_reports": _per_day(notices, notices.c.received_at),
    "resolved_reports": _per_day(notices, notices.c.outcome_at),
    "tag_uses": _per_day(_tagged, statuses.c.created_at, status_tags.c.tag_id == _tag),
    "tag_accounts": _per_day(
        _tagged, statuses.c.created_at, status_tags.c.tag_id == _tag,
        what=func.count(statuses.c.account_id.distinct()),
    ),
    "tag_servers": _per_day(
        _tagged_authors, statuses.c.created_at, status_tags.c.tag_id == _tag,
        what=func.count(accounts.c.domain.distinct()),
    ),
    "instance_accounts": _per_day(accounts, accounts.c.created_at, accounts.c.domain == _domain),
    "instance_statuses": _per_day(_authors, statuses.c.created_at, accounts.c.domain == _domain),
    "instance_reports": _per_day(
        notices.join(accounts, accounts.c.id == notices.c.target_account_id), notices.c.received_at,
        accounts.c.domain == _domain,
    ),
    # Who is followed there from here, and who follows from there.
    "instance_follows": _per_day(
        follows.join(_target, _target.c.id == follows.c.target_id), follows.c.created_at,
        _target.c.domain == _domain,
    ),
    "instance_followers": _per_day(
        follows.join(_target, _target.c.id == follows.c.account_id), follows.c.created_at,
        _target.c.domain == _domain,
    ),
}  # fmt: skip


def count_measure(tx: Transaction, key: str, period: Period, subject: Subject) -> Figure | None:
    """How much there was of something, day by day; None for what is not counted. A `scan`."""
    counted = _MEASURES.get(key)
    if counted is None:
        return None

    def count(of: Period) -> dict[int, int]:
        rows = tx.all(counted, start=of.start, end=of.end, domain=subject.domain, tag=subject.tag_id)
        return {int(row.day): int(row.number) for row in rows}

    found = count(period)
    days = [(at, found.get(at // clock.DAY, 0)) for at in range(period.start, period.end, clock.DAY)]
    return Figure(key, sum(found.values()), sum(count(period.before).values()), days)


# By kind


def _parts(name: Any, source: Any, *where: Any, at: Any = statuses.c.created_at) -> Statement[Any]:
    return statement(
        select(name.label("key"), func.count().label("number"))
        .select_from(source)
        .where(at >= bindparam("start"), at < bindparam("end"), *where)
        .group_by(name)
        .order_by(func.count().desc(), name)
        .limit(bindparam("most"))
    )


_language = func.coalesce(statuses.c.language, literal("und"))
_DIMENSIONS: dict[str, Statement[Any]] = {
    "languages": _parts(_language, statuses, statuses.c.deleted_at.is_(None)),
    "servers": _parts(accounts.c.domain, _authors, statuses.c.deleted_at.is_(None)),
    "tag_languages": _parts(_language, _tagged, status_tags.c.tag_id == _tag),
    "tag_servers": _parts(accounts.c.domain, _tagged_authors, status_tags.c.tag_id == _tag),
    "instance_languages": _parts(_language, _authors, accounts.c.domain == _domain),
    "instance_accounts": _parts(accounts.c.username, _authors, accounts.c.domain == _domain),
}


def count_dimension(
    tx: Transaction, key: str, period: Period, subject: Subject, limit: int
) -> list[Part] | None:
    """How much there was of each kind, the most first; None for what is not counted. A `scan`."""
    counted = _DIMENSIONS.get(key)
    if counted is None:
        return None
    rows = tx.all(
        counted, start=period.start, end=period.end, domain=subject.domain, tag=subject.tag_id,
        most=min(max(limit, 1), MAX_ROWS),
    )  # fmt: skip
    return [Part(row.key, row.key, int(row.number)) for row in rows]


# Who stays

_joined = statement(
    select(users.c.created_at, users.c.last_active_on).where(
        users.c.created_at >= bindparam("start"), users.c.created_at < bindparam("end")
    )
)


def count_retention(tx: Transaction, period: Period, frequency: Literal["day", "month"]) -> list[Cohort]:
    """Who joined when, and how many of them came back later. A `scan`."""
    floor = _to_day if frequency == "day" else _to_month
    beginnings = sorted({floor(at) for at in range(period.start, period.end, clock.DAY)})
    cohorts = {at: Cohort(at, 0, []) for at in beginnings}
    seen: dict[int, list[int]] = {at: [] for at in beginnings}
    for row in tx.all(_joined, start=period.start, end=period.end):
        at = floor(row.created_at)
        cohorts[at].size += 1
        seen[at].append(floor(max(row.last_active_on or 0, row.created_at)))
    for at, cohort in cohorts.items():
        cohort.kept = [
            (later, sum(last >= later for last in seen[at])) for later in beginnings if later >= at
        ]
    return list(cohorts.values())


def _to_day(at: int) -> int:
    return at // clock.DAY * clock.DAY


def _to_month(at: int) -> int:
    moment = clock.to_datetime(at)
    first = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    return int(first.timestamp()) * clock.SECOND
