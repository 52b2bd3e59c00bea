"""Undo: for half a minute a decision can be taken back as if it had not been, by anybody who may decide."""

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.decisions.recording import end_decision, void_strikes
from roseau.domain.moderation.decisions.rows import hold_case, load_decision, set_state
from roseau.domain.moderation.decisions.second_voice import drop_proposal, find_proposal
from roseau.domain.moderation.decisions.settling import log_ends
from roseau.domain.moderation.measures.applying import end_measures
from roseau.domain.moderation.measures.force import list_of_decision
from roseau.domain.moderation.measures.pausing import lift_pauses
from roseau.domain.moderation.statements.outcomes import tell_reversal
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid
from roseau.storage.database import Transaction


class TooLate(Invalid):
    """The undo window is over, or the decision has ended otherwise."""

    code = "too_late"
    sentence = "This decision can be undone no longer. It can be reversed, with reasons."


def undo(tx: Transaction, site: Site, account_id: int, decision_id: int) -> None:
    """Undo a decision: its measures end, nobody is told, and its case is open again with its clock.

    Raises Forbidden for those who may not and for parties, TooLate, NotFound.
    """
    require(tx, account_id, "decide_cases")
    case = hold_case(tx, load_decision(tx, decision_id).case_id)
    refuse_party(tx, case.id, account_id)
    # Read again: now nobody else can end it.
    decision = load_decision(tx, decision_id)
    if decision.ended is not None or decision.reverses_id is not None or tx.now >= decision.undo_until:
        raise TooLate
    ended = list_of_decision(tx, decision_id, standing=True)
    end_measures(tx, site, ended, "undone", decision_id)
    lift_pauses(tx, ended)
    void_strikes(tx, decision_id)
    end_decision(tx, decision_id, "undone", account_id)
    # A hold is announced at once; whoever has heard of it hears that it is over.
    tell_reversal(tx, site, decision_id)
    drop_proposal(tx, account_id, decision_id)
    set_state(tx, case.id, "open" if find_proposal(tx, case.id) is None else "second_voice")
    tx.emit(CaseUpdated(case.id))
    log.append(tx, "decision_end", {"number": decision.number, "case": case.number, "kind": "undone"})
    log_ends(tx, ended, "undone")
