"""Cases come into being here, and notices about the same thing are joined in them.

A subject has one open case at most. Whoever opens or joins holds the lock of the log from then on, so that
two notices of the same moment meet; a unique index stands behind it.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import and_, bindparam, func, select, update

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation.cases.lanes import Weight, due, measure_reach
from roseau.domain.moderation.notices.resolving import Named
from roseau.domain.moderation.vocabulary import Lane
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import case_events, cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import insertion, one_of, statement


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is to be opened."""

    subject: str
    lane: Lane
    reason: str
    kind: Literal["notice", "appeal"] = "notice"
    severity: int = 0
    target_account_id: int | None = None
    status_id: int | None = None
    domain: str = ""
    #: When its clock began to run; None: now.
    received_at: int | None = None
    deadline_at: int | None = None


class OpenCase(msgspec.Struct, frozen=True):
    """What joining has to know of a case."""

    id: int
    number: int
    subject: str
    lane: Lane
    reason: str
    state: str
    severity: int
    due_at: int
    deadline_at: int | None
    seen_at: int | None


_OPEN = cases.c.state != "closed"
_columns = tuple(cases.c[name] for name in OpenCase.__struct_fields__)
_last_number = statement(select(func.coalesce(func.max(cases.c.number), 0)))
_add = insertion(
    cases,
    "id number subject kind lane reason severity reach target_account_id status_id domain received_at"
    " due_at deadline_at",
)
_by_subject = statement(
    select(*_columns).where(one_of(cases.c.subject, "subjects", "TEXT"), _OPEN), into=OpenCase
)
_by_status = statement(
    select(notice_items.c.status_id, *_columns)
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(
        one_of(notice_items.c.status_id, "ids"),
        _OPEN,
        cases.c.kind == "notice",
        cases.c.subject.like("account:%") | cases.c.subject.like("status:%"),
    )
)
_earlier = statement(
    select(cases.c.number)
    .where(cases.c.subject == bindparam("subject"), cases.c.state == "closed")
    .order_by(cases.c.id.desc())
    .limit(1)
)
_raise = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(
        lane=bindparam("new_lane"), reason=bindparam("new_reason"), severity=bindparam("new_severity"),
        due_at=bindparam("new_due"), deadline_at=bindparam("new_deadline"),
    )
)  # fmt: skip
_wake = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"), cases.c.state == "paused")
    .values(state="open", paused_until=None, paused_reason="")
)
_about = statement(
    select(cases.c.status_id, cases.c.target_account_id).where(cases.c.id == bindparam("case"))
)
_mine = and_(notice_items.c.case_id == cases.c.id, notice_items.c.notice_id == notices.c.id)
_recount = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(
        notices_count=select(func.count(notice_items.c.notice_id.distinct()))
        .where(notice_items.c.case_id == cases.c.id)
        .scalar_subquery(),
        sources_count=select(func.count(notices.c.source.distinct())).where(_mine).scalar_subquery(),
        reach=bindparam("reached"),
    )
)
_add_event = insertion(case_events, "id case_id account_id kind text detail at")


def note_event(
    tx: Transaction,
    case_id: int,
    kind: str,
    *,
    account_id: int | None = None,
    text: str = "",
    detail: dict[str, Any] | None = None,
    event_id: int | None = None,
) -> int:
    """Write down what happened in a case; the row's id."""
    event_id = event_id or ids.new_id()
    tx.run(
        _add_event, id=event_id, case_id=case_id, account_id=account_id, kind=kind, text=text,
        detail=msgspec.json.encode(detail or {}).decode(), at=tx.now,
    )  # fmt: skip
    return event_id


def open_case(tx: Transaction, site: Site, opening: Opening) -> int:
    """Open a case; its id. The subject must have no open case: look first, with `find_open_cases`."""
    tx.lock_events()
    case_id = ids.new_id()
    received_at = tx.now if opening.received_at is None else opening.received_at
    tx.run(
        _add, id=case_id, number=int(tx.value(_last_number)) + 1, subject=opening.subject, kind=opening.kind,
        lane=opening.lane, reason=opening.reason, severity=opening.severity,
        reach=measure_reach(tx, opening.status_id, opening.target_account_id),
        target_account_id=opening.target_account_id, status_id=opening.status_id, domain=opening.domain,
        received_at=received_at, deadline_at=opening.deadline_at,
        due_at=due(opening.lane, received_at, seen=False, deadline_at=opening.deadline_at),
    )  # fmt: skip
    if earlier := tx.value(_earlier, subject=opening.subject):
        note_event(tx, case_id, "joined", detail={"earlier": earlier})
    tx.emit(CaseUpdated(case_id))
    return case_id


def find_open_cases(tx: Transaction, named: list[Named]) -> dict[str, OpenCase]:
    """The open case of each subject that has one; a status may also stand in the case of its author."""
    found: dict[str, OpenCase] = {}
    statuses = [one.status_id for one in named if one.status_id]
    if statuses:
        for status_id, *row in tx.all(_by_status, ids=statuses):
            found[f"status:{status_id}"] = OpenCase(*row)
    subjects = list({one.subject for one in named})
    if subjects:
        found |= {case.subject: case for case in tx.all(_by_subject, subjects=subjects)}
    return found


def find_open_case(tx: Transaction, subject: str) -> OpenCase | None:
    """The open case of that subject."""
    return tx.one(_by_subject, subjects=[subject])


def add_weight(
    tx: Transaction, case: OpenCase, weight: Weight, received_at: int, deadline_at: int | None = None
) -> None:
    """Let one more notice count for a case: it may come forward in the queue, and never falls back."""
    worse = weight.lane < case.lane or (weight.lane == case.lane and weight.severity > case.severity)
    nearest = min((at for at in (case.deadline_at, deadline_at) if at is not None), default=None)
    if not worse and nearest == case.deadline_at:
        return
    lane = min(weight.lane, case.lane)
    until = due(lane, received_at, seen=case.seen_at is not None, deadline_at=nearest)
    tx.run(
        _raise, case=case.id, new_lane=lane, new_reason=weight.reason if worse else case.reason,
        new_severity=weight.severity if worse else case.severity,
        new_due=min(case.due_at, until), new_deadline=nearest,
    )  # fmt: skip
    if lane < case.lane:
        note_event(tx, case.id, "lane", detail={"from": case.lane, "to": lane})
    if lane in ("S0", "S1"):
        tx.run(_wake, case=case.id)


def recount(tx: Transaction, case_id: int) -> None:
    """Count the notices of a case anew, the sources behind them, and whom it reaches by now."""
    about: Any = tx.one(_about, case=case_id)
    tx.run(_recount, case=case_id, reached=measure_reach(tx, about.status_id, about.target_account_id))
    tx.emit(CaseUpdated(case_id))
