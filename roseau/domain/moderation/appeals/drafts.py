"""An appeal as somebody sends it, and as its rows have it."""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation.vocabulary import Ground
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import (
    appeal_answers,
    appeals,
    cases,
    decision_ends,
    decisions,
    statements,
)
from roseau.storage.statements import statement

Outcome = Literal["granted", "partly", "refused", "lapsed"]
MAX_TEXT = 5_000
MAX_REASONS = 5_000
MAX_MEDIA = 4


class AppealDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says against a decision: the author, or whoever sent a notice of the case."""

    decision_id: int
    text: str
    account_id: int | None = None
    #: The number of the notice, from somebody without an account.
    notice_number: str = ""
    language: str = "en"
    media_ids: tuple[int, ...] = ()


class Appealed(msgspec.Struct, frozen=True):
    """A decision as an appeal meets it; `case_*` are those of the case that was decided."""

    id: int
    number: int
    ground: Ground
    decided_at: int
    decider_id: int | None
    second_decider_id: int | None
    reverses_id: int | None
    case_id: int
    case_subject: str
    case_lane: str
    case_reason: str
    case_target_account_id: int | None
    case_status_id: int | None
    #: Whom it is about and until when they may appeal, if it imposed anything.
    account_id: int | None
    appeal_until: int | None
    #: How it came to stand no longer.
    ended: str | None


class Appeal(msgspec.Struct, frozen=True):
    """An appeal and, once there is one, its answer."""

    id: int
    decision_id: int
    appellant: Literal["author", "notifier"]
    account_id: int | None
    notice_id: int | None
    text: str
    language: str
    filed_at: int
    answer_due_at: int
    lapses_at: int | None
    case_id: int | None
    outside_reviewer_id: int | None
    outcome: Outcome | None
    reasons: str | None
    answered_at: int | None


_appealed = statement(
    select(
        decisions.c.id,
        decisions.c.number,
        decisions.c.ground,
        decisions.c.decided_at,
        decisions.c.decider_id,
        decisions.c.second_decider_id,
        decisions.c.reverses_id,
        decisions.c.case_id,
        cases.c.subject.label("case_subject"),
        cases.c.lane.label("case_lane"),
        cases.c.reason.label("case_reason"),
        cases.c.target_account_id.label("case_target_account_id"),
        cases.c.status_id.label("case_status_id"),
        statements.c.account_id,
        statements.c.appeal_until,
        decision_ends.c.kind.label("ended"),
    )
    .select_from(
        decisions.join(cases, cases.c.id == decisions.c.case_id)
        .outerjoin(statements, statements.c.decision_id == decisions.c.id)
        .outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
    )
    .where(decisions.c.id == bindparam("wanted")),
    into=Appealed,
)
_columns = [appeals.c[name] for name in Appeal.__struct_fields__[:12]]
_rows = select(
    *_columns, appeal_answers.c.outcome, appeal_answers.c.reasons, appeal_answers.c.at.label("answered_at")
).select_from(appeals.outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id))
_one = statement(_rows.where(appeals.c.id == bindparam("wanted")), into=Appeal)
_of_case = statement(_rows.where(appeals.c.case_id == bindparam("case")), into=Appeal)
_of_decision = statement(
    _rows.where(appeals.c.decision_id == bindparam("decision")).order_by(appeals.c.id), into=Appeal
)


def load_appealed(tx: Transaction, decision_id: int) -> Appealed:
    """A decision that can be appealed against. Raises NotFound for others: undone, or an end of another."""
    decision = tx.one(_appealed, wanted=decision_id)
    if decision is None or decision.ended == "undone" or decision.reverses_id is not None:
        raise NotFound
    return decision


def load_appeal(tx: Transaction, appeal_id: int) -> Appeal:
    """An appeal. Raises NotFound."""
    appeal = tx.one(_one, wanted=appeal_id)
    if appeal is None:
        raise NotFound
    return appeal


def find_appeal_of_case(tx: Transaction, case_id: int) -> Appeal | None:
    """The appeal that a case of this kind is about."""
    return tx.one(_of_case, case=case_id)


def list_appeals(tx: Transaction, decision_id: int) -> list[Appeal]:
    """Every appeal against a decision, in order."""
    return tx.all(_of_decision, decision=decision_id)
