"""What time does to decisions: a decided case is closed when it can be undone no more, measures run out."""

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.closing import wind_up
from roseau.domain.moderation.decisions.recording import end_decision
from roseau.domain.moderation.decisions.rows import hold_case, list_decisions
from roseau.domain.moderation.measures.applying import end_measures
from roseau.domain.moderation.measures.force import Measure, list_expired, list_of_decision
from roseau.domain.moderation.statements.outcomes import tell_outcome
from roseau.domain.site import Site
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import cases, proposals
from roseau.storage.statements import statement

CLOSE = "close_case"
#: How many measures end in one transaction.
PORTION = 50

_close = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"), cases.c.state == "decided")
    .values(state="closed", closed_at=bindparam("at"))
)
_interim = statement(
    select(proposals.c.interim_decision_id).where(
        proposals.c.case_id == bindparam("case"), proposals.c.interim_decision_id.is_not(None)
    )
)


class CloseJob(msgspec.Struct, frozen=True):
    """A decided case whose undo window is over by now."""

    case_id: int


def plan_close(tx: Transaction, case_id: int, at: int) -> None:
    """Have a decided case closed at that moment, unless it was undone until then."""
    add_job(tx, CLOSE, CloseJob(case_id), run_at=at, dedupe=f"{CLOSE}:{case_id}:{at}")


def close_case(tx: Transaction, site: Site, case_id: int) -> None:
    """Close a case whose decision can be undone no more; what held meanwhile makes room for it."""
    case = hold_case(tx, case_id)
    standing = [one for one in list_decisions(tx, case_id) if one.ended is None and one.reverses_id is None]
    if case.state != "decided" or any(one.undo_until > tx.now for one in standing):
        return
    interim = set(tx.values(_interim, case=case_id))
    ended: list[Measure] = []
    numbers: list[int] = []
    for decision in standing[:-1]:
        measures = list_of_decision(tx, decision.id)
        if decision.id in interim or (measures and all(one.kind == "hold" for one in measures)):
            ended += supersede(tx, site, decision.id)
            numbers.append(decision.number)
    if standing:
        # Whoever wrote in the last moments has not heard of it yet.
        tell_outcome(tx, site, case_id, standing[-1].id, tx.now)
    tx.run(_close, case=case_id, at=tx.now)
    wind_up(tx, site, case_id)
    tx.emit(CaseUpdated(case_id))
    for number in numbers:
        log.append(tx, "decision_end", {"number": number, "kind": "superseded"})
    log_ends(tx, ended, "superseded")


def supersede(tx: Transaction, site: Site, decision_id: int) -> list[Measure]:
    """End an interim decision whose place another has taken; what it ended."""
    measures = list_of_decision(tx, decision_id, standing=True)
    end_measures(tx, site, measures, "superseded", decision_id)
    end_decision(tx, decision_id, "superseded")
    return measures


def log_ends(tx: Transaction, ended: list[Measure], kind: str) -> None:
    """Append the ends of measures to the log."""
    for measure in ended:
        log.append(
            tx, "measure_end", {"kind": kind, "measure": measure.kind, "held": tx.now - measure.from_at}
        )


def end_expired(tx: Transaction, site: Site) -> bool:
    """End the next measures whose time is over; whether there may be more."""
    found = list_expired(tx, PORTION)
    if not found:
        return False
    end_measures(tx, site, found, "expired")
    log_ends(tx, found, "expired")
    return len(found) == PORTION
