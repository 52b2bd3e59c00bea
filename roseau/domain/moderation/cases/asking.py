"""Asking a member something before a case is decided, and their answer: a letter, and no measure."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation.cases.access import require_work
from roseau.domain.moderation.cases.joining import note_event
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.cases.working import wake_up
from roseau.domain.moderation.statements.deliveries import Letter, queue_delivery
from roseau.domain.moderation.statements.places import record_url
from roseau.domain.moderation.statements.readers import find_member
from roseau.domain.names import find_front_url
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.i18n import translations
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import case_events, cases, deliveries
from roseau.storage.statements import one_of, statement

MAX_QUESTION = 2_000
MAX_ANSWER = 5_000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the team asked a member, as the member sees it."""

    id: int
    text: str
    asked_at: int
    answer: str | None
    answered_at: int | None
    #: The case is open still, so that an answer is read.
    open: bool


_asked = (
    select(
        case_events.c.id, case_events.c.case_id, case_events.c.text, case_events.c.at, cases.c.state,
        deliveries.c.account_id,
    )
    # The event of a question has the id of its letter.
    .select_from(
        case_events.join(deliveries, deliveries.c.id == case_events.c.id).join(
            cases, cases.c.id == case_events.c.case_id
        )
    )
    .where(deliveries.c.kind == "question", deliveries.c.account_id == bindparam("member"))
)  # fmt: skip
_of_member = statement(_asked.order_by(case_events.c.id.desc()).limit(100))
_one = statement(_asked.where(case_events.c.id == bindparam("wanted")))
_answers = statement(
    select(case_events.c.case_id, case_events.c.text, case_events.c.detail, case_events.c.at).where(
        one_of(case_events.c.case_id, "cases"), case_events.c.kind == "answered"
    )
)


def ask(tx: Transaction, site: Site, account_id: int, case_id: int, member_id: int, text: str) -> int:
    """Ask somebody whom the case concerns, as the team; the question's id. Raises Forbidden, Invalid.

    The letter says what the moderator wrote and nothing else: who reported what stays unsaid.
    """
    require_work(tx, case_id, account_id)
    if not text.strip():
        raise Invalid(problems=(Problem("text", "ERR_BLANK", "Write what you want to know."),))
    if len(text) > MAX_QUESTION:
        raise Invalid(problems=(Problem("text", "ERR_TOO_LONG", "This question is too long."),))
    member = find_member(tx, member_id)
    if member is None or not is_party(tx, case_id, member_id):
        raise Invalid("Only a member whom the case concerns can be asked.")
    _ = translations(member.language).gettext
    words = [
        _("Our team has a question for you before it decides a case:"),
        text.strip(),
        _("You can answer here: %(url)s") % {"url": record_url(find_front_url(tx, site))},
        _("This is no measure and no warning, and nothing happens to you if you do not answer."),
    ]
    letter = Letter(
        kind="question", subject=_("A question of the moderation"), text="\n\n".join(words),
        account_id=member_id, language=member.language,
    )  # fmt: skip
    question_id = queue_delivery(tx, site, letter)
    note_event(
        tx, case_id, "asked", account_id=account_id, text=text.strip(), detail={"to": member_id},
        event_id=question_id,
    )  # fmt: skip
    tx.emit(CaseUpdated(case_id))
    return question_id


def answer_question(tx: Transaction, site: Site, member_id: int, question_id: int, text: str) -> None:
    """Answer what the team asked; the case goes on if it waited. Raises NotFound, Invalid."""
    question: Any = tx.one(_one, wanted=question_id, member=member_id)
    if question is None:
        raise NotFound
    if not text.strip() or len(text) > MAX_ANSWER:
        raise Invalid(problems=(Problem("text", "ERR_BLANK", "Write an answer of up to 5000 characters."),))
    if question.state == "closed" or question_id in _find_answers(tx, [question.case_id]):
        raise Invalid("This question is closed: it was answered, or the case was decided.")
    note_event(
        tx, question.case_id, "answered", account_id=member_id, text=text.strip(),
        detail={"question": question_id},
    )  # fmt: skip
    if question.state == "paused":
        wake_up(tx, question.case_id)
    tx.emit(CaseUpdated(question.case_id))


def list_my_questions(tx: Transaction, member_id: int) -> list[Question]:
    """What the team asked a member, newest first."""
    rows = tx.all(_of_member, member=member_id)
    answers = _find_answers(tx, [row.case_id for row in rows])
    return [
        Question(
            id=row.id, text=row.text, asked_at=row.at,
            answer=answers[row.id].text if row.id in answers else None,
            answered_at=answers[row.id].at if row.id in answers else None,
            open=row.state != "closed" and row.id not in answers,
        )
        for row in rows
    ]  # fmt: skip


def _find_answers(tx: Transaction, case_ids: list[int]) -> dict[int, Any]:
    """Question -> its answer."""
    if not case_ids:
        return {}
    return {
        msgspec.json.decode(row.detail, type=dict[str, int])["question"]: row
        for row in tx.all(_answers, cases=case_ids)
    }
