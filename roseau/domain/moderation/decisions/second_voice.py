"""A suspension for good needs two people where there are two: the first proposes it, another one agrees.

Meanwhile an interim decision removes what the case is about and freezes the account, for three days at most;
it has a statement of its own. When the second voice agrees, both names stand under the decision.
"""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.joining import note_event
from roseau.domain.moderation.cases.parties import is_party, refuse_party
from roseau.domain.moderation.decisions.checking import check_draft, person_of
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.recording import Recorded, end_decision, log_decision, record
from roseau.domain.moderation.decisions.rows import (
    Case,
    CaseSettled,
    hold_case,
    load_decision,
    set_state,
)
from roseau.domain.moderation.decisions.settling import log_ends, plan_close
from roseau.domain.moderation.measures.applying import end_measures
from roseau.domain.moderation.measures.force import Measure, list_of_decision
from roseau.domain.moderation.statements.outcomes import tell_outcome, tell_reversal
from roseau.domain.moderation.team.permissions import list_holders, require
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import proposals
from roseau.storage.statements import insertion, statement

#: How long the interim measures hold while the second voice is awaited.
INTERIM = 72 * clock.HOUR
#: A suspension that is longer than this is one for good, whatever it is called.
FOR_GOOD = 365 * clock.DAY
Answer = Literal["agreed", "refused", "withdrawn"]


class Proposal(msgspec.Struct, frozen=True):
    """A decision that waits for a second voice. The fields are the columns, in order."""

    id: int
    case_id: int
    draft: str
    account_id: int
    interim_decision_id: int | None
    outcome: str | None

    def to_draft(self) -> DecisionDraft:
        """The decision as it was proposed."""
        return msgspec.json.decode(self.draft, type=DecisionDraft)


_columns = [proposals.c[name] for name in Proposal.__struct_fields__]
_insert = insertion(proposals, "id case_id draft account_id interim_decision_id at")
_by_id = statement(
    select(*_columns).where(proposals.c.id == bindparam("proposal")).with_for_update(), into=Proposal
)
_waiting = statement(
    select(*_columns).where(proposals.c.case_id == bindparam("case"), proposals.c.outcome.is_(None)),
    into=Proposal,
)
_answer = statement(
    update(proposals)
    .where(proposals.c.id == bindparam("proposal"))
    .values(
        outcome=bindparam("outcome"), answered_by_id=bindparam("answered_by_id"), answer=bindparam("answer"),
        answered_at=bindparam("answered_at"),
    )
)  # fmt: skip


def needs_second_voice(tx: Transaction, case: Case, draft: DecisionDraft, decider_id: int) -> bool:
    """Whether the draft suspends somebody for good and another of the team could agree to it."""
    grave = any(
        measure.kind == "suspend" and (measure.until_at is None or measure.until_at > tx.now + FOR_GOOD)
        for measure in draft.measures
    )
    return grave and any(
        holder != decider_id and not is_party(tx, case.id, holder)
        for holder in list_holders(tx, "decide_cases")
    )


def find_proposal(tx: Transaction, case_id: int) -> Proposal | None:
    """What waits for a second voice in a case."""
    return tx.one(_waiting, case=case_id)


def propose(
    tx: Transaction, site: Site, case: Case, decider_id: int, draft: DecisionDraft
) -> tuple[Recorded, int]:
    """Keep a decision for the second voice, and take the interim one; that and the proposal's id."""
    interim_draft = _to_interim(tx, case, draft)
    interim = record(tx, site, case, interim_draft, decider_id=decider_id, stage="interim")
    proposal_id = ids.new_id()
    tx.run(
        _insert, id=proposal_id, case_id=case.id, draft=msgspec.json.encode(draft).decode(),
        account_id=decider_id, interim_decision_id=interim.id, at=tx.now,
    )  # fmt: skip
    set_state(tx, case.id, "second_voice")
    note_event(tx, case.id, "second_voice", account_id=decider_id, detail={"proposal": str(proposal_id)})
    tx.emit(CaseUpdated(case.id))
    log_decision(tx, site, case, interim_draft, interim, decider_id=decider_id, stage="interim")
    return interim, proposal_id


def _to_interim(tx: Transaction, case: Case, draft: DecisionDraft) -> DecisionDraft:
    until = tx.now + INTERIM
    person = next(person_of(tx, measure) for measure in draft.measures if measure.kind == "suspend")
    named = [measure.status_id for measure in draft.measures if measure.status_id is not None]
    if case.status_id is not None:
        about = MeasureDraft(kind="remove", status_id=case.status_id)
        if person_of(tx, about) == person:
            named.append(case.status_id)
    measures = [
        MeasureDraft(kind="remove", status_id=status_id, until_at=until) for status_id in dict.fromkeys(named)
    ]
    measures.append(MeasureDraft(kind="freeze", account_id=person, until_at=until))
    return msgspec.structs.replace(
        draft, measures=tuple(measures), text="", summary="", unfounded=False, misuse=False
    )


