"""What closing a case leaves to do: its notices have an outcome, and what came too late a case of its own."""

from typing import Any

from sqlalchemy import bindparam, exists, func, literal, select, update

from roseau.domain.moderation.cases.joining import Opening, open_case, recount
from roseau.domain.site import Site
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, decision_ends, decisions, measures
from roseau.storage.schema.notices import misuse_marks, notice_items, notices
from roseau.storage.statements import one_of, statement

_case = statement(select(cases).where(cases.c.id == bindparam("case")))
# Ids are in the order of making, whatever the clock says.
_late = statement(
    select(notice_items.c.id).where(
        notice_items.c.case_id == bindparam("case"),
        notice_items.c.notice_id
        > select(func.max(decisions.c.id)).where(decisions.c.case_id == bindparam("case")).scalar_subquery(),
    )
)
_move = statement(
    update(notice_items).where(one_of(notice_items.c.id, "ids")).values(case_id=bindparam("new_case"))
)
_finished = statement(
    select(notice_items.c.notice_id).distinct().where(notice_items.c.case_id == bindparam("case"))
)
# A letter or a notice of many things is upheld when something was done about any of them.
_upheld = statement(
    select(notice_items.c.notice_id)
    .distinct()
    .select_from(
        notice_items.join(decisions, decisions.c.case_id == notice_items.c.case_id).join(
            measures, measures.c.decision_id == decisions.c.id
        )
    )
    .where(
        one_of(notice_items.c.notice_id, "ids"),
        ~exists(select(literal(1)).where(decision_ends.c.decision_id == decisions.c.id)),
    )
)
_unfounded = statement(
    select(misuse_marks.c.notice_id).where(
        one_of(misuse_marks.c.notice_id, "ids"), misuse_marks.c.kind == "unfounded"
    )
)
_waiting = statement(
    select(notice_items.c.notice_id)
    .distinct()
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(one_of(notice_items.c.notice_id, "ids"), cases.c.state != "closed")
)
_note = statement(
    update(notices)
    .where(one_of(notices.c.id, "ids"))
    .values(outcome=bindparam("became"), outcome_at=bindparam("at"))
)


def wind_up(tx: Transaction, site: Site, case_id: int) -> None:
    """Finish a case that was just closed. What was sent while it could still be undone is looked at anew."""
    case: Any = tx.one(_case, case=case_id)
    if case.kind == "notice" and case.decided_at is not None:
        _move_late(tx, site, case)
    note_outcomes(tx, case_id)


def note_outcomes(tx: Transaction, case_id: int) -> None:
    """Write down what became of each notice all of whose cases are closed."""
    finished = tx.values(_finished, case=case_id)
    if not finished:
        return
    done = set(finished) - set(tx.values(_waiting, ids=finished))
    upheld = done & set(tx.values(_upheld, ids=finished))
    unfounded = (done - upheld) & set(tx.values(_unfounded, ids=finished))
    outcomes = {"upheld": upheld, "unfounded": unfounded, "not_upheld": done - upheld - unfounded}
    for outcome, notice_ids in outcomes.items():
        if notice_ids:
            tx.run(_note, ids=sorted(notice_ids), became=outcome, at=tx.now)


def _move_late(tx: Transaction, site: Site, case: Any) -> None:
    late = tx.values(_late, case=case.id)
    if not late:
        return
    opening = Opening(
        subject=case.subject, lane=case.lane, reason=case.reason, severity=case.severity,
        target_account_id=case.target_account_id, status_id=case.status_id, domain=case.domain,
        received_at=case.decided_at,
    )  # fmt: skip
    case_id = open_case(tx, site, opening)
    tx.run(_move, ids=late, new_case=case_id)
    recount(tx, case.id)
    recount(tx, case_id)
