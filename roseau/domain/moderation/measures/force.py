"""Which measures hold at this moment: those without an end, whose time is not over."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, exists, literal, or_, select

from roseau.domain.policy import names_above
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.statements import one_of, statement


class Measure(msgspec.Struct, frozen=True):
    """A measure as it was decided. The fields are the columns, in order."""

    id: int
    decision_id: int
    statement_id: int
    kind: str
    status_id: int | None
    account_id: int | None
    domain: str
    from_at: int
    until_at: int | None
    territory: str
    words: str


_columns = [measures.c[name] for name in Measure.__struct_fields__]


def unended(table: Any = measures) -> ColumnElement[bool]:
    """The measure has no end yet; that of a measure whose time is over is written by a job."""
    return ~exists(select(literal(1)).where(measure_ends.c.measure_id == table.c.id))


_lasting = or_(measures.c.until_at.is_(None), measures.c.until_at > bindparam("now"))
_of_status = statement(
    select(*_columns)
    .where(measures.c.status_id == bindparam("status"), unended(), _lasting)
    .order_by(measures.c.id),
    into=Measure,
)
_of_account = statement(
    select(*_columns)
    .where(measures.c.account_id == bindparam("account"), measures.c.status_id.is_(None), unended(), _lasting)
    .order_by(measures.c.id),
    into=Measure,
)
_of_domain = statement(
    select(*_columns)
    .where(measures.c.domain == bindparam("wanted"), unended(), _lasting)
    .order_by(measures.c.id),
    into=Measure,
)
_over_domain = statement(
    select(*_columns)
    .where(one_of(measures.c.domain, "names", "TEXT"), unended(), _lasting)
    .order_by(measures.c.id),
    into=Measure,
)
_of_decision = statement(
    select(*_columns).where(measures.c.decision_id == bindparam("decision")).order_by(measures.c.id),
    into=Measure,
)
_standing_of_decision = statement(
    select(*_columns)
    .where(measures.c.decision_id == bindparam("decision"), unended())
    .order_by(measures.c.id),
    into=Measure,
)
_expired = statement(
    select(*_columns)
    .where(measures.c.until_at <= bindparam("now"), unended())
    .order_by(measures.c.until_at)
    .limit(bindparam("limit")),
    into=Measure,
)
_by_id = statement(select(*_columns).where(one_of(measures.c.id, "ids")), into=Measure)


def list_on_status(tx: Transaction, status_id: int, without: Collection[int] = ()) -> list[Measure]:
    """What holds on a status, but for the measures in `without`."""
    return [row for row in tx.all(_of_status, status=status_id, now=tx.now) if row.id not in without]


def list_on_account(tx: Transaction, account_id: int, without: Collection[int] = ()) -> list[Measure]:
    """What holds on an account itself."""
    return [row for row in tx.all(_of_account, account=account_id, now=tx.now) if row.id not in without]


def list_on_domain(tx: Transaction, domain: str, without: Collection[int] = ()) -> list[Measure]:
    """What holds on another site."""
    return [row for row in tx.all(_of_domain, wanted=domain, now=tx.now) if row.id not in without]


def list_over_domain(tx: Transaction, domain: str, without: Collection[int] = ()) -> list[Measure]:
    """What holds on another site, or on a name that it stands under."""
    found = tx.all(_over_domain, names=list(names_above(domain)), now=tx.now)
    return [row for row in found if row.id not in without]


def list_suspending(
    tx: Transaction, account_id: int, domain: str, without: Collection[int] = ()
) -> list[int]:
    """The ids of the measures that suspend an account, or its whole site."""
    force = list_on_account(tx, account_id, without)
    if domain:
        force += list_over_domain(tx, domain, without)
    return [measure.id for measure in force if measure.kind in ("suspend", "domain_suspend")]


def list_of_decision(tx: Transaction, decision_id: int, *, standing: bool = False) -> list[Measure]:
    """The measures of a decision; `standing`: those without an end."""
    return tx.all(_standing_of_decision if standing else _of_decision, decision=decision_id)


def list_expired(tx: Transaction, limit: int) -> list[Measure]:
    """Measures whose time is over and whose end is not written yet."""
    return tx.all(_expired, now=tx.now, limit=limit)


def list_measures(tx: Transaction, ids: Collection[int]) -> list[Measure]:
    """Measures by their ids."""
    return tx.all(_by_id, ids=list(ids))
