"""Who is party to a case: whom it is about, who wrote something of it, who sent a notice of it.

Nobody sees or decides a case in which they are party. Of an appeal, the parties of the case that it looks
at again are parties too, and whoever appeals; who decided that case is not, but may only grant.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal, or_, select

from roseau.kernel.errors import Forbidden
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeals, cases, decisions
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement


def party_of(person: Any) -> ColumnElement[bool]:
    """`person` is party to the case of the row of `cases` that the statement is about."""
    concerned = or_(
        notice_items.c.account_id == person,
        # Who opens a case of their own accord has reported it to nobody but the team.
        and_(notices.c.account_id == person, notices.c.channel != "own_initiative"),
    )
    decided = cases.alias("decided")
    told = notice_items.join(notices, notices.c.id == notice_items.c.notice_id)
    looked_at = appeals.join(decisions, decisions.c.id == appeals.c.decision_id)
    return or_(
        and_(cases.c.target_account_id.is_not(None), cases.c.target_account_id == person),
        exists(
            select(literal(1))
            .select_from(told)
            .where(notice_items.c.case_id == cases.c.id, concerned)
            .correlate(cases)
        ),
        and_(
            cases.c.kind == "appeal",
            exists(
                select(literal(1))
                .select_from(
                    looked_at.join(decided, decided.c.id == decisions.c.case_id)
                    .outerjoin(notice_items, notice_items.c.case_id == decided.c.id)
                    .outerjoin(notices, notices.c.id == notice_items.c.notice_id)
                )
                .where(
                    appeals.c.case_id == cases.c.id,
                    or_(appeals.c.account_id == person, decided.c.target_account_id == person, concerned),
                )
                .correlate(cases)
            ),
        ),
    )


_is_party = statement(
    select(literal(1)).where(cases.c.id == bindparam("wanted"), party_of(bindparam("person")))
)


def is_party(tx: Transaction, case_id: int, account_id: int) -> bool:
    """Whether the case is about them, about something they wrote, or there because they reported it."""
    return tx.one(_is_party, wanted=case_id, person=account_id) is not None


def refuse_party(tx: Transaction, case_id: int, account_id: int) -> None:
    """Raises Forbidden to somebody who is party to the case."""
    if is_party(tx, case_id, account_id):
        raise Forbidden("This case concerns you, so somebody else decides it.")
