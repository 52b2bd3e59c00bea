"""Cases and decisions as the commands about them read them."""

import msgspec
from sqlalchemy import bindparam, exists, func, literal, select, update

from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, decision_ends, decisions
from roseau.storage.statements import statement, statements


class CaseSettled(Invalid):
    """Somebody else was faster."""

    code = "case_settled"
    sentence = "This case has been decided in the meantime."


class Case(msgspec.Struct, frozen=True):
    """A case that is held while something is decided in it. The fields are the columns, in order."""

    id: int
    number: int
    subject: str
    kind: str
    lane: str
    reason: str
    state: str
    target_account_id: int | None
    status_id: int | None
    domain: str
    received_at: int
    due_at: int
    seen_at: int | None


class Decision(msgspec.Struct, frozen=True):
    """A decision as it was taken; `ended` says how it came to stand no longer, if it does not."""

    id: int
    number: int
    case_id: int
    ground: str
    rule_id: int | None
    rule_version: int | None
    law: str
    facts: str
    summary: str
    category: str
    automated_detection: bool
    automated_decision: str
    own_initiative: bool
    decider_id: int | None
    decider_role: str
    second_decider_id: int | None
    reverses_id: int | None
    decided_at: int
    undo_until: int
    ended: str | None = None


_CASE = [cases.c[name] for name in Case.__struct_fields__]
_hold_case = statement(select(*_CASE).where(cases.c.id == bindparam("case")).with_for_update(), into=Case)
_DECISION = [decisions.c[name] for name in Decision.__struct_fields__ if name != "ended"]
_decisions = select(*_DECISION, decision_ends.c.kind.label("ended")).select_from(
    decisions.outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
)
_decision = statement(_decisions.where(decisions.c.id == bindparam("decision")), into=Decision)
_of_case = statement(
    _decisions.where(decisions.c.case_id == bindparam("case")).order_by(decisions.c.number), into=Decision
)
# Numbers have no gaps: whoever takes one is alone until the commit. SQLite has one writer anyway.
_hold_numbers = statements(sqlite="SELECT 1", postgresql="SELECT pg_advisory_xact_lock(3, 1)")
_last_number = statement(select(func.coalesce(func.max(decisions.c.number), 0)))
_set_state = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(
        state=bindparam("new_state"),
        decided_at=bindparam("decided_at"),
        closed_at=bindparam("closed_at"),
        seen_at=func.coalesce(cases.c.seen_at, bindparam("now")),
    )
)
_open_decisions = statement(
    select(
        exists(
            select(literal(1)).where(
                decisions.c.case_id == bindparam("case"),
                decisions.c.reverses_id.is_(None),
                ~exists(select(literal(1)).where(decision_ends.c.decision_id == decisions.c.id)),
            )
        )
    )
)


def hold_case(tx: Transaction, case_id: int) -> Case:
    """The case, which nobody else changes until the transaction ends. Raises NotFound."""
    tx.all(_hold_numbers)
    case = tx.one(_hold_case, case=case_id)
    if case is None:
        raise NotFound
    return case


def next_number(tx: Transaction) -> int:
    """The number of the decision that is taken now; the case is held."""
    return int(tx.value(_last_number)) + 1


def load_decision(tx: Transaction, decision_id: int) -> Decision:
    """A decision. Raises NotFound."""
    found = tx.one(_decision, decision=decision_id)
    if found is None:
        raise NotFound
    return found


def list_decisions(tx: Transaction, case_id: int) -> list[Decision]:
    """What was decided in a case, in order."""
    return tx.all(_of_case, case=case_id)


def is_decided(tx: Transaction, case_id: int) -> bool:
    """Whether a decision of the case stands."""
    return bool(tx.value(_open_decisions, case=case_id))


def set_state(
    tx: Transaction, case_id: int, state: str, *, decided_at: int | None = None, closed_at: int | None = None
) -> None:
    """Note how far a case has come."""
    tx.run(_set_state, case=case_id, new_state=state, decided_at=decided_at, closed_at=closed_at, now=tx.now)
