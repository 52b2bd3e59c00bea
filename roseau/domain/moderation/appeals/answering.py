"""Answering an appeal, with reasons, by somebody else; and what lapses when nobody answers."""

from collections.abc import Collection

from sqlalchemy import bindparam, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.appeals.drafts import (
    MAX_REASONS,
    Appeal,
    Appealed,
    Outcome,
    load_appeal,
    load_appealed,
)
from roseau.domain.moderation.appeals.filing import NEVER_LAPSING
from roseau.domain.moderation.appeals.letters import send_answer
from roseau.domain.moderation.appeals.reviewing import list_open_outcomes
from roseau.domain.moderation.cases.joining import find_open_case, note_event
from roseau.domain.moderation.decisions.reversing import reverse
from roseau.domain.moderation.decisions.rows import hold_case, set_state
from roseau.domain.moderation.vocabulary import LANES
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeal_answers, cases, measures
from roseau.storage.statements import insertion, statement

#: What stands as the reason of a decision that lapsed, in the language of the record.
LAPSED = "Nobody answered the appeal in time."

_insert = insertion(
    appeal_answers, "appeal_id reviewer_id decider_id second_decider_id outcome reasons decision_id at"
)
_measures_of = statement(select(measures.c.id).where(measures.c.decision_id == bindparam("decision")))
_restart = statement(update(cases).where(cases.c.id == bindparam("case")).values(due_at=bindparam("new_due")))


class Answered(Invalid):
    """Somebody else was faster."""

    code = "appeal_answered"
    sentence = "This appeal has been answered in the meantime."


def answer_appeal(
    tx: Transaction,
    site: Site,
    reviewer_id: int,
    appeal_id: int,
    outcome: Outcome,
    reasons: str,
    keep: Collection[int] = (),
) -> int | None:
    """Answer an appeal; the id of the decision that puts the first one right, None where it stays.

    `granted` puts everything back, `partly` all but the measures in `keep`. Raises Forbidden to those who may
    not answer so, Answered, Invalid without reasons or with other measures than the decision's.
    """
    appeal = load_appeal(tx, appeal_id)
    decision = load_appealed(tx, appeal.decision_id)
    if appeal.case_id is not None:
        hold_case(tx, appeal.case_id)
        appeal = load_appeal(tx, appeal_id)
    if appeal.outcome is not None:
        raise Answered
    _require(tx, reviewer_id, appeal, decision, outcome)
    _check(tx, decision, outcome, reasons, keep)
    reversing_id = None
    if outcome != "refused" and decision.ended is None:
        reversing_id = reverse(
            tx, site, decision.id, by_id=reviewer_id, facts=reasons, appeal_id=appeal.id, keep=keep
        )
    _write(tx, appeal, decision, reviewer_id, outcome, reasons.strip(), reversing_id)
    _finish(tx, site, appeal, decision)
    return reversing_id


def _require(tx: Transaction, reviewer_id: int, appeal: Appeal, decision: Appealed, outcome: Outcome) -> None:
    may = list_open_outcomes(tx, reviewer_id, appeal, decision)
    if outcome in may:
        return
    if reviewer_id not in (decision.decider_id, decision.second_decider_id):
        raise Forbidden
    if may:
        raise Forbidden(
            "You took this decision: you can grant the appeal, and only somebody else can refuse it."
        )
    raise Forbidden("You took this decision, so somebody else reads the appeal.")


def _check(
    tx: Transaction, decision: Appealed, outcome: Outcome, reasons: str, keep: Collection[int]
) -> None:
    if not reasons.strip():
        raise Invalid(problems=(Problem("reasons", "ERR_BLANK", "Say why: whoever appealed will read it."),))
    if len(reasons) > MAX_REASONS:
        raise Invalid(problems=(Problem("reasons", "ERR_TOO_LONG", "This is too long"),))
    known = set(tx.values(_measures_of, decision=decision.id))
    fitting = set(keep) <= known and (not known or set(keep) != known)
    if not fitting or bool(keep) != (outcome == "partly"):
        raise Invalid(
            problems=(Problem("keep", "ERR_INVALID", "Say which of its measures stay, and which do not."),)
        )


def _write(
    tx: Transaction,
    appeal: Appeal,
    decision: Appealed,
    reviewer_id: int | None,
    outcome: Outcome,
    reasons: str,
    reversing_id: int | None,
) -> None:
    tx.run(
        _insert,
        appeal_id=appeal.id,
        reviewer_id=reviewer_id,
        decider_id=decision.decider_id,
        second_decider_id=decision.second_decider_id,
        outcome=outcome,
        reasons=reasons,
        decision_id=reversing_id,
        at=tx.now,
    )


def _finish(tx: Transaction, site: Site, appeal: Appeal, decision: Appealed) -> None:
    answered = load_appeal(tx, appeal.id)
    if appeal.case_id is not None:
        set_state(tx, appeal.case_id, "closed", decided_at=tx.now, closed_at=tx.now)
    if appeal.appellant == "notifier" and answered.outcome == "granted":
        _reopen(tx, decision)
    send_answer(tx, site, answered, decision)
    days = round((tx.now - appeal.filed_at) / clock.DAY, 2)
    log.append(
        tx,
        "appeal_answer",
        {"number": decision.number, "outcome": answered.outcome, "appellant": appeal.appellant, "days": days},
    )


def _reopen(tx: Transaction, decision: Appealed) -> None:
    """Have the case decided anew, with a fresh clock, unless the same thing has another one already."""
    if find_open_case(tx, decision.case_subject) is not None:
        return
    set_state(tx, decision.case_id, "open")
    tx.run(_restart, case=decision.case_id, new_due=tx.now + LANES[decision.case_lane].decided)  # type: ignore[index]
    note_event(tx, decision.case_id, "reopened", detail={"decision": decision.number})


def lapse_appeal(tx: Transaction, site: Site, appeal_id: int) -> bool:
    """Have a decision lapse whose appeal nobody answered in time; whether it did.

    It stays where it rests on law, or the case is one of danger to people.
    """
    appeal = load_appeal(tx, appeal_id)
    if appeal.outcome is not None or appeal.lapses_at is None or tx.now < appeal.lapses_at:
        return False
    decision = load_appealed(tx, appeal.decision_id)
    if decision.ground == "law" or decision.case_lane in NEVER_LAPSING:
        return False
    reversing_id = None
    if decision.ended is None:
        reversing_id = reverse(tx, site, decision.id, by_id=None, facts=LAPSED, appeal_id=appeal.id)
    _write(tx, appeal, decision, None, "lapsed", "", reversing_id)
    _finish(tx, site, appeal, decision)
    return True