def agree(tx: Transaction, site: Site, account_id: int, proposal_id: int) -> Recorded:
    """Be the second voice: the proposed decision is taken.

    Raises Forbidden to whoever proposed it, to parties and to those who may not decide; CaseSettled.
    """
    proposal, case = _enter(tx, account_id, proposal_id)
    if account_id == proposal.account_id:
        raise Forbidden("You proposed this yourself; the second voice has to be somebody else's.")
    draft = check_draft(tx, case, proposal.account_id, proposal.to_draft())
    recorded = record(tx, site, case, draft, decider_id=proposal.account_id, second_id=account_id)
    _note_answer(tx, proposal, "agreed", account_id, "")
    set_state(tx, case.id, "decided", decided_at=tx.now)
    tell_outcome(tx, site, case.id, recorded.id, recorded.undo_until)
    plan_close(tx, case.id, recorded.undo_until)
    tx.emit(CaseUpdated(case.id))
    log_decision(tx, site, case, draft, recorded, decider_id=proposal.account_id, second_id=account_id)
    return recorded


def refuse(tx: Transaction, site: Site, account_id: int, proposal_id: int, why: str) -> None:
    """Say no as the second voice: the interim decision ends, the case is open again. Raises as `agree`."""
    proposal, case = _enter(tx, account_id, proposal_id)
    if account_id == proposal.account_id:
        raise Forbidden("You proposed this yourself; you can withdraw it.")
    if not why.strip():
        raise Invalid(problems=(Problem("answer", "ERR_BLANK", "Say why you do not agree"),))
    _turn_down(tx, site, case, proposal, "refused", account_id, why.strip())


def withdraw(tx: Transaction, site: Site, account_id: int, proposal_id: int) -> None:
    """Take one's own proposal back. Raises Forbidden for another's."""
    proposal, case = _enter(tx, account_id, proposal_id)
    if account_id != proposal.account_id:
        raise Forbidden("Somebody else proposed this; you can agree to it or refuse it.")
    _turn_down(tx, site, case, proposal, "withdrawn", account_id, "")


def _enter(tx: Transaction, account_id: int, proposal_id: int) -> tuple[Proposal, Case]:
    require(tx, account_id, "decide_cases")
    found = tx.one(_by_id, proposal=proposal_id)
    if found is None:
        raise NotFound
    case = hold_case(tx, found.case_id)
    refuse_party(tx, case.id, account_id)
    if found.outcome is not None or case.state != "second_voice":
        raise CaseSettled
    return found, case


def _note_answer(tx: Transaction, proposal: Proposal, outcome: Answer, account_id: int, why: str) -> None:
    tx.run(
        _answer, proposal=proposal.id, outcome=outcome, answered_by_id=account_id, answer=why,
        answered_at=tx.now,
    )  # fmt: skip
    note_event(tx, proposal.case_id, "second_voice", account_id=account_id, text=why,
               detail={"proposal": str(proposal.id), "outcome": outcome})  # fmt: skip


def _turn_down(
    tx: Transaction, site: Site, case: Case, proposal: Proposal, outcome: Answer, account_id: int, why: str
) -> None:
    _note_answer(tx, proposal, outcome, account_id, why)
    ended: list[Measure] = []
    if proposal.interim_decision_id is not None:
        ended = list_of_decision(tx, proposal.interim_decision_id, standing=True)
        end_measures(tx, site, ended, "lapsed", proposal.interim_decision_id)
        end_decision(tx, proposal.interim_decision_id, "lapsed", account_id)
        tell_reversal(tx, site, proposal.interim_decision_id)
    set_state(tx, case.id, "open")
    tx.emit(CaseUpdated(case.id))
    if proposal.interim_decision_id is not None:
        number = load_decision(tx, proposal.interim_decision_id).number
        log.append(tx, "decision_end", {"number": number, "case": case.number, "kind": "lapsed"})
    log_ends(tx, ended, "lapsed")


def drop_proposal(tx: Transaction, account_id: int, interim_decision_id: int) -> None:
    """Withdraw the proposal whose interim decision is being undone."""
    for proposal in tx.all(_of_interim, decision=interim_decision_id):
        _note_answer(tx, proposal, "withdrawn", account_id, "")


_of_interim = statement(
    select(*_columns).where(
        proposals.c.interim_decision_id == bindparam("decision"), proposals.c.outcome.is_(None)
    ),
    into=Proposal,
)
