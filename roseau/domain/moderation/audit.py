"""The log of the team with names: who did what in which case. For the team alone; the public log has none.

It is read from the rows that these things left, so there is nothing here that could be written otherwise.
"""

from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, literal, null, or_, select, union_all

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.cases.parties import party_of
from roseau.domain.moderation.team.permissions import require
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeal_answers, appeals, case_events, cases, decision_ends, decisions
from roseau.storage.schema.notices import evidence_looks, item_dispositions, notice_items
from roseau.storage.statements import statement

PAGE = 50

#: The kinds of entries that one can ask for.
KINDS = ("decision", "decision_end", "event", "look", "appeal_answer", "disposition")


class Entry(msgspec.Struct, frozen=True):
    """One thing that somebody did; `word` is finer than `kind`: of an event, an end, an outcome."""

    at: int
    kind: str
    word: str
    account: AccountView | None
    case_number: int | None
    decision_number: int | None


class Question(msgspec.Struct, frozen=True):
    """What to look for; empty fields ask for everything. Times are milliseconds, `before` exclusive."""

    account_id: int = 0
    kind: str = ""
    since: int = 0
    before: int = 0


def _entries(kind: str, source: Any, *columns: Any) -> Select[Any]:
    """Rows of one kind; `columns` are when, what exactly, who, in which case, of which decision."""
    names = ("at", "word", "account_id", "case_id", "decision_id")
    named = (column.label(name) for column, name in zip(columns, names, strict=True))
    return select(literal(kind).label("kind"), *named).select_from(source)


_d, _ends, _events, _looks = decisions.c, decision_ends.c, case_events.c, evidence_looks.c
_answers, _done = appeal_answers.c, item_dispositions.c
_everything = union_all(
    _entries("decision", decisions, _d.decided_at, _d.ground, _d.decider_id, _d.case_id, _d.id),
    _entries(
        "decision_end",
        decision_ends.join(decisions, _d.id == _ends.decision_id),
        *(_ends.at, _ends.kind, _ends.account_id, _d.case_id, _d.id),
    ),
    _entries("event", case_events, _events.at, _events.kind, _events.account_id, _events.case_id, null()),
    _entries("look", evidence_looks, _looks.at, literal("look"), _looks.account_id, _looks.case_id, null()),
    _entries(
        "appeal_answer",
        appeal_answers.join(appeals, appeals.c.id == _answers.appeal_id),
        *(_answers.at, _answers.outcome, _answers.reviewer_id, appeals.c.case_id, appeals.c.decision_id),
    ),
    _entries(
        "disposition",
        item_dispositions.join(notice_items, notice_items.c.id == _done.item_id),
        *(_done.at, _done.kind, _done.account_id, notice_items.c.case_id, _done.decision_id),
    ),
).subquery("everything")
_e = _everything.c
_list = statement(
    select(
        _e.at, _e.kind, _e.word, _e.account_id, cases.c.number, decisions.c.number.label("decision_number")
    )
    .select_from(
        _everything.outerjoin(cases, cases.c.id == _e.case_id).outerjoin(
            decisions, decisions.c.id == _e.decision_id
        )
    )
    .where(
        # Members answer questions in cases; what they do is none of the team's doing.
        _e.account_id.is_not(None),
        _e.word != "answered",
        _e.at >= bindparam("since"),
        _e.at < bindparam("before"),
        or_(bindparam("account") == 0, _e.account_id == bindparam("account")),
        or_(bindparam("wanted") == "", _e.kind == bindparam("wanted")),
        or_(cases.c.id.is_(None), ~party_of(bindparam("viewer"))),
    )
    .order_by(_e.at.desc(), _e.kind)
    .limit(bindparam("limit"))
)


def list_audit(tx: Transaction, viewer_id: int, question: Question, limit: int = PAGE) -> list[Entry]:
    """What the team did, newest first, but for cases in which the reader is party. Raises Forbidden."""
    require(tx, viewer_id, "view_audit_log")
    rows = tx.all(
        _list,
        viewer=viewer_id,
        account=question.account_id,
        wanted=question.kind,
        since=question.since,
        before=question.before or tx.now + 1,
        limit=limit,
    )
    people = load_accounts(tx, [row.account_id for row in rows])
    return [
        Entry(row.at, row.kind, row.word, people.get(row.account_id), row.number, row.decision_number)
        for row in rows
    ]
