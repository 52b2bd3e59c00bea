"""Reversing: a decision that was wrong, or whose appeal lapsed, is put an end to by another decision.

Everything that can be put back here is, and everybody who was told of the first decision is told of the end.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.closing import note_outcomes
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.decisions.drafts import DecisionDraft, Grounds
from roseau.domain.moderation.decisions.recording import (
    Recorded,
    end_decision,
    log_decision,
    record,
    void_strikes,
)
from roseau.domain.moderation.decisions.rows import hold_case, load_decision
from roseau.domain.moderation.decisions.settling import log_ends
from roseau.domain.moderation.measures.applying import end_measures
from roseau.domain.moderation.measures.force import list_of_decision
from roseau.domain.moderation.measures.pausing import lift_pauses
from roseau.domain.moderation.statements.outcomes import tell_reversal
from roseau.domain.moderation.statements.returned import load_returned
from roseau.domain.moderation.statements.writing import write_statement
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import deliveries, statements
from roseau.storage.statements import statement

_heard = statement(
    select(statements.c.account_id)
    .join(deliveries, deliveries.c.id == statements.c.delivery_id)
    .where(
        statements.c.decision_id == bindparam("decision"),
        statements.c.account_id.is_not(None),
        deliveries.c.shown_at.is_not(None),
        deliveries.c.cancelled_at.is_(None),
    )
)


class Ended(Invalid):
    """There is nothing left to reverse."""

    code = "decision_ended"
    sentence = "This decision no longer stands."


def reverse_own(
    tx: Transaction, site: Site, account_id: int, decision_id: int, facts: str, keep: Collection[int] = ()
) -> int:
    """Reverse a decision by the team's own insight; the new one's id. Raises Forbidden, and as `reverse`."""
    require(tx, account_id, "decide_cases")
    refuse_party(tx, load_decision(tx, decision_id).case_id, account_id)
    return reverse(tx, site, decision_id, by_id=account_id, facts=facts, keep=keep)


def reverse(
    tx: Transaction,
    site: Site,
    decision_id: int,
    *,
    by_id: int | None,
    facts: str,
    appeal_id: int | None = None,
    keep: Collection[int] = (),
) -> int:
    """Put an end to a decision's measures, but for those in `keep` (their ids); the id of the new decision.

    `by_id` None: nobody answered, and the decision lapses. Who may do it, the caller has looked at.
    Raises Ended, NotFound, and Invalid without a reason.
    """
    if not facts.strip():
        raise Invalid(problems=(Problem("facts", "ERR_BLANK", "Say why the decision is reversed"),))
    case = hold_case(tx, load_decision(tx, decision_id).case_id)
    # Read again: now nobody else can end it.
    decision = load_decision(tx, decision_id)
    if decision.ended is not None or decision.reverses_id is not None:
        raise Ended
    kind = "reversed" if by_id is not None else "lapsed"
    draft = DecisionDraft(
        ground="none", facts=facts, automated_decision="not" if by_id is not None else "fully"
    )
    recorded = record(tx, site, case, draft, decider_id=by_id, reverses=(decision.id, decision.number))
    every = list_of_decision(tx, decision_id)
    standing = list_of_decision(tx, decision_id, standing=True)
    kept = [measure for measure in every if measure.id in keep]
    ending = [measure for measure in standing if measure.id not in keep]
    end_measures(tx, site, ending, "reversed" if by_id is not None else "lapsed", recorded.id)
    lift_pauses(tx, ending)
    void_strikes(tx, decision_id, kept)
    if not kept:
        end_decision(tx, decision_id, kind, by_id, appeal_id)
    if appeal_id is None:
        _state_reasons(tx, site, decision_id, recorded)
    tell_reversal(tx, site, decision_id, recorded.id, appeal_id=appeal_id)
    if case.state == "closed":
        note_outcomes(tx, case.id)
    tx.emit(CaseUpdated(case.id))
    log_decision(tx, site, case, draft, recorded, decider_id=by_id, reverses=decision.number)
    if not kept:
        log.append(tx, "decision_end", {"number": decision.number, "case": case.number, "kind": kind})
    log_ends(tx, ending, kind)
    return recorded.id


def _state_reasons(tx: Transaction, site: Site, decision_id: int, recorded: Recorded) -> None:
    """Give whoever was told of the decision the reasons for its end, as they were given those for it."""
    account_id = tx.value(_heard, decision=decision_id)
    if account_id is not None:
        grounds: Grounds = tx.memo[f"decision {recorded.id}"]
        told = msgspec.structs.replace(
            grounds, account_id=account_id, send_at=tx.now, returned=load_returned(tx, decision_id)
        )
        write_statement(tx, site, told)
