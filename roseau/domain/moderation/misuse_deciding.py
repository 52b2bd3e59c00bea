"""Doing what the table of misuse suggests: a warning or a pause, as a decision in a case of its own.

The case is about the member who misused, whichever side they stand on, and opened by the team: nobody who is
told of it learns whose notices or posts it was about. Like any decision it has a statement of reasons and an
appeal, and can be undone and reversed.
"""

import msgspec
from sqlalchemy import bindparam, exists, literal, select

from roseau.domain.moderation.cases.access import require_look
from roseau.domain.moderation.cases.joining import Opening, find_open_case, open_case
from roseau.domain.moderation.decisions.deciding import Decided, decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.grounds import gather_grounds
from roseau.domain.moderation.decisions.rows import Case
from roseau.domain.moderation.misuse import SUBJECT, WINDOW, Side, Suggestion, answer_source, suggest
from roseau.domain.moderation.statements.readers import find_member
from roseau.domain.moderation.statements.writing import preview_statement
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.domain.moderation.vocabulary import Ground, Lane
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.i18n import translations
from roseau.storage.database import Transaction
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement

#: The law that a decision names unless somebody names a rule: each side has a paragraph of its own.
PARAGRAPHS: dict[Side, int] = {"poster": 1, "notifier": 2}
SIDES: tuple[Side, ...] = ("notifier", "poster")
_LANE: Lane = "S4"

_told_of = notice_items.join(notices, notices.c.id == notice_items.c.notice_id)
#: Whose notices were about the one who would decide; or who was reported by them.
_concerned = statement(
    select(
        exists(
            select(literal(1))
            .select_from(_told_of)
            .where(
                notices.c.account_id == bindparam("notifier"),
                notice_items.c.account_id == bindparam("poster"),
                notices.c.channel != "own_initiative",
                notices.c.received_at > bindparam("after"),
            )
        )
    )
)
_source_of = statement(
    select(notices.c.source, notices.c.account_id).where(
        notices.c.id == bindparam("notice"),
        exists(
            select(literal(1)).where(
                notice_items.c.notice_id == notices.c.id, notice_items.c.case_id == bindparam("case")
            )
        ),
    )
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody answers misuse. `milder`: a warning where a pause is suggested."""

    ground: Ground = "law"
    rule_id: int | None = None
    law: str = ""
    facts: str = ""
    summary: str = ""
    milder: bool = False


def find_suggestion(tx: Transaction, viewer_id: int, side: Side, account_id: int) -> Suggestion | None:
    """What the table suggests about a member, for one of the team who may decide it; None for others.

    Nothing is suggested about oneself, nor to whoever stands on the other side of it: they are party, and
    would learn who reported them.
    """
    if "decide_cases" not in permissions_of(tx, viewer_id) or find_member(tx, account_id) is None:
        return None
    if viewer_id == account_id or _is_concerned(tx, side, account_id, viewer_id):
        return None
    return suggest(tx, side, account_id=account_id)


def _is_concerned(tx: Transaction, side: Side, account_id: int, viewer_id: int) -> bool:
    notifier, poster = (account_id, viewer_id) if side == "notifier" else (viewer_id, account_id)
    return bool(tx.value(_concerned, notifier=notifier, poster=poster, after=tx.now - WINDOW))


def answer_misuse(
    tx: Transaction, site: Site, by_id: int, side: Side, account_id: int, answer: Answer
) -> Decided:
    """Warn or pause a member, as the table suggests it.

    Raises Forbidden, Invalid when nothing is suggested or with what is wrong in each field of the answer.
    """
    require(tx, by_id, "decide_cases")
    suggested = find_suggestion(tx, by_id, side, account_id)
    if suggested is None:
        raise Invalid("The table suggests nothing about them that you could decide.")
    subject = subject_of(side, account_id)
    present = find_open_case(tx, subject)
    opening = Opening(subject=subject, lane=_LANE, reason="other", target_account_id=account_id)
    case_id = present.id if present else open_case(tx, site, opening)
    return decide(tx, site, by_id, case_id, to_draft(tx, suggested, account_id, answer))


def preview_answer(
    tx: Transaction, site: Site, suggested: Suggestion, account_id: int, answer: Answer
) -> str:
    """The statement as they would read it."""
    subject = subject_of(suggested.standing.side, account_id)
    case = Case(0, 0, subject, "notice", _LANE, "other", "open", account_id, None, "", tx.now, tx.now, None)
    draft = to_draft(tx, suggested, account_id, answer)
    return preview_statement(tx, site, gather_grounds(tx, site, case, draft))


def to_draft(tx: Transaction, suggested: Suggestion, account_id: int, answer: Answer) -> DecisionDraft:
    """The decision that an answer stands for."""
    warns = suggested.step == "warn" or answer.milder
    kind = "warn_misuse" if warns else suggested.measure
    until = None if warns else tx.now + suggested.days * clock.DAY
    measure = msgspec.convert({"kind": kind, "account_id": account_id, "until_at": until}, MeasureDraft)
    return DecisionDraft(
        ground=answer.ground,
        rule_id=answer.rule_id if answer.ground == "rule" else None,
        law=answer.law if answer.ground == "law" else "",
        facts=answer.facts,
        summary=answer.summary,
        measures=(measure,),
        own_initiative=True,
        misuse=suggested.standing.side == "poster",
    )


def usual_answer(tx: Transaction, suggested: Suggestion, account_id: int) -> Answer:
    """The answer as it is proposed: the law, and the facts in the language of the member."""
    member = find_member(tx, account_id)
    words = translations(member.language if member else "en")
    standing = suggested.standing
    if standing.side == "notifier":
        facts = words.ngettext(
            "Of %(recent)s report of yours that we decided lately, %(bad)s was manifestly unfounded: nobody"
            " could have made it in good faith.",
            "Of %(recent)s reports of yours that we decided lately, %(bad)s were manifestly unfounded: nobody"
            " could have made them in good faith.",
            standing.recent,
        )
    else:
        facts = words.ngettext(
            "Of %(recent)s decision that we took lately about what you posted, %(bad)s went against you.",
            "Of %(recent)s decisions that we took lately about what you posted, %(bad)s went against you.",
            standing.recent,
        )
    law = words.gettext("Digital Services Act (Regulation (EU) 2022/2065), article 23(%(paragraph)s)")
    return Answer(
        law=law % {"paragraph": PARAGRAPHS[standing.side]},
        facts=facts % {"recent": standing.recent, "bad": standing.bad},
    )


def subject_of(side: Side, account_id: int) -> str:
    """What the case is joined by."""
    return f"{SUBJECT}:{account_id}:{side}"


def place_of(subject: str) -> str:
    """`SIDE/ID` of a case of misuse, as its page has it; empty for another case."""
    kind, _, rest = subject.partition(":")
    account_id, _, side = rest.partition(":")
    return f"{side}/{account_id}" if kind == SUBJECT else ""


def answer_source_of(tx: Transaction, site: Site, by_id: int, case_id: int, notice_id: int) -> int:
    """Warn or pause whoever sent a notice of a case without an account; the mark's id.

    Raises Forbidden, NotFound for a notice of somebody with an account or of another case, Invalid.
    """
    require_look(tx, case_id, by_id)
    row = tx.one(_source_of, notice=notice_id, case=case_id)
    if row is None or row.account_id is not None:
        raise NotFound
    return answer_source(tx, site, by_id, row.source)
