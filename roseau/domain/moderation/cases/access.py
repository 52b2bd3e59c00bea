"""Who may look at a case, and who may work on it. Everything of `cases` asks here first."""

from sqlalchemy import bindparam, literal, select

from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import appeal_answers, appeals, cases
from roseau.storage.statements import statement

_by_number = statement(select(cases.c.id).where(cases.c.number == bindparam("wanted")))
_number = statement(select(cases.c.number).where(cases.c.id == bindparam("wanted")))
_kind_and_state = statement(select(cases.c.kind, cases.c.state).where(cases.c.id == bindparam("wanted")))
#: The appeal was handed to this outside reviewer, and waits for an answer.
_handed_to = statement(
    select(literal(1))
    .select_from(
        appeals.join(accounts, accounts.c.id == appeals.c.outside_reviewer_id).outerjoin(
            appeal_answers, appeal_answers.c.appeal_id == appeals.c.id
        )
    )
    .where(
        appeals.c.case_id == bindparam("wanted"),
        appeals.c.outside_reviewer_id == bindparam("viewer"),
        appeal_answers.c.appeal_id.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
)


def find_case_id(tx: Transaction, number: int) -> int:
    """The id of the case with that number. Raises NotFound."""
    found = tx.value(_by_number, wanted=number)
    if found is None:
        raise NotFound
    return int(found)


def find_number(tx: Transaction, case_id: int) -> int:
    """The number of a case. Raises NotFound."""
    found = tx.value(_number, wanted=case_id)
    if found is None:
        raise NotFound
    return int(found)


def is_handed_to(tx: Transaction, case_id: int, viewer_id: int) -> bool:
    """Whether the case is an appeal that waits for the answer of this outside reviewer."""
    return tx.one(_handed_to, wanted=case_id, viewer=viewer_id) is not None


def require_look(tx: Transaction, case_id: int, viewer_id: int) -> None:
    """Let somebody see the case: of the team, or its outside reviewer, and not party. Raises Forbidden."""
    if not is_handed_to(tx, case_id, viewer_id):
        require(tx, viewer_id, "view_cases")
    refuse_party(tx, case_id, viewer_id)


def require_work(tx: Transaction, case_id: int, account_id: int) -> None:
    """Let somebody work on the case. Raises Forbidden, NotFound, and Invalid for a case that is closed."""
    row = tx.one(_kind_and_state, wanted=case_id)
    if row is None:
        raise NotFound
    held = permissions_of(tx, account_id)
    if not (row.kind == "appeal" and "manage_appeals" in held):
        require(tx, account_id, "decide_cases")
    refuse_party(tx, case_id, account_id)
    if row.state == "closed":
        raise Invalid("This case is closed. A new report, or an appeal, opens another.")
